"""Aligned texts keep together, or are refused."""

import pytest

from autopelt.data.aligned import read_aligned
from autopelt.errors import UnavailableError


def _write(folder, name, content):
    path = folder / name
    path.write_text(content, encoding="utf-8", newline="")
    return path


def test_aligned_files_keep_together_and_lose_empty_pairs(tmp_path):
    a, b = (
        _write(tmp_path, "a.en", "one\r\n\r\nthree\r\n"),
        _write(tmp_path, "a.sl", "ena\ndva\ntri\n"),
    )
    notes = []
    table = read_aligned([a, b], notes)
    assert table.columns == {"source": ["one", "three"], "target": ["ena", "tri"]}
    assert "1 of 3 pairs have an empty side" in notes[0]
    with pytest.raises(UnavailableError, match="has 3 lines, but"):
        read_aligned([a, _write(tmp_path, "c.sl", "ena\ndva\n")], [])
    with pytest.raises(UnavailableError, match="have no pair of texts"):
        read_aligned([a, _write(tmp_path, "d.sl", "\ndva\n\n")], [])
