"""The sentence pairs of the built-in `demo` task: a small grammar, no file and no download.

Grammar (one word is drawn for each name in capitals; `a` becomes `an` where English asks for it)::

    first     PERSON VERB a COLOUR THING.       Anna bought a red violin.
    second    PERSON' VERB' a COLOUR' THING'.   Peter lost a blue guitar.

Rule. The label is what the two sentences have in common, and that is one thing only: `person`
(PERSON' is PERSON), `colour` (COLOUR' is COLOUR), or `kind` (THING' is another thing of the kind
that lists THING in `KINDS`). All else was drawn to differ. No label is noisy.

Why a frozen backbone does not solve it. Every class of words is drawn alike for all labels, so
neither sentence alone says anything about the label. What counts is which word agrees with its
partner in the other sentence, and a linear head on the frozen features hardly sees that. Modules
only have to pass on what attention can find. Where they sit decides how soon: near the top little
attention is left to pass it on, near the bottom words have not met their sentence, and what is
learned there has all other layers to come through. So in few steps a few parameters in the middle
layers learn what the same ones at either end do not.

Splits. About a third of each class (`Words.held_out`) occurs in the report split only, and every
first sentence of that split holds at least one such word. So no pair can be in both splits,
whatever their random seeds.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import astuple, dataclass, replace
from typing import Final, Literal, get_args

Split = Literal["train", "report"]

LABELS: Final = ("person", "colour", "kind")


@dataclass(frozen=True)
class Pair:
    """One example; `label` is an index into `LABELS`."""

    first: str
    second: str
    label: int


@dataclass(frozen=True)
class Words:
    """A class of words; `held_out` never occurs in the training split."""

    seen: tuple[str, ...]
    held_out: tuple[str, ...]

    def of(self, split: Split) -> tuple[str, ...]:
        """The words from which `split` draws: the report split has the held-out ones as well."""
        return self.seen if split == "train" else self.seen + self.held_out


def _words(seen: str, held_out: str) -> Words:
    return Words(tuple(seen.split()), tuple(held_out.split()))


PERSONS: Final = _words(
    "Anna Peter Maria David Laura Simon Julia Martin "
    "Emma Thomas Sarah Oliver Helen George Alice Robert",
    "Nina Edward Clara Frank Ruth Henry Diana Victor",
)
VERBS: Final = _words("bought found sold noticed lost painted", "washed photographed admired")
COLOURS: Final = _words("red blue green yellow white black brown grey", "pink purple orange golden")
KINDS: Final = {
    "instrument": _words("violin guitar flute piano trumpet", "drum cello harp"),
    "tool": _words("hammer saw shovel drill axe", "spade rake ladder"),
    "vehicle": _words("truck bicycle van tractor bus", "motorcycle taxi car"),
    "animal": _words("horse dog goat rabbit cow", "cat pig donkey"),
    "fruit": _words("apple pear lemon banana peach", "cherry plum mango"),
    "garment": _words("coat shirt scarf jacket sweater", "skirt glove vest"),
}


def generate(split: Split, examples: int, random_seed: int) -> list[Pair]:
    """Draw `examples` different pairs in random order, the labels in turn.

    The same arguments give the same list on every platform. Another number of examples gives
    another order. Raises ValueError for an unknown split and for `examples` below 1.
    """
    if split not in get_args(Split):
        raise ValueError(f"Got split {split!r}, but expected one of {', '.join(get_args(Split))}")
    if examples < 1:
        raise ValueError(f"Got {examples} examples, but expected at least 1")
    draw = random.Random(f"{split} {random_seed}")
    pairs: dict[Pair, None] = {}
    while len(pairs) < examples:
        pairs[_pair(draw, split, label=len(pairs) % len(LABELS))] = None
    shuffled = list(pairs)
    draw.shuffle(shuffled)
    return shuffled


@dataclass(frozen=True)
class _Sentence:
    """The words of one sentence."""

    person: str
    verb: str
    colour: str
    kind: str
    thing: str

    def __str__(self) -> str:
        return f"{self.person} {self.verb} {_with_article(self.colour)} {self.thing}."


def _sentence(draw: random.Random, split: Split, but: tuple[str, ...] = ()) -> _Sentence:
    """One sentence without the words and kinds of `but`."""

    def one(words: Iterable[str]) -> str:
        return draw.choice([word for word in words if word not in but])

    kind = one(KINDS)
    person, verb, colour, thing = (
        one(words.of(split)) for words in (PERSONS, VERBS, COLOURS, KINDS[kind])
    )
    return _Sentence(person, verb, colour, kind, thing)


def _pair(draw: random.Random, split: Split, label: int) -> Pair:
    first = _sentence(draw, split)
    while split == "report" and not _has_held_out(first):
        first = _sentence(draw, split)
    second = _sentence(draw, split, but=astuple(first))
    match LABELS[label]:
        case "person":
            second = replace(second, person=first.person)
        case "colour":
            second = replace(second, colour=first.colour)
        case _:
            others = [thing for thing in KINDS[first.kind].of(split) if thing != first.thing]
            second = replace(second, kind=first.kind, thing=draw.choice(others))
    return Pair(str(first), str(second), label)


def _has_held_out(words: _Sentence) -> bool:
    return (
        words.person in PERSONS.held_out
        or words.verb in VERBS.held_out
        or words.colour in COLOURS.held_out
        or words.thing in KINDS[words.kind].held_out
    )


def _with_article(word: str) -> str:
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"
