"""A ledger loses at most the line that was being written."""

from pathlib import Path

import pytest

from autopelt.errors import UnavailableError
from autopelt.system.json_lines import append, read_lines


def test_lines_come_back_in_order(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    assert read_lines(path) == []
    for i in range(3):
        append(path, {"i": i})
    assert read_lines(path) == [{"i": 0}, {"i": 1}, {"i": 2}]


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_line_that_was_cut_short_does_not_count_and_harms_no_other(
    tmp_path: Path, cut: int
) -> None:
    path = tmp_path / "runs.jsonl"
    append(path, {"a": 1})
    whole = path.stat().st_size
    append(path, {"b": [1, 2]})
    with path.open("rb+") as file:
        file.truncate(min(whole + cut, path.stat().st_size - 2))
    assert read_lines(path) == [{"a": 1}]
    append(path, {"c": 3})
    assert read_lines(path) == [{"a": 1}, {"c": 3}]


def test_damage_in_the_middle_is_told(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    path.write_text('{"a": 1}\nrubbish\n{"b": 2}\n')
    with pytest.raises(UnavailableError, match="line 2"):
        read_lines(path)
