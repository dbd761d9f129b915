"""A few new bad inputs, the same in each run; `fuzz.py` tries as many as are wanted."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from fuzz import Stage, wrong_with
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    before = Path.cwd()
    yield Stage(tmp_path_factory.mktemp("stage"), fresh=False)
    os.chdir(before)


@settings(
    max_examples=int(os.environ.get("AUTOPELT_BAD_INPUTS", "20")),
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(draw=st.randoms(use_true_random=True))
def test_no_traceback_no_silence_and_one_line(draw: random.Random, stage: Stage) -> None:
    attack = stage.attack(draw)
    answer = stage.answer(attack)
    assert wrong_with(attack, answer) == [], f"{attack}\n{answer}"
