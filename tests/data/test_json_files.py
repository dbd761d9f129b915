"""JSON documents of every usual shape are tables."""

import json

import pytest

from autopelt.data.json_files import read_json, read_jsonl
from autopelt.data.readers import FOUND_OUT, Format
from autopelt.errors import UnavailableError, UsageError

ROWS = [{"a": "x", "b": 1}, {"a": "y", "b": 2}]
COLUMNS = {"a": ["x", "y"], "b": [1, 2]}


def _read(folder, value, form=FOUND_OUT):
    path = folder / "a.json"
    path.write_text(json.dumps(value))
    return {part: table.columns for part, table in read_json(path, [], form).items()}


@pytest.mark.parametrize(
    "value",
    [
        ROWS,
        COLUMNS,
        {"a": {"0": "x", "1": "y"}, "b": {"0": 1, "1": 2}},
        {"p": ROWS[0], "q": ROWS[1]},
        {"version": "1", "data": ROWS},
    ],
)
def test_records_and_columns_are_the_same_table(tmp_path, value):
    assert _read(tmp_path, value) == {"": COLUMNS}


def test_columns_of_lists_are_columns(tmp_path):
    lists = {"words": [["a", "b"], ["c"]], "tags": [["O", "O"], ["O"]]}
    assert _read(tmp_path, lists) == {"": lists}


def test_lists_of_fields_have_numbers_or_the_names_that_are_said(tmp_path):
    pairs = [["x", 1], ["y", 2]]
    assert _read(tmp_path, pairs) == {"": {"1": ["x", "y"], "2": [1, 2]}}
    assert _read(tmp_path, {"data": pairs}, Format(columns=("a", "b"))) == {"": COLUMNS}
    with pytest.raises(UsageError, match="columns would have no effect"):
        _read(tmp_path, ROWS, Format(columns=("a", "b")))
    with pytest.raises(UnavailableError, match="example 1 has 2 values, but columns names 1"):
        _read(tmp_path, pairs, Format(columns=("a",)))


def test_an_object_of_splits_has_them_all(tmp_path):
    parts = _read(tmp_path, {"train": ROWS, "dev": COLUMNS, "test": [["z", 3]], "oos": ROWS})
    assert parts == {
        "train": COLUMNS,
        "selection": COLUMNS,
        "report": {"1": ["z"], "2": [3]},
    }
    with pytest.raises(UnavailableError, match="a key 'train', but no list"):
        _read(tmp_path, {"train": 3})


def test_a_key_that_a_row_lacks_is_nothing_in_it(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n\n{"b": 2, "a": 3}\n')
    table = read_jsonl([path], [])
    assert table.columns == {"a": [1, 3], "b": [None, 2]}
    assert table.lines == [1, 3]


def test_lines_in_a_json_file_are_read_as_lines(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("\n".join(map(json.dumps, ROWS)))
    assert read_json(path, [])[""].columns == COLUMNS
    path.write_text('{"a": \n')
    with pytest.raises(UnavailableError, match="is not JSON"):
        read_json(path, [])
    for value in (3, [], [1], {}, {"a": 1}):
        with pytest.raises(UnavailableError, match="no list of examples"):
            _read(tmp_path, value)
