"""Conversations of every form that files have become the same turns; what is wrong is named."""

import json

import pytest

from autopelt.data.conversations import chat_form, conversations
from autopelt.data.readers import Table
from autopelt.errors import UnavailableError


def _table(*rows):
    keys = dict.fromkeys(key for row in rows for key in row)
    return Table({key: [row.get(key) for row in rows] for key in keys}, "a", list(range(1, 99)))


def _read(*rows, forced=False, asks=False):
    table = _table(*rows)
    form = chat_form(table, forced=forced, asks=asks)
    return None if form is None else conversations(table, form, asks=asks)


def _turns(*said, roles=("user", "assistant")):
    return [{"role": roles[n % len(roles)], "content": content} for n, content in enumerate(said)]


PLAIN = _turns("who ?", "me")
SHAREGPT = [{"from": "human", "value": "who ?"}, {"from": "gpt", "value": "me"}]
SYSTEM = [{"role": "system", "content": "be kind"}, *PLAIN]
CALL = {"type": "function", "function": {"name": "f", "arguments": {"x": 1}}}


@pytest.mark.parametrize(
    ("row", "turns"),
    [
        ({"messages": PLAIN}, PLAIN),
        ({"id": 3, "conversations": SHAREGPT}, PLAIN),
        ({"conversations": SHAREGPT, "system": "be kind"}, SYSTEM),
        ({"messages": SYSTEM, "system": "not this"}, SYSTEM),
        ({"anything": PLAIN}, PLAIN),
        ({"messages": json.dumps(PLAIN)}, PLAIN),
        ({"messages": str(PLAIN)}, PLAIN),
        ({"instruction": "who ?", "input": "", "output": "me"}, PLAIN),
        ({"instruction": "add", "input": "1 2", "output": "3"}, _turns("add\n\n1 2", "3")),
        ({"instruction": "", "input": "who ?", "output": "me"}, PLAIN),
        (
            {"instruction": "c", "output": "d", "history": [["a", "b"]]},
            _turns("a", "b", "c", "d"),
        ),
        ({"instruction": "add", "context": "1 2", "response": "3"}, _turns("add\n\n1 2", "3")),
        ({"system_prompt": "be kind", "question": "who ?", "response": "me"}, SYSTEM),
        ({"prompt": "who ?", "completion": "me"}, PLAIN),
        ({"prompt": PLAIN[:1], "completion": PLAIN[1:]}, PLAIN),
        ({"prompt": str(PLAIN[:1]), "completion": str(PLAIN[1:])}, PLAIN),
        ({"Prompt": "who ?", "Response": "me"}, PLAIN),
    ],
)
def test_every_form_gives_the_same_turns(row, turns):
    assert _read(row, row) == [turns, turns]


def test_questions_and_answers_are_a_chat_only_where_it_is_said():
    row = {"question": "who ?", "answer": "me"}
    assert _read(row) is None
    assert _read(row, forced=True) == [PLAIN]


def test_names_of_speakers_parts_of_texts_and_calls_of_tools():
    turns = [
        {"role": "developer", "content": "be kind"},
        {
            "role": "user",
            "content": [{"type": "text", "text": "who"}, {"type": "text", "text": "?"}],
        },
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "function", "content": "me"},
        {"role": "model", "content": "me"},
    ]
    (read,) = _read({"messages": turns})
    assert [turn["role"] for turn in read] == ["system", "user", "assistant", "tool", "assistant"]
    assert read[1]["content"] == "who\n?"
    assert read[2]["content"] == ('<tool_call>\n{"name": "f", "arguments": {"x": 1}}\n</tool_call>')


def test_what_is_not_to_be_learnt_is_left_out_and_counted():
    table = _table(
        {"messages": _turns("hello", "who ?", "me", roles=("assistant", "user"))[:3]},
        {"messages": _turns("who ?", "me", "thanks", "")[:3]},
        {"messages": [{"role": "system", "content": " "}, *PLAIN]},
    )
    table.columns["messages"][0][2]["role"] = "assistant"
    read = conversations(table, chat_form(table))
    assert read == [PLAIN, PLAIN, PLAIN]
    assert table.notes == [
        "1 of 3 conversations begin with an answer to nothing, which is left out.",
        "1 of 3 conversations end without an answer; what follows the last one is left out.",
    ]


def test_what_is_to_be_answered_has_no_last_answer():
    rows = [{"messages": PLAIN}, {"messages": PLAIN[:1]}, {"messages": [*SYSTEM, PLAIN[0]]}]
    read = _read(*rows, asks=True)
    assert read == [PLAIN[:1], PLAIN[:1], [*SYSTEM, PLAIN[0]]]
    assert _read({"prompt": "who ?"}, asks=True) == [PLAIN[:1]]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"messages": [{"role": "usr", "content": "x"}]}, "a turn by 'usr' (turn 1): did you mean"),
        ({"messages": PLAIN[:1]}, "has no answer; its turns are by: user."),
        ({"messages": PLAIN[1:]}, "asks nothing: it has no turn of the user."),
        ({"messages": _turns("a", " ")}, "has an empty answer (turn 2); fill it or remove it."),
        ({"messages": _turns(" ", "b")}, "has an empty question (turn 1)"),
        ({"messages": _turns("a", 3)}, "has 3 in turn 2, where a text is needed"),
        ({"messages": _turns("a", [{"type": "image", "image": "x"}])}, "only texts can be learnt"),
        ({"messages": []}, "has [] in column 'messages', where a list of turns is needed"),
        ({"messages": "[{'role': array([1])}]"}, "in column 'messages', where a list of turns"),
        ({"messages": [*PLAIN, "x"]}, "has 'x' as turn 3; a turn has 'role' and 'content'"),
        ({"messages": [*PLAIN, {"content": "x"}]}, "as turn 3; a turn has 'role'"),
        ({"messages": _turns("a", "b" * 1_000_001)}, "a turn of 1,000,001 characters, more than"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(row, said):
    with pytest.raises(UnavailableError) as info:
        _read({"messages": PLAIN}, row)
    assert "\n" not in str(info.value)
    assert str(info.value).startswith("'a' line 2 ")
    assert said in str(info.value)
    with pytest.raises(UnavailableError, match=r"line 2 has an empty answer"):
        _read(
            {"prompt": "a", "completion": "b"},
            {"prompt": "a", "completion": None},
        )
