"""Cut examples into train, selection and report; draw fewer of them; tell if they changed."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from autopelt.data.source import Parts, Source, Splits
from autopelt.errors import UnavailableError

if TYPE_CHECKING:
    from datasets import Dataset


class Examples(Protocol):
    """What a task says of its examples where they are cut; see `autopelt.tasks.base.Task`."""

    @property
    def name(self) -> str: ...  # noqa: D102

    def learn_labels(self, train: Dataset) -> None: ...  # noqa: D102

    def strata(self, dataset: Dataset) -> Sequence[Any] | None: ...  # noqa: D102

    def groups(self, dataset: Dataset) -> Sequence[Any] | None: ...  # noqa: D102

    def finish(self, dataset: Dataset, part: str, notes: list[str]) -> Dataset: ...  # noqa: D102


_LEAST, _MOST = 200, 2000
"""Examples of a selection split cut from train: a tenth, within these, at most a quarter."""

_CUT, _DRAW, _HOLD_OUT = 1, 2, 3
"""Streams of random numbers: the cut, the draw and the hold-out do not share one."""


def selection_size(examples: int) -> int:
    """How many of `examples` become the selection split."""
    return min(max(examples // 10, _LEAST), _MOST, examples // 4)


def cut(task: Examples, parts: Parts, source: Source, *, report: bool) -> Splits:
    """Read those of the parts that are needed and make the splits of `task`.

    Three parts are the three splits. From train and report, selection is cut from train; from train
    and selection, or train alone, the report split is cut from train first. Cuts are stratified by
    class and depend on the source's random seed only: ``train_examples`` never changes selection.

    Raises:
        UnavailableError: a part is unusable or too small.
    """
    readers, notes, sentences = parts.readers, parts.notes, []
    train = readers["train"]()
    task.learn_labels(train)
    train = task.finish(train, "train", notes)

    def cut_off(split: str, stream: int) -> tuple[Dataset, Dataset]:
        chosen, rest = _divided(task, train, selection_size(len(train)), source, stream)
        sentences.append(_sentence(split, chosen, train, task, source))
        return train.select(chosen), train.select(rest)

    held_out = None
    if "report" not in readers:
        held_out, train = cut_off("report", _HOLD_OUT)
    if "selection" in readers:
        selection = task.finish(readers["selection"](), "selection", notes)
        sentences.append("selection is a part of its own in the data.")
    else:
        selection, train = cut_off("selection", _CUT)
    train = _fewer(task, train, source, notes)
    if report and held_out is None:
        held_out = task.finish(readers["report"](), "report", notes)

    splits = {"train": train, "selection": selection}
    if report and held_out is not None:
        splits["report"] = held_out
    facts = replace(
        parts.facts,
        sizes={name: len(split) for name, split in splits.items()},
        cut=" ".join(s[0].upper() + s[1:] for s in sentences),
        notes=tuple(notes),
        hash=content_hash(train, selection),
    )
    return Splits(train, selection, splits.get("report"), facts)


def _sentence(
    split: str, chosen: Sequence[int], whole: Dataset, task: Examples, source: Source
) -> str:
    how = "stratified" if task.strata(whole) is not None else "at random"
    how += ", group by group," if task.groups(whole) is not None else ""
    return (
        f"{split} is {len(chosen)} of the {len(whole)} training examples, drawn {how} "
        f"with random seed {source.random_seed}."
    )


def _divided(
    task: Examples, dataset: Dataset, size: int, source: Source, stream: int
) -> tuple[list[int], list[int]]:
    if size < 1:
        raise UnavailableError(
            f"task '{task.name}' has {len(dataset)} training examples, too few to cut splits from; "
            "it needs at least 8."
        )
    strata, groups = task.strata(dataset), task.groups(dataset)
    chosen = draw(size, len(dataset), source.random_seed, stream, strata=strata, groups=groups)
    taken = set(chosen)
    return chosen, [i for i in range(len(dataset)) if i not in taken]


def _fewer(task: Examples, train: Dataset, source: Source, notes: list[str]) -> Dataset:
    wanted = source.train_examples
    if wanted is None:
        return train
    if wanted >= len(train):
        if wanted > len(train):
            notes.append(f"{wanted} training examples were asked for; there are {len(train)}.")
        return train
    strata = task.strata(train)
    return train.select(draw(wanted, len(train), source.random_seed, _DRAW, strata=strata))


def draw(
    size: int,
    examples: int,
    random_seed: int,
    stream: int,
    *,
    strata: Sequence[Any] | None = None,
    groups: Sequence[Any] | None = None,
) -> list[int]:
    """Draw `size` of `examples` indices without replacement, in growing order.

    Args:
        strata: a class for each example; each class gets its share to within one example, and
            one at least where `size` allows it.
        groups: a group for each example; whole groups are drawn until `size` is reached (the last
            one may go over). Not together with `strata`.
    """
    random = np.random.default_rng([random_seed, stream])
    order = [int(i) for i in random.permutation(examples)]
    if groups is not None:
        return _whole_groups(_members(order, groups).values(), size)
    if strata is None:
        return sorted(order[:size])
    members = _members(order, strata)
    classes = sorted(members, key=str)
    counts = _shares([len(members[c]) for c in classes], size)
    return sorted(i for c, n in zip(classes, counts, strict=True) for i in members[c][:n])


def _shares(counts: Sequence[int], size: int) -> list[int]:
    """Split `size` in proportion to `counts` (largest remainders), 1 for each class if it fits."""
    total = sum(counts)
    exact = [size * c / total for c in counts]
    given = [int(e) for e in exact]
    for i in sorted(range(len(counts)), key=lambda i: (given[i] - exact[i], i))[
        : size - sum(given)
    ]:
        given[i] += 1
    for i in range(len(counts)):
        richest = max(range(len(counts)), key=lambda j: given[j])
        if given[i] == 0 and counts[i] > 1 and given[richest] > 1:
            given[i], given[richest] = 1, given[richest] - 1
    return given


def _members(order: Sequence[int], names: Sequence[Any]) -> dict[Any, list[int]]:
    """Name of each class or group -> its examples, all in this order."""
    members: dict[Any, list[int]] = defaultdict(list)
    for i in order:
        members[names[i]].append(i)
    return members


def _whole_groups(groups: Iterable[Sequence[int]], size: int) -> list[int]:
    chosen: list[int] = []
    for group in groups:
        if len(chosen) >= size:
            break
        chosen.extend(group)
    return sorted(chosen)


def content_hash(*datasets: Dataset) -> str:
    """SHA-256 (hex) of columns and rows in order: equal for equal examples, however stored."""
    digest = hashlib.sha256()
    for dataset in datasets:
        digest.update(json.dumps([len(dataset), sorted(dataset.column_names)]).encode())
        for batch in dataset.iter(batch_size=1000):
            digest.update(json.dumps(batch, sort_keys=True, default=str).encode())
    return digest.hexdigest()
