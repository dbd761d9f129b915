"""Columns of a table: the named one, the usual one, or an error that says where."""

import pytest

from autopelt.data.readers import Table
from autopelt.errors import UnavailableError
from autopelt.tasks.columns import find_column
from autopelt.tasks.kinds import KINDS


def _table(**columns):
    return Table(columns, "a.csv", [2, 5])


def test_the_named_column_goes_before_the_usual_ones():
    table = _table(text=["a", "b"], review=["c", "d"])
    assert find_column(table, {"text": "review"}, "text", "text") == "review"
    assert find_column(table, {}, "text", "words", "text") == "text"
    with pytest.raises(UnavailableError, match="no column 'words'; it has: text, review"):
        find_column(table, {}, "text", "words")
    with pytest.raises(UnavailableError, match="no column 'none'"):
        find_column(table, {"text": "none"}, "text", "text")


def test_each_kind_gets_its_columns():
    table = _table(text=["a", "b"], label=[" y ", "x"])
    columns = KINDS["classification"].raw(table, {})
    assert columns == {"text": ["a", "b"], "label": ["y", "x"]}
    table = _table(s=["a", "b"], t=["c", "d"], label=["1", 2])
    columns = KINDS["regression"].raw(table, {"text": "s", "text_pair": "t"})
    assert columns == {"text": ["a", "b"], "text_pair": ["c", "d"], "label": [1.0, 2.0]}
    columns = KINDS["generation"].raw(table, {"text": "s", "target": "t"})
    assert columns == {"source": ["a", "b"], "target": ["c", "d"]}


def test_what_belongs_to_an_instruction_is_read_with_it():
    table = _table(instruction=["a", "b"], input=["c", ""], output=["d", "e"])
    read = KINDS["generation"].raw(table, {})
    assert read == {"source": ["a\n\nc", "b"], "target": ["d", "e"]}


@pytest.mark.parametrize(
    ("kind", "columns", "said"),
    [
        ("classification", {"text": ["a", None], "label": ["x", "y"]}, "line 5 has an empty text"),
        ("classification", {"text": ["a", "b"], "label": ["x", float("nan")]}, "line 5 has no lab"),
        ("regression", {"text": ["a", "b"], "label": [1, True]}, "line 5 has 'True'"),
        ("token_classification", {"words": [["a"], 3], "tags": [["O"], ["O"]]}, "line 5 has no"),
        ("token_classification", {"words": [["a"]], "tags": [["O", "O"]]}, "1 words, but 2 tags"),
        ("generation", {"source": ["a", "b"], "target": ["a", " "]}, "text in column 'target'"),
        (
            "generation",
            {"source": ["a", "[{'role': 'user', 'content': 'x'}]"], "target": ["a", "b"]},
            "line 5 has a list of turns, written as text, in column 'source'.*kind='chat'",
        ),
        (
            "classification",
            {"messages": [[{"role": "user", "content": "x"}]] * 2},
            "has no column 'text'.*'messages' has lists of turns: kind='chat' learns",
        ),
    ],
)
def test_a_wrong_value_is_named_with_its_line(kind, columns, said):
    with pytest.raises(UnavailableError, match=said):
        KINDS[kind].raw(_table(**columns), {})
