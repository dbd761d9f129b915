"""Files of examples: what is read, and one clear line for everything that is wrong with one."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from autopelt.data.conll import read_conll
from autopelt.data.delimited import PLAIN_TSV, plain_tsv, read_csv
from autopelt.data.encoding import MOST_CHARACTERS
from autopelt.data.json_files import read_jsonl
from autopelt.data.readers import Table, read_parquet
from autopelt.data.squad import read_squad
from autopelt.errors import UnavailableError


def _write(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def _error(reader, *paths):
    with pytest.raises(UnavailableError) as info:
        reader(paths, [])
    message = str(info.value)
    assert "\n" not in message
    return message


def test_csv_follows_the_quotes(tmp_path):
    text = 'text,label\r\n"a, ""b""\nc",x\r\n\r\nd,y\r\n'
    table = read_csv([_write(tmp_path, "a.csv", text)], [])
    assert table.columns == {"text": ['a, "b"\nc', "d"], "label": ["x", "y"]}
    assert table.where(1).endswith("a.csv' line 5")


def test_plain_tsv_knows_no_quotes(tmp_path):
    path = _write(tmp_path, "a.tsv", '\ufefftext\tlabel\n"a\tx\nb\u2028c\ty\n')
    assert PLAIN_TSV([path], []).columns == {"text": ['"a', "b\u2028c"], "label": ["x", "y"]}


def test_a_file_without_a_header_gets_its_names(tmp_path):
    path = _write(tmp_path, "a.tsv", "a\t1\nb\t0\n")
    assert plain_tsv(("text", "label"))([path], []).columns["label"] == ["1", "0"]


def test_short_lines_are_skipped_where_a_benchmark_has_them_and_counted(tmp_path):
    path = _write(tmp_path, "a.tsv", "a\tb\n1\t2\nbroken\n3\t4\n")
    notes = []
    assert len(plain_tsv(skip_short=True)([path], notes)) == 2
    assert notes == ["'a.tsv': 1 lines with too few fields were skipped."]


@pytest.mark.parametrize(
    ("name", "reader", "content", "said"),
    [
        ("a.csv", read_csv, b"", "empty (0 bytes)"),
        ("a.csv", read_csv, b" \n", "empty (2 bytes)"),
        ("a.csv", read_csv, b"text,label\n", "a header but no examples"),
        ("a.csv", read_csv, b"text,label\na,b\nc\n", "line 3 has 1 fields, but there are 2"),
        ("a.csv", read_csv, b'text,label\n"a,b\n', "line 2 is not valid CSV"),
        (
            "a.csv",
            read_csv,
            b"t,l\n" + b"a" * (MOST_CHARACTERS + 1) + b",b\n",
            "line 2 has a field",
        ),
        ("a.tsv", PLAIN_TSV, b"a\tb\n1\t2\t3\n", "line 2 has 3 fields, but there are 2 columns"),
        ("a.tsv", PLAIN_TSV, b"a\n" + b"x" * (MOST_CHARACTERS + 1), "that is no text"),
        ("a.jsonl", read_jsonl, b'{"a": 1}\n{"a": \n', "line 2 is not JSON"),
        ("a.jsonl", read_jsonl, b'{"a": 1}\n[1]\n', "line 2 is not a JSON object"),
        ("a.jsonl", read_jsonl, rb'{"a": "\ud800"}', "line 1 has half of a surrogate pair"),
        ("a.jsonl", read_jsonl, b"[" * 100_000, "line 1 is not JSON"),
        ("a.parquet", read_parquet, b"", "empty (0 bytes)"),
        ("a.parquet", read_parquet, b"PAR1 but not really", "not a readable Parquet file"),
        ("a.conll", read_conll, b"the\tO\ncat\n\n", "line 2 has no tag: 'cat'"),
        ("a.conll", read_conll, b"the\tO\ncat\t\n\n", "line 2 has no tag"),
        ("a.conll", read_conll, b"# only a comment\n", "no sentence"),
        (
            "a.json",
            read_squad,
            b'{"data": [{"paragraphs": [{"context": "c"}]}]}',
            "KeyError at 'qas'",
        ),
        ("a.json", read_squad, b'{"data": []}', "no questions"),
        ("a.json", read_squad, b'{"data": \n', "line 2 is not JSON"),
    ],
)
def test_a_broken_file_is_refused_in_one_line(tmp_path, name, reader, content, said):
    message = _error(reader, _write(tmp_path, name, content))
    assert said in message
    assert name in message


def test_a_folder_and_a_missing_file_are_refused(tmp_path):
    assert "cannot be read" in _error(read_csv, tmp_path)
    assert "cannot be read" in _error(read_csv, tmp_path / "none.csv")
    assert "cannot be read" in _error(read_parquet, tmp_path / "none.parquet")


def test_parquet_and_json_lines_hold_the_same(tmp_path):
    rows = [{"text": "a", "label": 1.5}, {"text": "b", "label": None}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    lines = _write(tmp_path, "a.jsonl", "\n".join(map(json.dumps, rows)) + "\n\n")
    columns = {"text": ["a", "b"], "label": [1.5, None]}
    assert read_parquet([tmp_path / "a.parquet"], []).columns == columns
    assert read_jsonl([lines], []).columns == columns


def test_a_missing_column_names_those_that_are_there_and_fields_of_objects():
    row = {"id": 1, "data": {"text": "a", "turns": [{"said": "b"}]}, "n" * 70: ""}
    table = Table({key: [None, value] for key, value in row.items()}, "a.jsonl", hint="Look.")
    said = f"no column 'x'; it has: id, data.text, data.turns, {'n' * 40}…. Look."
    assert said in str(table.missing("x"))
    assert table.column("data.turns.0.said") == [None, "b"]
    for name in ("data.none", "data.turns.1.said", "id.text"):
        with pytest.raises(UnavailableError, match=f"has no column '{name}'"):
            table.column(name)
