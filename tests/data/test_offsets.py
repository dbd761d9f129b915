"""Marked spans become tags of words."""

import pytest

from autopelt.data.offsets import cut_words, spans_in, tags_of


def test_words_end_at_blanks_and_punctuation():
    text = "Anna's flat (in Köln), नमस्ते!"
    words = [text[a:b] for a, b in cut_words(text)]
    assert words == ["Anna", "'", "s", "flat", "(", "in", "Köln", ")", ",", "नमस्ते", "!"]


@pytest.mark.parametrize(
    "value",
    [
        [[0, 4, "per"]],
        [{"start": 0, "end": 4, "label": "per"}],
        [{"start_offset": 0, "end_offset": 4, "label": "per", "id": 7}],
        [{"start": 0, "end": 4, "labels": ["per"], "text": "Anna"}],
    ],
)
def test_spans_are_written_in_several_ways(value):
    assert spans_in(value) == [(0, 4, "per")]
    for other in ("x", [3], [["a", "b"]], [[0, 4]], [{"start": 0}]):
        assert spans_in(other) is None


def test_the_longer_of_two_spans_is_kept_and_words_are_tagged_as_a_whole():
    words = cut_words("the New York Times said")
    spans = [(4, 12, "place"), (4, 18, "paper"), (20, 23, "verb"), (3, 4, "blank")]
    tags = ["O", "B-paper", "I-paper", "I-paper", "B-verb"]
    assert tags_of(words, spans) == (tags, 1, 2)
