"""From texts to tokens: words keep their tags, answers survive windows, prompts are cut."""

import pytest
import torch
from datasets import Dataset
from tiny_models import TOKENIZERS, tiny

from autopelt.errors import UnavailableError, UsageError
from autopelt.tasks import make_task
from autopelt.tasks.generation import Generation
from autopelt.tasks.padding import IGNORED
from autopelt.tasks.question_answering import QuestionAnswering
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


def test_answers_survive_windows(tokenizer):
    task = QuestionAnswering("q", "", NOWHERE)
    words = [f"w{n}" for n in range(120)]
    context = "  " + " ".join(words)
    asked = ["w3", "w60 w61", "w119"]
    data = Dataset.from_dict(
        {
            "question": ["where is it ?"] * 3,
            "context": [context] * 3,
            "answers": [[text] for text in asked],
            "starts": [[context.index(text)] for text in asked],
        }
    )
    encoded = task.encode(data, tokenizer, 64)
    assert max(encoded["length"]) <= 64
    assert len(encoded) > 3
    predictions = []
    for row in encoded:
        scores = torch.zeros(2, row["length"])
        if row["end_positions"] > 0:
            scores[0, row["start_positions"]] = scores[1, row["end_positions"]] = 5.0
        predictions.append(scores.numpy())
    assert task.answers(predictions, encoded) == dict(enumerate(asked))
    assert task.score(predictions, encoded) == {"f1": 1.0, "exact_match": 1.0}
    windows = len(encoded)
    assert f"3 questions are read in {windows} windows" in task.notes(encoded)[-1]


def test_a_long_question_leaves_room_for_the_context(tokenizer):
    task = QuestionAnswering("q", "", NOWHERE)
    data = Dataset.from_dict(
        {"question": ["why " * 300], "context": ["the cat"], "answers": [["cat"]], "starts": [[4]]}
    )
    encoded = task.encode(data, tokenizer, 32)
    assert encoded[0]["end_positions"] > 0
    assert "1 questions are too long and were cut" in task.notes(encoded)[0]
    with pytest.raises(UsageError, match="at least, not 8"):
        task.encode(data, tokenizer, 8)


def test_positions_move_with_padding_on_the_left():
    tokenizer = TOKENIZERS["gpt2"]()
    tokenizer.padding_side = "left"
    task = QuestionAnswering("q", "", NOWHERE)
    data = Dataset.from_dict(
        {
            "question": ["?", "?"],
            "context": ["the cat sat on the mat", "the cat"],
            "answers": [["cat"], ["cat"]],
            "starts": [[4], [4]],
        }
    )
    encoded = task.encode(data, tokenizer, 32)
    batch = task.collate(encoded.to_list(), tokenizer)
    for row in range(2):
        place = batch["start_positions"][row]
        expected = encoded[row]["input_ids"][encoded[row]["start_positions"]]
        assert batch["input_ids"][row, place] == expected


def test_a_slow_tokeniser_is_refused():
    class Slow:
        is_fast, name_or_path = False, "old"

    data = Dataset.from_dict({"words": [["a"]], "tags": [[0]]})
    with pytest.raises(UsageError, match="tokeniser of 'old'"):
        TokenClassification("t", "", NOWHERE, labels=("O",)).encode(data, Slow(), 8)


def _pairs(source, target):
    return Dataset.from_dict({"source": [source], "target": [target]})


def test_a_decoder_learns_the_target_alone_and_keeps_it_when_cut():
    task, _, tokenizer = tiny("gpt2", Generation("g", "", NOWHERE, scores=("loss",)))
    row = task.encode(_pairs("the cat", "a dog"), tokenizer, 64)[0]
    target = [t for t in row["labels"] if t != IGNORED]
    assert tokenizer.decode(target) == "a dog</s>"
    assert row["input_ids"][-len(target) :] == target
    long = task.encode(_pairs("the cat " * 50, "a dog"), tokenizer, 24)
    assert long[0]["length"] == 24
    assert [t for t in long[0]["labels"] if t != IGNORED] == target
    assert "1 of 1 texts are longer than 24 tokens" in task.notes(long)[0]
    both = task.encode(_pairs("the cat " * 50, "a dog " * 50), tokenizer, 24)[0]
    assert sum(t != IGNORED for t in both["labels"]) == 12
    assert both["labels"][-1] == tokenizer.eos_token_id


def test_an_encoder_decoder_gets_prefix_and_end_token():
    task, _, tokenizer = tiny("t5", Generation("g", "", NOWHERE, prefix="the : "))
    row = task.encode(_pairs("cat", "the dog " * 60), tokenizer, 32)[0]
    assert tokenizer.decode(row["input_ids"], skip_special_tokens=True).startswith("the")
    assert len(row["labels"]) == 32
    assert row["labels"][-1] == tokenizer.eos_token_id
    assert "token_type_ids" not in row


@pytest.mark.parametrize("family", ["gpt2", "t5", "bart"])
def test_the_loss_is_the_models_own(family):
    task, model, tokenizer = tiny(family, Generation("g", "", NOWHERE, scores=("loss",)))
    data = Dataset.from_dict(
        {"source": ["the cat", "a"], "target": ["dog sat", "the old red house"]}
    )
    encoded = task.encode(data, tokenizer, 32)
    batch = task.collate(encoded.to_list(), tokenizer)
    with torch.no_grad():
        outputs = model(**task.inputs(batch))
        own = float(model(**batch).loss)
    assert float(task.loss(outputs, batch)) == pytest.approx(own, rel=1e-5)
    scored = task.score(task.predictions(outputs, batch), encoded)
    assert scored["loss"] == pytest.approx(own, rel=1e-5)


@pytest.mark.parametrize("family", ["gpt2", "t5", "bart"])
def test_generation_does_not_depend_on_the_rest_of_the_batch(family):
    task, model, tokenizer = tiny(family, Generation("g", "", NOWHERE, scores=("exact_match",)))
    data = Dataset.from_dict(
        {"source": ["the cat", "a man is playing a large flute"], "target": ["x", "y z"]}
    )
    rows = task.encode(data, tokenizer, 32).to_list()
    together = task.predict(model, task.collate(rows, tokenizer), tokenizer)
    alone = [task.predict(model, task.collate([row], tokenizer), tokenizer)[0] for row in rows]
    assert together[1] == alone[1]
    assert together[0].startswith(alone[0])  # more room where a longer source is in the batch


def test_a_missing_sacrebleu_names_the_extra(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "sacrebleu", None)
    with pytest.raises(UnavailableError, match=r"pip install 'autopelt\[seq2seq\]'"):
        tiny("t5", make_task("ntrex-en-sl"))
    tiny("t5", Generation("g", "", NOWHERE, scores=("rouge_l",)))


def test_an_unknown_score_is_refused():
    with pytest.raises(UsageError, match="did you mean 'rouge_l'"):
        Generation("g", "", NOWHERE, scores=("rougel",))


@pytest.mark.parametrize("family", ["gpt2", "t5", "bart"])
def test_what_was_learnt_by_heart_is_generated(family):
    task, model, tokenizer = tiny(family, Generation("g", "", NOWHERE, scores=("exact_match",)))
    source = ["the cat", "a man is playing", "Anna Novak works", "because it rained"]
    target = ["sat on the mat", "a large flute", "for Acme", "the game was lost"]
    encoded = task.encode(Dataset.from_dict({"source": source, "target": target}), tokenizer, 32)
    batch = task.collate(encoded.to_list(), tokenizer)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(150):
        loss = task.loss(model(**task.inputs(batch)), batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert task.predict(model, batch, tokenizer) == target
    assert task.score(task.predict(model, batch, tokenizer), encoded)["chrf"] == 1.0
