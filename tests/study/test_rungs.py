"""Rungs are geometric and below the last epoch; what was saved is counted and said in words."""

import pytest

from autopelt.study.rungs import Saved, rungs


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [(1, ()), (2, (1,)), (3, (1, 2)), (5, (1, 2, 4)), (8, (1, 2, 4)), (20, (1, 2, 4, 8, 16))],
)
def test_rungs_double_and_leave_the_last_epoch(epochs: int, expected: tuple[int, ...]) -> None:
    assert rungs(epochs) == expected


def test_what_was_saved() -> None:
    saved = Saved.of(True, 5, 7, [1, 2, 4])
    assert (saved.epochs_saved, saved.epochs_planned) == (4 + 3 + 1, 50)
    assert saved.words == "stopped 3 trials and saved 8 of 50 epochs (16%)"
    assert Saved.of(False, 5, 7, []).words == "off"
    assert Saved.of(True, 5, 7, []).words == "on, no trial was stopped"
    assert "nothing to stop" in Saved.of(True, 1, 7, []).words
    assert Saved.of(True, 5, 0, []).share == 0
