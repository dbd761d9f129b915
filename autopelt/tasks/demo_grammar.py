"""The sentence pairs of the built-in `demo` task: a small grammar, no file and no download.

Grammar (one word is drawn for each name in capitals; `a` becomes `an` where English asks for it)::

    premise      PERSON VERB a COLOUR THING near the PLACE. Anna bought a red violin near the hotel.
    hypothesis   The THING was COLOUR'.                     The violin was red.
               | The THING was near the PLACE'.             The violin was near the hotel.
               | PERSON VERB a KIND'.                       Anna bought an instrument.

Rule. The label is `entailment` exactly when the primed word is true of the premise: COLOUR' is
COLOUR, PLACE' is PLACE, or KIND' is the kind that lists THING in `KINDS`. Otherwise the label is
`not_entailment`, and the primed word was drawn from the other words of its class. The words of a
hypothesis that are not primed are those of the premise. No label is noisy.

Why a frozen backbone does not solve it. In training every class of words is drawn alike for both
labels, so neither sentence alone says anything about the label. What counts is whether one word
agrees with its partner in the other sentence, and a linear head on the frozen [CLS] vector hardly
sees that. Modules only have to pass on to [CLS] what attention can find: equal words (colours,
places) are found early, a thing and its kind later, as they rest on what the backbone knows of word
meaning. So the score grows with the number, the size and the layers of the modules.

Splits. About a third of each class (`Words.held_out`) occurs in the report split only, and every
premise of that split holds at least one such word. So no pair can be in both splits, whatever their
random seeds.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final, Literal, get_args

Split = Literal["train", "report"]

LABELS: Final = ("entailment", "not_entailment")


@dataclass(frozen=True)
class Pair:
    """One example; `label` is an index into `LABELS`."""

    premise: str
    hypothesis: str
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
PLACES: Final = _words(
    "kitchen garden garage office library museum station hotel market school",
    "theatre church bakery hospital bridge",
)
KINDS: Final = {
    "instrument": _words("violin guitar flute piano trumpet", "drum cello harp"),
    "tool": _words("hammer saw shovel drill axe", "spade rake ladder"),
    "vehicle": _words("truck bicycle van tractor bus", "motorcycle taxi car"),
    "animal": _words("horse dog goat rabbit cow", "cat pig donkey"),
    "fruit": _words("apple pear lemon banana peach", "cherry plum mango"),
    "garment": _words("coat shirt scarf jacket sweater", "skirt glove vest"),
}

# The forms of a hypothesis, each as often as it is drawn. Kinds are the hard quarter of the task.
_FORMS: Final = ("colour",) * 3 + ("place",) * 3 + ("kind",) * 2


def generate(split: Split, examples: int, random_seed: int) -> list[Pair]:
    """Draw `examples` different pairs in random order, half of them entailed (rounded up).

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


def _pair(draw: random.Random, split: Split, label: int) -> Pair:
    while True:
        kind = draw.choice(tuple(KINDS))
        classes = (PERSONS, VERBS, COLOURS, KINDS[kind], PLACES)
        words = tuple(draw.choice(each.of(split)) for each in classes)
        if split == "train" or any(word in each.held_out for word, each in zip(words, classes)):
            break
    person, verb, colour, thing, place = words
    premise = f"{person} {verb} {_with_article(colour)} {thing} near the {place}."
    match draw.choice(_FORMS):
        case "colour":
            primed = _primed(draw, colour, COLOURS.of(split), label)
            hypothesis = f"The {thing} was {primed}."
        case "place":
            primed = _primed(draw, place, PLACES.of(split), label)
            hypothesis = f"The {thing} was near the {primed}."
        case _:
            primed = _primed(draw, kind, tuple(KINDS), label)
            hypothesis = f"{person} {verb} {_with_article(primed)}."
    return Pair(premise, hypothesis, label)


def _primed(draw: random.Random, true_word: str, words: tuple[str, ...], label: int) -> str:
    """The primed word of the rule: the true one for entailment, else any other of `words`."""
    if LABELS[label] == "entailment":
        return true_word
    return draw.choice([word for word in words if word != true_word])


def _with_article(word: str) -> str:
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"
