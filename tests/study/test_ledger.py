"""A ledger reads lines of before and of later, and tells what was trained already."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from autopelt.errors import UnavailableError
from autopelt.study.confirmation import CONFIRMED, ledger
from autopelt.study.ledger import Constant, Ledger, Training
from autopelt.system.json_lines import read_lines

BEFORE = Path(__file__).resolve().parents[1] / "fixtures" / "study-7d51a0e"


@dataclass(frozen=True)
class About:
    who: str
    words: str | None = field(default=None, compare=False)


def test_lines_of_before_are_read_and_written_as_they_are(tmp_path: Path) -> None:
    lines = ledger(BEFORE).lines()
    assert [line.about.role for line in lines[:2]] == ["found", "seed"]
    for line in lines:
        assert line.training is not None
        assert isinstance(line.training.constant, Constant)
        ledger(tmp_path).append(line.about, line.training)
    assert read_lines(tmp_path / CONFIRMED) == read_lines(BEFORE / CONFIRMED)


def test_what_a_line_lacks_has_its_default_and_what_is_unknown_does_no_harm(tmp_path: Path) -> None:
    kept = Ledger(tmp_path / "l.jsonl", About)
    kept.path.write_text('{"who": "a", "random_seed": 1, "of_later": {}}\n')
    (line,) = kept.lines()
    assert (line.about, line.training, line.reason) == (About("a"), Training(1, None), "")


def test_a_measurement_has_all_else_as_it_stands(tmp_path: Path) -> None:
    kept = Ledger(tmp_path / "l.jsonl", About)
    kept.append(About("a"), {"peak_bytes": 3, "device": "CPU"})
    kept.append(About("b", "said"), {"reason": "no room"})
    first, second = kept.lines()
    assert (first.training, first.measured) == (None, {"peak_bytes": 3, "device": "CPU"})
    assert (second.reason, second.about.words) == ("no room", "said")
    assert kept.done(failed=True) == set()


def test_what_is_done_goes_by_whom_it_is_about_and_the_random_seed(tmp_path: Path) -> None:
    kept = Ledger(tmp_path / "l.jsonl", About)
    kept.append(About("a", "then"), Training(1, 0.5))
    kept.append(About("a"), Training(2, None, reason="killed"))
    assert kept.done(failed=False) == {(About("a", "now"), 1)}
    assert kept.done(failed=True) == {(About("a"), 1), (About("a"), 2)}


@pytest.mark.parametrize("line", [{"random_seed": 1}, {"who": "a", "random_seed": "x"}])
def test_a_line_of_other_values_is_damaged(line: dict[str, object], tmp_path: Path) -> None:
    kept = Ledger(tmp_path / "l.jsonl", About)
    kept.path.write_text(json.dumps({"who": "a"}) + "\n" + json.dumps(line) + "\n")
    with pytest.raises(UnavailableError, match=r"line 2 of .* is damaged"):
        kept.lines()
