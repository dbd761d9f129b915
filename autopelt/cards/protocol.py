"""Card: how the scores were measured, in enough detail to measure them again."""

from __future__ import annotations

from dataclasses import dataclass

from autopelt.cards.card import Card, Command, Fact, Table, cell, flat, table
from autopelt.cards.wording import listed, share
from autopelt.study.facts import TaskFacts
from autopelt.study.record import StudyRecord

SETTINGS = (
    "epochs", "batch_size", "max_length", "train_examples", "selection_examples",
    "report_examples", "learning_rate_factor",
)  # fmt: skip
"""Settings shown on the card itself, where the configuration has them under these names."""


@dataclass(frozen=True)
class Protocol:
    """Splits with their sizes, the settings that matter, and every value behind them.

    `random_seed` is the study's; `random_seeds` are the trials'.
    """

    splits: tuple[tuple[str, int | None], ...]
    budget_share: float | None
    random_seed: int
    random_seeds: tuple[int, ...]
    settings: tuple[tuple[str, str], ...]
    everything: tuple[tuple[str, str], ...]


def protocol(record: StudyRecord) -> Protocol:
    """Numbers of the card; what the record does not know is None."""
    backbone = record.backbone.parameters
    pairs = flat(record.config.model_dump(mode="json"))
    by_last_name = {key.rsplit(".", 1)[-1]: value for key, value in pairs}
    random_seeds = tuple(sorted({t.random_seed for t in record.trials}))
    return Protocol(
        tuple(record.task.sizes.items()),
        record.limit / backbone if backbone else None,
        record.config.random_seed,
        random_seeds,
        tuple((key, by_last_name[key]) for key in SETTINGS if by_last_name.get(key, "–") != "–"),
        (
            *((f"config.{k}", v) for k, v in pairs),
            *((f"task.{k}", v) for k, v in flat(record.task.known())),
            *((f"backbone.{k}", v) for k, v in flat(record.backbone.known())),
            *((f"version.{k}", str(v)) for k, v in record.versions.items()),
        ),
    )


def card(record: StudyRecord) -> Card:
    """Splits, sizes, random seeds, versions and the command."""
    p = protocol(record)
    train, selection = (_examples(p, split) for split in ("train", "selection"))
    of = "" if record.task.judged is None else f"{record.task.judged:,} of "
    lead = (
        f"Every architecture was trained on {train} and judged by its "
        f"{record.metric or 'score'} on "
        f"{of}{selection}; the search never looked at {_report(p)}."
    )
    if record.config.own_loop is not None:
        lead = (
            f"Every architecture was trained and judged by a function of the user's own, "
            f"{record.task.source}, which alone knows on what data."
        )
    commands = (
        (Command("The command that made this study", record.command),) if record.command else ()
    )
    return Card(
        lead,
        facts(p, record),
        commands=commands,
        table=settings_table(p),
        note=record.task.cut,
    )


def facts(p: Protocol, record: StudyRecord) -> tuple[Fact, ...]:
    """The protocol as name and value pairs."""
    backbone = record.backbone.parameters
    part = f", {share(p.budget_share)} of the backbone" if p.budget_share else ""
    own = "each trial trains with one of its own" if len(p.random_seeds) > 1 else ""
    shown = [
        Fact("Task", record.task.name or "–", _task_words(record.task)),
        Fact(
            "Backbone",
            record.backbone.short_name,
            f"{backbone:,} parameters, frozen" if backbone else "",
        ),
        Fact("Budget", f"{record.limit:,}", f"deployed parameters{part}"),
        Fact("Task head", f"{record.head:,}", "parameters, trained and counted apart"),
        Fact("Random seed", str(p.random_seed), own),
    ]
    if record.warm_start:
        warm = record.warm_start
        left = f", {warm.left_out} could not be said here" if warm.left_out else ""
        shown.append(
            Fact(
                "Warm start",
                warm.study,
                f"task {warm.task} on {warm.backbone}: {warm.trials} scores, "
                f"{warm.early} of its {warm.what} evaluated early{left}",
            )
        )
    saved = record.early_stopping
    after = f"after epochs {listed([str(r) for r in saved.rungs])}" if saved.rungs else ""
    shown.append(Fact("Early stopping", saved.words, after))
    if record.config.own_loop is None:  # these are of our own training
        shown += [Fact(key.replace("_", " ").capitalize(), value) for key, value in p.settings]
    return tuple(shown)


def settings_table(p: Protocol) -> Table | None:
    """Every setting and version, behind a toggle."""
    rows = [(None, {"Setting": cell(name), "Value": cell(value)}) for name, value in p.everything]
    return table(rows, text=("Value",), folded="Show every setting and version")


def _task_words(task: TaskFacts) -> str:
    words = [w.replace("_", " ") for w in (task.title, task.kind) if w]
    words += [task.source] if task.source else []
    if "labels" in task.model_fields_set:
        words.append(f"{len(task.labels)} labels")
    return " · ".join(words)


def _examples(p: Protocol, split: str) -> str:
    number = dict(p.splits)[split]
    return f"the examples of the {split} split" if number is None else f"{number:,} examples"


def _report(p: Protocol) -> str:
    number = dict(p.splits)["report"]
    return "the report split" if number is None else f"the {number:,} of the report split"
