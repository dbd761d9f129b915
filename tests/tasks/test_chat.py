"""Answers of conversations are learnt by a decoder, and only they."""

import json

import pytest
import torch
from datasets import Dataset
from tiny_models import tiny

from autopelt.errors import UnavailableError, UsageError
from autopelt.tasks import Source, task_from_files
from autopelt.tasks.chat import Chat
from autopelt.tasks.chat_template import PLAIN
from autopelt.tasks.padding import IGNORED
from autopelt.tasks.pairs import prompts_of

TWO = [
    {"role": "user", "content": "the cat"},
    {"role": "assistant", "content": "a dog"},
    {"role": "user", "content": "the mat"},
    {"role": "assistant", "content": "the old house"},
]


def _chat(**options):
    return tiny("gpt2", Chat("c", "", None, **options))


def _rows(task, tokenizer, *conversations, limit=256):
    return task.encode(Dataset.from_dict({"messages": conversations}), tokenizer, limit)


def _learnt(row, tokenizer):
    return tokenizer.decode([token for token in row["labels"] if token != IGNORED])


def test_all_answers_are_learnt_or_the_last_one_alone():
    task, _, tokenizer = _chat()
    row = _rows(task, tokenizer, TWO)[0]
    assert _learnt(row, tokenizer) == "a dog</s>the old house</s>"
    assert row["target"] == "the old house"
    assert tokenizer.decode(row["input_ids"]) == (
        "User:\nthe cat\n\nAssistant:\na dog</s>\n\nUser:\nthe mat\n\nAssistant:\nthe old house</s>"
    )
    task, _, tokenizer = _chat(last=True)
    assert _learnt(_rows(task, tokenizer, TWO)[0], tokenizer) == "the old house</s>"


def test_a_prompt_is_all_before_the_last_answer():
    task, _, tokenizer = _chat()
    rows = _rows(task, tokenizer, TWO, TWO[:2], TWO[:3]).to_list()
    made = prompts_of(task.collate(rows, tokenizer), tokenizer.pad_token_id)
    texts = [
        tokenizer.decode(ids[mask.bool()])
        for ids, mask in zip(made["input_ids"], made["attention_mask"], strict=True)
    ]
    whole = tokenizer.decode(rows[0]["input_ids"]).removesuffix("the old house</s>")
    assert texts == [whole, "User:\nthe cat\n\nAssistant:\n", whole]


def test_only_a_decoder_chats():
    with pytest.raises(UsageError, match="'bert' is an encoder; use a decoder"):
        tiny("bert", Chat("c", "", None))
    with pytest.raises(UsageError, match=r"is an encoder-decoder .*generation.*; use a decoder"):
        tiny("t5", Chat("c", "", None))


def test_equal_beginnings_are_on_one_side_and_given_files_are_compared_by_what_is_asked(tmp_path):
    def write(name, answers):
        rows = [
            {"prompt": f"who {n}", "completion": f"{answer} {n}"}
            for n in range(30)
            for answer in answers
        ]
        path = tmp_path / name
        path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
        return str(path)

    train = write("a.jsonl", ("me", "you"))
    splits = task_from_files(train).load(Source(), report=True)
    asked = [
        {row["messages"][0]["content"] for row in part}
        for part in (splits.train, splits.selection, splits.report)
    ]
    assert not asked[0] & asked[1]
    assert not asked[0] & asked[2]
    assert "those that belong together on one side" in splits.facts.cut
    given = task_from_files(train, validation=write("b.jsonl", ("she",))).load(Source())
    assert any("selection examples are in train too" in note for note in given.facts.notes)


def test_what_a_template_does_is_told():
    task, _, tokenizer = _chat()
    system = [{"role": "system", "content": "be kind"}, *TWO]
    data = Dataset.from_dict({"messages": [TWO, system]})
    (line,) = task.told(data, tokenizer)
    assert line == (
        "Conversations are written by a plain template (User:, Assistant:), as the tokenizer has "
        "none of its own; all answers are learnt, nothing else."
    )
    tokenizer.eos_token = None
    assert any("WARNING: neither the template nor" in line for line in task.told(data, tokenizer))
    refusing = "{% if messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif %}"
    task, _, tokenizer = _chat(chat_template=refusing + PLAIN, last=True)
    lines = task.told(data, tokenizer)
    assert "the chat template that is given; the last answer of each is learnt" in lines[0]
    assert "in 1 of 2 conversations of train it begins the user's first turn" in lines[1]
    assert _rows(task, tokenizer, system)[0]["length"] > _rows(task, tokenizer, TWO)[0]["length"]


def test_a_prompt_that_is_cut_leaves_room_for_its_answer():
    task, _, tokenizer = _chat()
    asked = [{"role": "user", "content": ("the cat sat on the mat " * 20).strip()}]
    row = _rows(task, tokenizer, asked, limit=64)[0]
    assert 32 < row["length"] <= 48
    text = tokenizer.decode(row["input_ids"])
    assert text.startswith("User:\nthe cat sat")
    assert text.endswith("on the mat\n\nAssistant:\n")


LONG = [
    {"role": "user", "content": "the cat sat on the mat " * 8},
    {"role": "assistant", "content": "a dog"},
    *TWO,
]


def test_what_is_too_long_is_cut_left_out_or_refused():
    task, _, tokenizer = _chat()
    encoded = _rows(task, tokenizer, TWO, LONG, limit=60)
    assert encoded["length"][:] == [encoded[0]["length"]] * 2  # the oldest exchange is gone
    assert encoded[1]["input_ids"] == encoded[0]["input_ids"]
    (said,) = task.notes(encoded)
    assert said.startswith("1 of 2 conversations are too long and were cut (the longest has ")
    assert said.endswith("the longest texts; too_long drop leaves them out.")
    task, _, tokenizer = _chat(too_long="drop")
    encoded = _rows(task, tokenizer, TWO, LONG, limit=60)
    assert len(encoded) == 1
    assert task.notes(encoded) == [
        "1 of 2 conversations are too long and left out (the longest has "
        f"{_rows(_chat()[0], tokenizer, LONG, limit=400)[0]['length']} tokens)."
    ]
    for options, rows in (({"too_long": "error"}, (TWO, LONG)), ({"too_long": "drop"}, (LONG,))):
        task, _, tokenizer = _chat(**options)
        with pytest.raises(UnavailableError) as info:
            _rows(task, tokenizer, *rows, limit=60)
        assert "that begins with 'the cat sat on" in str(info.value)
        assert "more than 60; give a larger max_length" in str(info.value)


def test_what_ends_a_turn_ends_an_answer():
    task, model, tokenizer = _chat()
    assert task.stops(model, tokenizer) == [tokenizer.eos_token_id]
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|end|>"]})
    ends = "{% for m in messages %}{{ m.role + m.content + '<|end|>' }}{% endfor %}"
    marked, _, _ = _chat(chat_template=ends)
    stop = tokenizer.convert_tokens_to_ids("<|end|>")
    assert marked.stops(model, tokenizer) == [tokenizer.eos_token_id, stop]
    worded, _, _ = _chat(chat_template=ends.replace("<|end|>", " the end of it"))
    assert worded.stops(model, tokenizer) == [tokenizer.eos_token_id]


def test_the_words_behind_an_answer_are_no_part_of_it():
    ends = "{% for m in messages %}{{ m.role + m.content + ' the end of it' }}{% endfor %}"
    task, model, tokenizer = _chat(chat_template=ends)
    batch = task.collate(_rows(task, tokenizer, TWO), tokenizer)
    said = tokenizer(" a dog the end of it the cat")["input_ids"]
    model.generate = lambda input_ids, **_: torch.cat([input_ids, torch.tensor([said])], dim=1)
    assert task.answers(model, batch, tokenizer) == [" a dog "]


def test_the_room_of_an_answer_is_told_by_the_last_answers_of_train():
    task, _, tokenizer = _chat()
    data = Dataset.from_dict({"messages": [TWO] * 3})
    assert task.references(data) == [TWO[-1]["content"]] * 3
    task.learn_answers(data, tokenizer)
    assert 8 < task.room < 60
