"""Rows of a batch: cut to the limit, padded on the tokeniser's side."""

from datasets import Dataset
from hypothesis import given
from hypothesis import strategies as st
from tiny_models import TOKENIZERS

from autopelt.tasks.padding import joined, padded, tokenized

ROWS = st.lists(st.lists(st.integers(-100, 2**40), max_size=9), min_size=1, max_size=5)


@given(rows=ROWS, left=st.booleans())
def test_padding_adds_to_one_side_only(rows, left):
    width = max(map(len, rows))
    for row, filled in zip(rows, padded(rows, -7, left).tolist(), strict=True):
        filler = [-7] * (width - len(row))
        assert filled == ([*filler, *row] if left else [*row, *filler])


def test_only_long_texts_are_cut_and_their_length_is_kept():
    tokenizer = TOKENIZERS["bert"]()
    texts = ["the cat", "the cat " * 20]
    encoded = tokenized(tokenizer, texts, max_length=8)
    assert encoded["length"][1] == 8 < encoded["full_length"][1]
    assert encoded["input_ids"][0] == tokenizer(texts[0])["input_ids"]
    assert encoded["length"][0] == encoded["full_length"][0]


def test_batches_are_joined_in_order():
    both = joined([{"a": [1, 2]}, {"a": [3]}])
    assert isinstance(both, Dataset)
    assert both["a"][:] == [1, 2, 3]
