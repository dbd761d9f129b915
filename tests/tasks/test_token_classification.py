"""Words keep their tags through tokens, and are counted where they are cut off."""

import pytest
from datasets import Dataset
from tiny_models import TOKENIZERS

from autopelt.errors import UsageError
from autopelt.tasks.padding import IGNORED
from autopelt.tasks.token_classification import TokenClassification, first_pieces

NOWHERE = None  # these tasks are never loaded


@pytest.fixture(params=list(TOKENIZERS))
def tokenizer(request):
    return TOKENIZERS[request.param]()


def test_each_word_is_tagged_at_its_first_piece(tokenizer):
    task = TokenClassification("t", "", NOWHERE, labels=("O", "B-x"))
    words = ["Ljubljana", ",", "the", "cat's", "1999", "xyzzy"]
    data = Dataset.from_dict({"words": [words, ["the"]], "tags": [[1, 0, 0, 1, 0, 1], [1]]})
    row = task.encode(data, tokenizer, 64)[0]
    places = row["places"]
    assert places == sorted(set(places))
    assert [row["labels"][place] for place in places] == row["tags"]
    assert sum(label != IGNORED for label in row["labels"]) == len(words)
    for word, place in zip(words, places, strict=True):
        piece = tokenizer.decode([row["input_ids"][place]]).strip(" #▁")
        assert word.lower().startswith(piece.lower()) or piece in ("[UNK]", "<unk>", "\ufffd", "")


def test_words_that_are_cut_off_are_counted_and_score_as_outside(tokenizer):
    task = TokenClassification("t", "", NOWHERE, labels=("O", "B-x"))
    data = Dataset.from_dict({"words": [["cat"] * 40], "tags": [[1] * 40]})
    encoded = task.encode(data, tokenizer, 16)
    kept = sum(place >= 0 for place in encoded[0]["places"])
    assert 0 < kept < 40
    assert f"{40 - kept} of 40 words have no token" in task.notes(encoded)[1]
    scores = task.score([[1] * len(encoded[0]["input_ids"])], encoded)
    assert scores["span_recall"] == pytest.approx(kept / 40)


def test_pieces_may_begin_with_the_blank_in_front():
    offsets = [(0, 0), (0, 3), (3, 7), (7, 9), (0, 0)]
    assert first_pieces(["The", "cats", "x"], offsets) == [1, 2, -1]


def test_a_slow_tokeniser_is_refused():
    class Slow:
        is_fast, name_or_path = False, "old"

    data = Dataset.from_dict({"words": [["a"]], "tags": [[0]]})
    with pytest.raises(UsageError, match="tokeniser of 'old'"):
        TokenClassification("t", "", NOWHERE, labels=("O",)).encode(data, Slow(), 8)
