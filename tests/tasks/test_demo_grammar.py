"""The grammar of the `demo` task keeps what its docstring promises."""

import re
from collections import Counter

import pytest

from autopelt.tasks.demo_grammar import (
    COLOURS,
    KINDS,
    LABELS,
    PERSONS,
    VERBS,
    Pair,
    Split,
    Words,
    generate,
)

SPLITS: tuple[Split, ...] = ("train", "report")
CLASSES = (PERSONS, VERBS, COLOURS, *KINDS.values())
SENTENCE = re.compile(r"(?P<person>\w+) (?P<verb>\w+) an? (?P<colour>\w+) (?P<thing>\w+)\.")


def words_of(text: str) -> set[str]:
    return set(re.findall(r"\w+", text))


def facts_of(text: str) -> dict[str, str]:
    """Person, verb, colour, thing and its kind, from the text alone."""
    found = SENTENCE.fullmatch(text)
    assert found is not None, text
    (kind,) = (kind for kind, things in KINDS.items() if found["thing"] in things.of("report"))
    return found.groupdict() | {"kind": kind}


@pytest.mark.parametrize("split", SPLITS)
def test_the_label_is_the_one_thing_that_the_sentences_have_in_common(split: Split) -> None:
    for pair in generate(split, 2000, random_seed=3):
        first, second = facts_of(pair.first), facts_of(pair.second)
        assert [name for name in first if first[name] == second[name]] == [LABELS[pair.label]], pair


@pytest.mark.parametrize("split", SPLITS)
def test_equal_arguments_give_equal_pairs(split: Split) -> None:
    assert generate(split, 300, random_seed=7) == generate(split, 300, random_seed=7)
    assert generate(split, 300, random_seed=7) != generate(split, 300, random_seed=8)


def test_the_first_pair_never_changes() -> None:
    """A reader's numbers can be had again: the text does not depend on platform or process."""
    assert generate("train", 600, random_seed=0)[0] == Pair(
        first="Julia lost a green bus.",
        second="Sarah painted a white bicycle.",
        label=2,
    )


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("examples", [1, 2, 401, 600])
def test_labels_are_balanced(split: Split, examples: int) -> None:
    counts = Counter(pair.label for pair in generate(split, examples, random_seed=0))
    assert sum(counts.values()) == examples
    assert max(counts.values()) - min(counts[k] for k in range(len(LABELS))) <= 1


def test_labels_are_not_in_a_fixed_order() -> None:
    labels = [pair.label for pair in generate("train", 200, random_seed=0)]
    assert labels not in (sorted(labels), ([0, 1, 2] * 67)[:200])


def test_no_pair_occurs_twice_in_a_split_or_in_both() -> None:
    texts = [
        (pair.first, pair.second)
        for split in SPLITS
        for pair in generate(split, 3000, random_seed=11)
    ]
    assert len(set(texts)) == 6000


def test_held_out_words_occur_in_the_report_split_only() -> None:
    held_out = {word for words in CLASSES for word in words.held_out}
    share = len(held_out) / sum(len(words.of("report")) for words in CLASSES)
    assert 0.25 < share < 0.45
    train, report = (generate(split, 2000, random_seed=1) for split in SPLITS)
    assert not any(words_of(pair.first + pair.second) & held_out for pair in train)
    assert all(words_of(pair.first) & held_out for pair in report)
    assert held_out <= {word for pair in report for word in words_of(pair.first)}


@pytest.mark.parametrize("words", CLASSES)
def test_no_word_is_both_seen_and_held_out(words: Words) -> None:
    assert not set(words.seen) & set(words.held_out)


@pytest.mark.parametrize("sentence", ["first", "second"])
def test_one_sentence_alone_says_nothing_about_the_label(sentence: str) -> None:
    """Every word is drawn alike for all labels."""
    pairs = generate("train", 30_000, random_seed=2)
    counts = Counter(
        (word, pair.label) for pair in pairs for word in words_of(getattr(pair, sentence))
    )
    for word in {word for word, _ in counts}:
        of_label = [counts[word, label] for label in range(len(LABELS))]
        mean = sum(of_label) / len(LABELS)
        assert all(abs(count - mean) < 5 * mean**0.5 for count in of_label), word


@pytest.mark.parametrize("split", SPLITS)
def test_a_pair_is_short(split: Split) -> None:
    """Every word and full stop is one word piece; three more mark begin, middle and end."""
    lengths = [
        len(re.findall(r"\w+|\.", pair.first + " " + pair.second)) + 3
        for pair in generate(split, 500, random_seed=0)
    ]
    assert set(lengths) == {15}


def test_articles_fit_the_word_after_them() -> None:
    for pair in generate("report", 2000, random_seed=4):
        text = f"{pair.first} {pair.second}"
        assert not re.search(r"\ba [aeiou]|\ban [^aeiou]", text), text


def test_wrong_arguments_are_refused_with_both_values() -> None:
    with pytest.raises(ValueError, match=r"Got split 'selection', .* one of train, report"):
        generate("selection", 10, random_seed=0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="Got 0 examples, but expected at least 1"):
        generate("train", 0, random_seed=0)
