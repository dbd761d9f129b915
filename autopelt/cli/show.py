"""What `autopelt show`, `diff`, `train`, `evaluate`, `predict` and `export` do."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from autopelt.architecture.counter import ShapeCounter
from autopelt.backbones.load import load_config, resolve
from autopelt.backbones.shapes import shapes_from_file, shapes_of_config
from autopelt.cards.noise import difference_error
from autopelt.study.lookup import Named, find_architecture, split_study
from autopelt.study.storage import StudyStorage
from autopelt.system.units import format_cost, format_share
from autopelt.training.spec import Setup

_console = Console(soft_wrap=True, highlight=False, markup=False)


def run_show(name: str, model: str, model_config: str | None, as_json: bool, as_yaml: bool) -> None:
    """Print an architecture and its counts."""
    from autopelt.backbones.head_size import head_size
    from autopelt.backbones.shapes import config_from_file

    head, outputs = "sequence_classification", 2
    place = split_study(name)
    if place is not None:
        opened = StudyStorage.open(place[0])
        study = opened.record()
        if model == "minilm":
            model = Setup.of(opened.config).model
        outputs = max(1, len(study.task.get("labels", ())) or 1)
    if model_config is not None:
        shapes, config = shapes_from_file(model_config), config_from_file(model_config)
    else:
        config = load_config(resolve(model))
        shapes = shapes_of_config(config)
    found = find_architecture(name, shapes)
    architecture = found.architecture
    count = ShapeCounter(shapes).count(architecture)
    size = head_size(config, head, outputs)
    if as_json:
        _console.print(
            json.dumps(
                {
                    "id": architecture.id,
                    "trained": count.trained,
                    "deployed": count.deployed,
                    "share": count.share,
                    "backbone_parameters": count.backbone,
                    "head": size,
                }
            )
        )
        return
    if as_yaml:
        _console.print(architecture.to_yaml(), end="")
        return
    _console.print(f"{found.name}  [{architecture.id}]")
    for words in architecture.describe().split(" · "):
        _console.print(f"  {words}")
    _console.print(
        f"deployed {count.deployed:,} parameters, {format_share(count.share)} of the backbone's "
        f"{count.backbone:,}"
    )
    more = " (with the networks that are folded away)" if count.trained > count.deployed else ""
    _console.print(f"trained  {count.trained:,} parameters{more}")
    _console.print(f"task head, apart: {size:,} for {outputs} outputs")
    if found.study is not None and found.trial is not None and found.trial.score is not None:
        _console.print(
            f"{found.study.metric} {found.trial.score:.4f}, trial {found.trial.number}, one random "
            "seed, selection split"
        )
        for cost in found.study.measured:
            words = {"latency": "the bare backbone's", "memory": "beside the frozen weights"}[cost]
            _console.print(f"{cost} {format_cost(cost, found.trial.costs.get(cost))} {words}")


def run_diff(first: str, second: str, model: str | None, as_json: bool) -> None:
    """Print how two architectures differ."""
    from autopelt.architecture.difference import differences

    places = [split_study(name) for name in (first, second)]
    models = [
        Setup.of(StudyStorage.open(place[0]).config).model for place in places if place is not None
    ]
    shapes = shapes_of_config(load_config(resolve(model or next(iter(models), "minilm"))))
    counter = ShapeCounter(shapes)
    a, b = find_architecture(first, shapes), find_architecture(second, shapes)
    before, after = counter.count(a.architecture), counter.count(b.architecture)
    sentences = differences(a.architecture, b.architecture)
    cost, gain = after.deployed - before.deployed, _gain(a, b)
    if as_json:
        _console.print(
            json.dumps(
                {
                    "first": {"name": a.name, "id": a.architecture.id, "deployed": before.deployed},
                    "second": {"name": b.name, "id": b.architecture.id, "deployed": after.deployed},
                    "differences": sentences,
                    "cost": cost,
                    "gain": gain,
                }
            )
        )
        return
    _console.print(f"{a.name}  →  {b.name}")
    for sentence in sentences or ["They are the same architecture."]:
        _console.print(f"  {sentence}")
    more = "as many" if not cost else f"{abs(cost):,} {'more' if cost > 0 else 'fewer'}"
    _console.print(
        f"It costs {more} parameters: {before.deployed:,} ({format_share(before.share)}) "
        f"→ {after.deployed:,} ({format_share(after.share)})."
    )
    if a.trial is None or b.trial is None or a.study is None or b.study is None:
        _console.print("What it gains is unknown: not both are trials of a study.")
    elif gain is None:
        _console.print(f"What it gains is unknown: {_incomparable(a, b)}.")
    else:
        error = difference_error(b.study, a.trial.point[1], b.trial.point[1])
        chance = "" if error is None else f", of which up to {2 * error:.4f} can be chance"
        _console.print(
            f"It {'gains' if gain >= 0 else 'loses'} {abs(gain):.4f} {b.study.metric}: "
            f"{a.trial.score:.4f} → {b.trial.score:.4f} (one random seed each{chance})."
        )


def _gain(a: Named, b: Named) -> float | None:
    """Score of b minus score of a, where the two were measured alike."""
    if _incomparable(a, b) or a.trial is None or b.trial is None:
        return None
    return b.trial.point[1] - a.trial.point[1]


def _incomparable(a: Named, b: Named) -> str:
    """Why the scores of two trials cannot be compared; "" where they can."""
    if a.study is None or b.study is None or a.trial is None or b.trial is None:
        return "not both are trials of a study"
    for named in (a, b):
        if named.trial is not None and named.trial.score is None:
            return f"{named.name} has no score"
    keys = ("hash", "train", "selection")
    if a.study.metric != b.study.metric or any(
        a.study.task.get(k) != b.study.task.get(k) for k in keys
    ):
        return "the two studies have different tasks or data"
    if a.study.config.training != b.study.config.training:
        return "the two studies train differently"
    return ""


def run_train(
    study: str,
    architecture: str | None,
    out: str | None,
    epochs: int | None,
    random_seed: int | None,
    data: str | None,
    force: bool,
) -> None:
    """Train the best (or another) architecture of a study and write a folder."""
    from autopelt.api import Training, train

    def announce(training: Training) -> None:
        _console.print(f"training {training.name}: {training.architecture.describe()}")

    def show(training: Training, result: Any) -> None:
        _console.print(
            f"  epoch {result.epoch} of {training.epochs}: loss {result.loss:.4f}, "
            f"selection {training.metric} {result.score:.4f}{' *' if result.best else ''}"
        )

    made = train(
        study,
        architecture,
        out=out,
        epochs=epochs,
        random_seed=random_seed,
        data=data,
        force=force,
        on_start=announce,
        on_epoch=show,
    )
    _console.print(_reported(made["metric"], made["report"], made["constant"]))
    _console.print(f"Saved:    {made['folder']}")
    _console.print(f"Evaluate: autopelt evaluate {made['folder']}")


def run_evaluate(folder: str, model: str | None, data: str | None, as_json: bool) -> None:
    """Score a trained folder on the report split."""
    from autopelt.training.final import evaluate_model

    result = evaluate_model(Path(folder), model=model, data=data)
    if as_json:
        _console.print(json.dumps(result))
        return
    for metric in result["report"]:
        constant = result["constant"] if metric == result["metric"] else None
        _console.print(_reported(metric, result["report"], constant))


def _reported(
    metric: str, scores: Mapping[str, float], constant: Mapping[str, float] | None
) -> str:
    """A score on the report split, and what the best constant answer has there."""
    words = f"report {metric} {scores[metric]:.4f}"
    return words if constant is None else f"{words} (a constant answer: {constant[metric]:.4f})"


def run_predict(
    folder: str,
    file: str,
    out: str | None,
    text: str | None,
    text_pair: str | None,
    model: str | None,
    batch_size: int | None,
) -> None:
    """Predict for the examples of a file."""
    from autopelt.data.user_files import read
    from autopelt.export import find_trained
    from autopelt.workflows.predict import check_ending, joined, json_lines, predict, write_rows

    if out is not None:
        check_ending(Path(out))
    trained = find_trained(folder)
    notes: list[str] = []
    table = read(file, "", notes, trained.head == "token_classification")
    first = {"token_classification": "words", "seq2seq": "source", "causal_lm": "source"}
    columns = {first.get(trained.head, "text"): text, "text_pair": text_pair}
    if trained.head == "question_answering":
        columns = {"question": text, "context": text_pair}
    given = {ours: theirs for ours, theirs in columns.items() if theirs is not None}
    rows = joined(table, predict(trained, table, given, model, batch_size))
    if out is None:
        click.echo(json_lines(rows), nl=False)
    else:
        write_rows(rows, Path(out))
        notes.append(f"Predicted {len(rows)} examples: {out}")
    for note in notes:
        click.echo(note, err=True)


def run_export(folder: str, to: str, out: str, model: str | None) -> None:
    """Write a trained architecture in another format, or a study's trials, or a script."""
    from autopelt.export.study import TARGETS, export_study

    if to in TARGETS:
        _console.print(f"Exported: {export_study(folder, to, Path(out))}")
        return
    from autopelt.export import export

    _console.print(f"Exported: {export(folder, to, out, model)}")
