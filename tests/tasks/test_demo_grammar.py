"""The grammar of the `demo` task keeps what its docstring promises."""

import re
from collections import Counter

import pytest

from autopelt.tasks.demo_grammar import (
    COLOURS,
    KINDS,
    LABELS,
    PERSONS,
    PLACES,
    VERBS,
    Pair,
    Split,
    Words,
    generate,
)

SPLITS: tuple[Split, ...] = ("train", "report")
CLASSES = (PERSONS, VERBS, COLOURS, PLACES, *KINDS.values())
PREMISE = re.compile(
    r"(?P<person>\w+) (?P<verb>\w+) an? (?P<colour>\w+) (?P<thing>\w+) near the (?P<place>\w+)\."
)


def words_of(text: str) -> set[str]:
    return set(re.findall(r"\w+", text))


def is_entailed(pair: Pair) -> bool:
    """The rule, derived from the two texts alone."""
    facts = PREMISE.fullmatch(pair.premise)
    assert facts is not None, pair
    person, verb, colour, thing, place = facts.group("person", "verb", "colour", "thing", "place")
    kinds = [kind for kind, things in KINDS.items() if thing in things.of("report")]
    assert len(kinds) == 1, f"{thing} is of the kinds {kinds}"
    article = "an" if kinds[0][0] in "aeiou" else "a"
    return pair.hypothesis in {
        f"The {thing} was {colour}.",
        f"The {thing} was near the {place}.",
        f"{person} {verb} {article} {kinds[0]}.",
    }


@pytest.mark.parametrize("split", SPLITS)
def test_the_rule_gives_every_label(split: Split) -> None:
    for pair in generate(split, 2000, random_seed=3):
        assert LABELS[pair.label] == ("entailment" if is_entailed(pair) else "not_entailment"), pair


@pytest.mark.parametrize("split", SPLITS)
def test_a_false_hypothesis_differs_in_its_last_word_only(split: Split) -> None:
    for pair in generate(split, 500, random_seed=5):
        if pair.label == LABELS.index("not_entailment"):
            *_, last = re.findall(r"\w+", pair.hypothesis)
            assert last not in words_of(pair.premise), pair


@pytest.mark.parametrize("split", SPLITS)
def test_equal_arguments_give_equal_pairs(split: Split) -> None:
    assert generate(split, 300, random_seed=7) == generate(split, 300, random_seed=7)
    assert generate(split, 300, random_seed=7) != generate(split, 300, random_seed=8)


def test_the_first_pair_never_changes() -> None:
    """A reader's numbers can be had again: the text does not depend on platform or process."""
    assert generate("train", 600, random_seed=0)[0] == Pair(
        premise="Alice painted a grey scarf near the market.",
        hypothesis="The scarf was near the market.",
        label=0,
    )


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("examples", [1, 2, 401, 600])
def test_labels_are_balanced(split: Split, examples: int) -> None:
    counts = Counter(pair.label for pair in generate(split, examples, random_seed=0))
    assert counts[0] + counts[1] == examples
    assert counts[0] - counts[1] == examples % 2


def test_labels_are_not_in_a_fixed_order() -> None:
    labels = [pair.label for pair in generate("train", 200, random_seed=0)]
    assert labels not in (sorted(labels), [0, 1] * 100)


def test_no_pair_occurs_twice_in_a_split_or_in_both() -> None:
    texts = [
        (pair.premise, pair.hypothesis)
        for split in SPLITS
        for pair in generate(split, 3000, random_seed=11)
    ]
    assert len(set(texts)) == 6000


def test_held_out_words_occur_in_the_report_split_only() -> None:
    held_out = {word for words in CLASSES for word in words.held_out}
    share = len(held_out) / sum(len(words.of("report")) for words in CLASSES)
    assert 0.25 < share < 0.45
    train, report = (generate(split, 2000, random_seed=1) for split in SPLITS)
    assert not any(words_of(pair.premise + pair.hypothesis) & held_out for pair in train)
    assert all(words_of(pair.premise) & held_out for pair in report)
    assert held_out <= {word for pair in report for word in words_of(pair.premise)}


@pytest.mark.parametrize("words", CLASSES)
def test_no_word_is_both_seen_and_held_out(words: Words) -> None:
    assert not set(words.seen) & set(words.held_out)


def test_a_hypothesis_alone_says_nothing_about_the_label() -> None:
    """The last word, the only one that may be false, is drawn alike for both labels."""
    pairs = generate("train", 20_000, random_seed=2)
    for_label = [Counter(p.hypothesis.split()[-1] for p in pairs if p.label == k) for k in (0, 1)]
    for word, count in for_label[0].items():
        other = for_label[1][word]
        assert abs(count - other) < 6 * (count + other) ** 0.5, word


@pytest.mark.parametrize("split", SPLITS)
def test_a_pair_is_short(split: Split) -> None:
    """Every word and full stop is one word piece; three more mark begin, middle and end."""
    lengths = [
        len(re.findall(r"\w+|\.", pair.premise + " " + pair.hypothesis)) + 3
        for pair in generate(split, 500, random_seed=0)
    ]
    assert max(lengths) <= 20
    assert 16 <= sum(lengths) / len(lengths) <= 20


def test_articles_fit_the_word_after_them() -> None:
    for pair in generate("report", 2000, random_seed=4):
        text = f"{pair.premise} {pair.hypothesis}"
        assert not re.search(r"\ba [aeiou]|\ban [^aeiou]", text), text


def test_wrong_arguments_are_refused_with_both_values() -> None:
    with pytest.raises(ValueError, match=r"Got split 'selection', .* one of train, report"):
        generate("selection", 10, random_seed=0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="Got 0 examples, but expected at least 1"):
        generate("train", 0, random_seed=0)
