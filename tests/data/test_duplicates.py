"""Examples that say the same are known, counted between splits and held against their labels."""

import pytest
from datasets import Dataset

from autopelt.data.duplicates import Keyed, contradictions, normalised, shared


def keyed(*texts: str, **columns: list[object]) -> Keyed:
    return Keyed.of(Dataset.from_dict({"text": list(texts), **columns}), ("text",))


@pytest.mark.parametrize("other", ["A  CAF\u00c9 ", "a cafe\u0301", "\ta\u00a0caf\u00e9\n"])
def test_case_blanks_and_encodings_of_an_accent_do_not_matter(other):
    assert normalised(other) == normalised("a caf\u00e9")
    assert normalised("a cafe") != normalised("a caf\u00e9")


def test_words_choices_and_pairs_are_read_through():
    rows = {"text": ["a", "a"], "choices": [["b", "C d"], ["b", "c"]]}
    assert Keyed.of(Dataset.from_dict(rows), ("text", "choices")).keys == ["a\x1fb c d", "a\x1fb c"]


def test_a_pair_is_not_the_other_way_round():
    rows = Dataset.from_dict({"text": ["a", "b"], "text_pair": ["b", "a"]})
    assert len(set(Keyed.of(rows, ("text", "text_pair")).keys)) == 2


def test_what_two_splits_share_is_counted_with_and_without_case():
    (words,) = shared("selection", keyed("One", "two", "three"), "train", keyed("one", "two"))
    assert words == (
        "2 of the 3 selection examples are in train too (1 to the letter, the others but for case "
        "or blanks)."
    )
    (words,) = shared("selection", keyed("two", "three"), "train", keyed("one", "two"))
    assert words == "1 of the 2 selection examples is in train too."
    assert shared("selection", keyed("three"), "train", keyed("one", "two")) == []


def test_a_split_that_is_all_in_train_is_a_warning():
    (words,) = shared("report", keyed("a", "b"), "train", keyed("b", "c", "a"))
    assert words.startswith("WARNING: all 2 report examples are in train too; their score tells")


def test_equal_texts_with_different_labels_are_counted():
    texts = keyed("a", "A ", "a", "b", "b", label=[0, 1, 0, 1, 1])
    (words,) = contradictions("train", texts)
    assert words == (
        "train: 3 of the 5 examples have a text that stands there with another label as well."
    )
    assert contradictions("train", keyed("a", "a", label=[1, 1])) == []
    assert contradictions("train", keyed("a", "a")) == []
