"""Scores of a user's own: which way they go, what they may return, what goes wrong."""

import os

import numpy as np
import pytest

from autopelt.errors import UnavailableError, UsageError
from autopelt.tasks.generation import Generation
from autopelt.tasks.own_score import absolute, is_own, own_score

FILE = '''
"""Scores of mine."""
from math import sqrt

def same(predictions, references):
    assert isinstance(predictions, list) and isinstance(references, list)
    return sum(a == b for a, b in zip(predictions, references)) / len(references)

def wer(predictions, references):
    return 1 - same(predictions, references)

wer.lower_is_better = True

def several(predictions, references):
    return {"first": 2, "second": sqrt(9)}

def named(predictions, references):
    return {"other": 1.0, "named": 5.0}

def words(predictions, references):
    return "good"

def nothing(predictions, references):
    return {}

def fails(predictions, references):
    return len(predictions) / 0
'''


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "my_scores.py"
    path.write_text(FILE, encoding="utf-8")
    return path


def test_a_function_of_a_file_is_found(file):
    made = own_score(f"{file}:same")
    assert (made.name, made.lower_is_better) == ("same", False)
    assert made(["a", "b"], ["a", "c"]) == {"same": 0.5}
    assert len(made.hash) == 64


@pytest.mark.parametrize(("written", "lower"), [("same", False), ("-same", True), ("wer", True)])
def test_which_way_it_goes_is_said_by_a_dash_or_an_attribute(file, written, lower):
    assert own_score(f"{file}:{written}").lower_is_better is lower
    task = Generation("g", "", None, scores=(f"{file}:{written}",))
    scores = {"same": 0.25, "wer": 0.25}
    assert task.metric.value(scores) == (-0.25 if lower else 0.25)


def test_of_a_dictionary_the_first_or_the_one_of_its_name_is_the_metric(file):
    told = own_score(f"{file}:several")(["a"], ["a"])
    assert list(told.items()) == [("several", 2.0), ("first", 2.0), ("second", 3.0)]
    told = own_score(f"{file}:named")(["a"], ["a"])
    assert list(told.items()) == [("named", 5.0), ("other", 1.0)]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("words", "words returns str; a score is a number, or a dictionary of numbers by name"),
        ("nothing", "nothing returns an empty dictionary"),
        ("fails", "line 27: ZeroDivisionError: division by zero"),
    ],
)
def test_what_it_returns_is_checked(file, name, says):
    with pytest.raises(UsageError, match=says):
        own_score(f"{file}:{name}")(["a"], ["a"])


def test_numbers_of_numpy_are_numbers(tmp_path):
    path = tmp_path / "n.py"
    path.write_text("import numpy\ndef f(a, b):\n    return numpy.float32(0.5)\n", "utf-8")
    assert own_score(f"{path}:f")(["a"], ["a"]) == {"f": float(np.float32(0.5))}


def test_a_wrong_name_shows_what_there_is(file, tmp_path):
    with pytest.raises(UsageError, match=r"no function 'sama': did you mean 'same'\? Allowed: "):
        own_score(f"{file}:sama")
    with pytest.raises(UsageError, match="no function 'sqrt'"):
        own_score(f"{file}:sqrt")
    with pytest.raises(UsageError, match=r"names no function; write FILE\.py:name"):
        own_score(f"{file}:not a name")
    with pytest.raises(UnavailableError, match="with a score of your own cannot be read"):
        own_score(f"{tmp_path}/gone.py:f")


def test_a_file_is_run_again_when_it_has_changed(tmp_path):
    path = tmp_path / "f.py"
    path.write_text("def f(a, b):\n    return 1\n", "utf-8")
    first = own_score(f"{path}:f")
    path.write_text("def f(a, b):\n    return 2\n", "utf-8")
    second = own_score(f"{path}:f")
    assert (first([], [])["f"], second([], [])["f"]) == (1, 2)
    assert first.hash != second.hash


def test_a_path_holds_in_every_working_directory(tmp_path):
    assert is_own("a.py:f")
    assert not is_own("rougeL")
    assert absolute("a.py:-f", tmp_path) == f"{tmp_path.resolve() / 'a.py'}:-f"
    home = os.path.expanduser("~")
    assert absolute("~/a.py:f", tmp_path).startswith(home)
