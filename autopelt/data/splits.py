"""Cut examples into train, selection and report; draw fewer of them; tell if they changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from autopelt.data.draw import CUT, HOLD_OUT, draw, part, share
from autopelt.data.duplicates import Keyed, contradictions, normalised, shared
from autopelt.data.source import GROUP, PLACE, Parts, Source, Splits
from autopelt.errors import UnavailableError

if TYPE_CHECKING:
    from datasets import Dataset


class Examples(Protocol):
    """What a task says of its examples where they are cut; see `autopelt.tasks.base.Task`."""

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def labels(self) -> tuple[str, ...]: ...  # noqa: D102

    @property
    def example(self) -> str: ...  # noqa: D102

    @property
    def asked(self) -> tuple[str, ...]: ...  # noqa: D102

    def learn_labels(self, train: Dataset) -> None: ...  # noqa: D102

    def strata(self, dataset: Dataset) -> Sequence[Any] | None: ...  # noqa: D102

    def groups(self, dataset: Dataset) -> Sequence[Any] | None: ...  # noqa: D102

    def finish(self, dataset: Dataset, part: str, notes: list[str]) -> Dataset: ...  # noqa: D102


def cut(task: Examples, parts: Parts, source: Source, *, report: bool) -> Splits:
    """Read those of the parts that are needed and make the splits of `task`.

    Three parts are the three splits. From train and report, selection is cut from train; from train
    and selection, or train alone, the report split is cut from train first. Cuts go by a hash of
    each text (`autopelt.data.draw`) and depend on the source's random seed only: how many
    examples of one split are asked for never changes another.

    Raises:
        UnavailableError: a part is unusable or too small.
    """
    readers, notes, sentences = parts.readers, parts.notes, []

    def read(split: str) -> Keyed:
        return Keyed.of(task.finish(readers[split](), split, notes), task.asked)

    first = readers["train"]()
    task.learn_labels(first)
    train = Keyed.of(task.finish(first, "train", notes), task.asked)
    notes += contradictions("train", train)
    by_us: list[str] = []

    def cut_off(split: str, stream: int) -> tuple[Keyed, Keyed]:
        chosen, how = _chosen(task, train, source, stream)
        by_us.append(split)
        sentences.append(
            f"{split} is {len(chosen)} of the {len(train)} training examples, drawn {how} with "
            f"random seed {source.random_seed}."
        )
        taken = set(chosen)
        return train.select(chosen), train.select([i for i in range(len(train)) if i not in taken])

    held_out: Keyed | None = None
    examples = len(train)
    if "report" not in readers:
        held_out, train = cut_off("report", HOLD_OUT)
    if "selection" in readers:
        selection = read("selection")
        examples += len(selection)
        sentences.append("what is chosen by is a part of its own in the data.")
    else:
        selection, train = cut_off("selection", CUT)
    if report and held_out is None:
        held_out = read("report")
        examples += len(held_out)
    whole = len(train)
    train = _fewer(task, train, "train", source.train_examples, source, notes)
    selection = _fewer(task, selection, "selection", source.selection_examples, source, notes)
    if held_out is not None:
        held_out = _fewer(task, held_out, "report", source.report_examples, source, notes)
    if by_us or len(train) < whole:
        by_us.append("train")

    notes += shared("selection", selection, "train", train)
    if held_out is not None:
        notes += shared("report", held_out, "train", train)
        notes += shared("report", held_out, "selection", selection)
    sizes = {"train": len(train), "selection": len(selection)}
    facts = replace(
        parts.facts,
        sizes=sizes if held_out is None else {**sizes, "report": len(held_out)},
        read=examples,
        cut=" ".join(s[0].upper() + s[1:] for s in sentences),
        cut_splits=tuple(by_us),
        notes=tuple(notes),
        hash=content_hash(train.dataset, selection.dataset),
        report_hash="" if held_out is None else content_hash(held_out.dataset),
    )
    kept = held_out.dataset if report and held_out is not None else None
    return Splits(train.dataset, selection.dataset, kept, facts)


def _chosen(task: Examples, examples: Keyed, source: Source, stream: int) -> tuple[list[int], str]:
    """Which examples go to the split that is cut off, and how they were chosen."""
    wanted, seed = share(len(examples)), source.random_seed
    groups = task.groups(examples.dataset)
    if groups is not None:
        chosen = part([normalised(str(g)) for g in groups], wanted, seed, stream)
        if chosen:  # of a single group there is no choice
            return chosen, "by a hash, those that belong together on one side,"
    strata = task.strata(examples.dataset) if task.labels else None
    if len(examples) < 4:
        raise UnavailableError(
            f"task '{task.name}' has {len(examples)} training examples, too few to cut splits "
            "from; it needs at least 8."
        )
    chosen = part(examples.keys, wanted, seed, stream, strata)
    if chosen:
        return chosen, f"by a hash of each {task.example}"
    # All texts are one: its copies stand in both splits, of which a note warns.
    return part(
        examples.numbered, wanted, seed, stream, strata
    ), f"by place, as all {task.example}s are equal"


def _fewer(
    task: Examples,
    examples: Keyed,
    split: str,
    wanted: int | None,
    source: Source,
    notes: list[str],
) -> Keyed:
    if wanted is None or wanted >= len(examples):
        if wanted is not None and wanted > len(examples):
            what = "training" if split == "train" else split
            notes.append(f"{wanted} {what} examples were asked for; there are {len(examples)}.")
        return examples
    if split != "train":
        notes.append(f"{split}: {wanted} of {len(examples)} examples are used.")
    strata = task.strata(examples.dataset)
    return examples.select(draw(wanted, examples.keys, source.random_seed, strata))


def content_hash(*datasets: Dataset) -> str:
    """SHA-256 (hex) of columns and rows in order but `GROUP`, `PLACE`: equal for equal examples."""
    digest = hashlib.sha256()
    for whole in datasets:
        dataset = whole.remove_columns([n for n in (GROUP, PLACE) if n in whole.column_names])
        digest.update(json.dumps([len(dataset), sorted(dataset.column_names)]).encode())
        for batch in dataset.iter(batch_size=1000):
            digest.update(json.dumps(batch, sort_keys=True, default=str).encode())
    return digest.hexdigest()
