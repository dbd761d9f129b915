"""Threads that wait for one another: what processes are told, and that PyTorch's runtime hears."""

import os
import subprocess
import sys

import pytest

from autopelt.cli.main import main
from autopelt.system.openmp import short_waits


@pytest.fixture(autouse=True)
def _unchosen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, "as before")  # so that it is as before in the end, too
        monkeypatch.delenv(name)


@pytest.mark.skipif(sys.platform != "linux", reason="PyTorch's wheels have another OpenMP there")
def test_the_runtime_of_pytorch_reads_it() -> None:
    told = os.environ | short_waits() | {"OMP_DISPLAY_ENV": "VERBOSE"}
    done = subprocess.run(
        [sys.executable, "-c", "import torch"], env=told, capture_output=True, text=True, check=True
    )
    assert "GOMP_SPINCOUNT = '2000'" in done.stderr


def test_a_command_says_it_before_anything_loads_pytorch() -> None:
    assert main(["--version"]) == 0
    assert os.environ["GOMP_SPINCOUNT"] == "2000"


@pytest.mark.parametrize("name", ["GOMP_SPINCOUNT", "OMP_WAIT_POLICY"])
def test_what_the_user_has_chosen_stays(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "7")
    assert short_waits() == {name: "7"}
