"""Examples that say the same: what each is known by, how many splits share, and their labels."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autopelt.data.conversations import asked_in

if TYPE_CHECKING:
    from datasets import Dataset

_ANSWERS = ("label", "tags")
"""Columns of which equal texts should have the same."""


def normalised(text: str) -> str:
    """A text without what a reader hardly sees: case, kinds of blanks, ways to encode an accent."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    return " ".join(text.casefold().split())


@dataclass(frozen=True)
class Keyed:
    """Examples with what each is known by.

    Attributes:
        asked: columns of what a model is given.
        keys: what each example has there, normalised.
    """

    dataset: Dataset
    asked: tuple[str, ...]
    keys: list[str]

    @classmethod
    def of(cls, dataset: Dataset, asked: tuple[str, ...]) -> Keyed:
        """Read the texts of all examples once."""
        return cls(dataset, asked, ["\x1f".join(map(normalised, r)) for r in _rows(dataset, asked)])

    @property
    def numbered(self) -> list[str]:
        """The keys, each with how often it stood before, so that no two are equal."""
        seen: Counter[str] = Counter()
        told = []
        for key in self.keys:
            told.append(f"{key}\n{seen[key]}")
            seen[key] += 1
        return told

    def select(self, indices: Sequence[int]) -> Keyed:
        """Some of the examples."""
        return Keyed(self.dataset.select(indices), self.asked, [self.keys[i] for i in indices])

    def __len__(self) -> int:
        return len(self.keys)


def _rows(dataset: Dataset, columns: Sequence[str]) -> list[tuple[str, ...]]:
    return list(zip(*([_text(v) for v in dataset[name][:]] for name in columns), strict=True))


def _text(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):  # a conversation
        value = [turn["content"] for turn in asked_in(value)]
    return "\n".join(map(_text, value)) if isinstance(value, list) else str(value)


def shared(split: str, mine: Keyed, other: str, theirs: Keyed) -> list[str]:
    """A sentence on the examples of a split that stand in another one as well; none without any."""
    known = set(theirs.keys)
    found = [i for i, key in enumerate(mine.keys) if key in known]
    if not found:
        return []
    exact = set(_rows(theirs.dataset, theirs.asked))
    same = sum(row in exact for row in _rows(mine.dataset, mine.asked))
    words = f"{'is' if len(found) == 1 else 'are'} in {other} too"
    if same < len(found):
        words += f" ({same} to the letter, the others but for case or blanks)"
    if len(found) < len(mine):
        return [f"{len(found)} of the {len(mine)} {split} examples {words}."]
    return [
        f"WARNING: all {len(mine)} {split} examples {words}; their score tells what was "
        "learned by heart, nothing of new texts."
    ]


def contradictions(split: str, examples: Keyed) -> list[str]:
    """A sentence on equal texts with different labels, or none."""
    answers = [name for name in _ANSWERS if name in examples.dataset.column_names]
    if not answers:
        return []
    told: dict[str, set[str]] = defaultdict(set)
    for key, answer in zip(examples.keys, examples.dataset[answers[0]][:], strict=True):
        told[key].add(str(answer))
    torn = {key for key, labels in told.items() if len(labels) > 1}
    if not torn:
        return []
    rows = sum(key in torn for key in examples.keys)
    return [
        f"{split}: {rows} of the {len(examples)} examples have a text that stands there with "
        "another label as well."
    ]
