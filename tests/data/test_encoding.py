"""Bytes become text by their mark, as UTF-8, or by a guess that is told; packed or not."""

import gzip

import pytest

from autopelt.data.encoding import ending, read_bytes, read_lines, read_text
from autopelt.errors import UnavailableError, UsageError


def _write(folder, raw, name="a.txt"):
    path = folder / name
    path.write_bytes(raw)
    return path


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", "čšž"),
        ("utf-8-sig", "čšž"),
        ("utf-16", "čšž"),
        ("utf-32", "čšž"),
        ("utf-16-le", "plain text\nof two lines"),
        ("utf-16-be", "plain text\nof two lines"),
        ("cp1252", "It’s a café – déjà vu for £5"),
        ("cp1251", "Привет мир, как дела\nвсе хорошо"),
        ("gb18030", "这是一个中文句子，情感积极"),
        ("shift_jis", "これは日本語のテキストです"),
    ],
)
def test_an_encoding_is_found_out(tmp_path, encoding, text):
    notes = []
    assert read_text(_write(tmp_path, text.encode(encoding)), notes) == text
    marked = encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32")
    assert len(notes) == (0 if marked else 1)


def test_what_is_said_goes_before_what_is_guessed(tmp_path):
    path = _write(tmp_path, "čaša na žlici".encode("cp1250"))
    assert read_text(path, [], "cp1250") == "čaša na žlici"
    with pytest.raises(UnavailableError, match="line 1 is not utf-8"):
        read_text(path, [], "utf8")
    with pytest.raises(UsageError, match="did you mean 'cp1250'"):
        read_text(path, [], "cp1250x")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", r"is empty \(0 bytes\)"),
        ("čšž\n".encode() + b"\xe9", "is UTF-8, but for byte 0xe9 in line 2"),
        (b"a\nb\0", "line 2 has a NUL character"),
        (b"\xff\xfea", "is not utf-16"),
    ],
)
def test_what_is_no_text_is_refused_by_its_line(tmp_path, raw, said):
    with pytest.raises(UnavailableError, match=said):
        read_text(_write(tmp_path, raw), [])


def test_a_packed_file_has_the_ending_of_what_is_in_it(tmp_path):
    path = _write(tmp_path, gzip.compress(b"a\r\nb\n\n"), "a.CSV.gz")
    assert (ending(path), ending(tmp_path / "b.tsv"), ending(tmp_path / "gz")) == (
        ".csv",
        ".tsv",
        "",
    )
    assert read_lines(path, []) == ["a", "b", ""]
    with pytest.raises(UnavailableError, match="cannot be read: No such file"):
        read_bytes(tmp_path / "none.gz")
