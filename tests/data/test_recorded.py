"""Other examples than those that were recorded are refused in one line."""

from dataclasses import replace

import pytest

from autopelt.data.recorded import REPORT, SEARCHED, Recorded
from autopelt.errors import UnavailableError

NOW = Recorded("a", "r", 2, 60, 20, 20, cut_splits=("report", "selection", "train"))


def test_the_same_passes():
    NOW.check("t", NOW, SEARCHED + REPORT)


def test_rows_of_before_and_now_are_said():
    now = replace(NOW, hash="b", train=61)
    with pytest.raises(UnavailableError) as info:
        NOW.check("t", now, SEARCHED)
    assert str(info.value) == (
        "the data of task 't' is not what was recorded: train 60 examples before, 61 now; "
        "put the data back, or search again with the new."
    )


def test_which_of_two_splits_of_a_size_changed_is_not_known():
    same = "recorded: train 60 and selection 20 examples as before, but not all the same; put"
    with pytest.raises(UnavailableError, match=same):
        NOW.check("t", replace(NOW, hash="b"), SEARCHED)


def test_what_is_not_used_may_change():
    NOW.check("t", replace(NOW, hash="b"), REPORT)
    NOW.check("t", replace(NOW, report_hash="b"), SEARCHED)
    with pytest.raises(UnavailableError, match="report 20 examples as before, but not all"):
        NOW.check("t", replace(NOW, report_hash="b"), REPORT)


def test_what_was_not_known_is_no_change():
    Recorded(rule=2).check("t", NOW, SEARCHED + REPORT)
    NOW.check("t", replace(NOW, report_hash=""), REPORT)


def test_cuts_by_the_rule_of_before_are_told_from_changed_data():
    before = Recorded(hash="old", train=60)
    with pytest.raises(UnavailableError, match=r"another rule \(number 1; number 2 goes by a"):
        before.check("t", NOW, SEARCHED)
    own = replace(NOW, cut_splits=())
    with pytest.raises(UnavailableError, match="train 60 and selection 20 examples as before"):
        before.check("t", own, SEARCHED)
    before.check("t", own, REPORT)
