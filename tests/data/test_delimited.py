"""Separators, quotes and headers of tables are found out."""

import sys
from zipfile import ZipFile

import pytest

from autopelt.data.delimited import (
    DELIMITERS,
    delimiter_of,
    headed,
    read_csv,
    read_spreadsheet,
    read_tsv,
)
from autopelt.data.readers import Format
from autopelt.errors import UnavailableError


@pytest.mark.parametrize("delimiter", DELIMITERS)
@pytest.mark.parametrize("usual", [*DELIMITERS, ""])
def test_the_separator_that_makes_a_table_is_found(delimiter, usual):
    rows = ["text,label", "one, two; three|four\tfive,x", "six,y", "seven,z"]
    quoted = [",".join(f'"{f}"' for f in row.rsplit(",", 1)) for row in rows]
    text = "\n".join(row.replace('","', f'"{delimiter}"') for row in quoted)
    assert delimiter_of(text, usual) == delimiter


def test_a_text_that_is_no_table_has_none():
    prose = "A line, with commas.\nAnother one\nAnd; a third, with, more of them.\n"
    assert delimiter_of(prose, "") == ""
    assert delimiter_of("text\na, b\nc\n", ",") == ","


def test_quotes_of_a_tsv_stay_unless_a_writer_put_them(tmp_path):
    path = tmp_path / "a.tsv"
    for text, first in (
        ('t\tl\n"a" b\tx\n', '"a" b'),
        ('t\tl\n"a"\tx\n', '"a"'),
        ('t\tl\n"a\tb"\tx\n', "a\tb"),
        ('"t"\t"l"\n"a ""b"""\t"x"\n', 'a "b"'),
        ('t\tl\n"a ""b"""\tx\n', 'a "b"'),
    ):
        path.write_text(text)
        assert read_tsv([path], []).columns["t"] == [first]


def test_columns_without_a_name_do_not_matter(tmp_path):
    rows = [(1, ["", "a", "b", ""]), (2, ["0", "x", "y"]), (3, ["1", "z", "", "", "", ""])]
    table = headed(tmp_path / "a.csv", rows, Format())
    assert table.columns == {
        "column 1": ["0", "1"],
        "a": ["x", "z"],
        "b": ["y", ""],
        "column 4": ["", ""],
    }


def test_a_column_that_stands_twice_cannot_be_used(tmp_path):
    table = headed(tmp_path / "a.csv", [(1, ["a", "a", "b"]), (2, ["x", "y", "z"])], Format())
    assert table.column("b") == ["z"]
    with pytest.raises(UnavailableError, match="has the column 'a' more than once"):
        table.column("a")


def test_names_may_be_said(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x,y\nz,w\n")
    assert read_csv([path], [], Format(columns=("a", "b"))).columns == {
        "a": ["x", "z"],
        "b": ["y", "w"],
    }
    assert read_csv([path], [], Format(header=False)).columns == {"1": ["x", "z"], "2": ["y", "w"]}


def test_without_openpyxl_the_way_to_it_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    path = tmp_path / "a.xlsx"
    with ZipFile(path, "w") as book:
        book.writestr("xl/workbook.xml", "<workbook/>")
    with pytest.raises(UnavailableError, match="pip install openpyxl; or save the sheet as CSV"):
        read_spreadsheet([path], [])
