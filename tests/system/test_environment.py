"""Variables are there for a while, and what was there before comes back."""

import os
import subprocess
import sys

import pytest

from autopelt.system.environment import environment


def test_processes_have_them_and_what_was_there_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APELT_KNOWN", "before")
    monkeypatch.delenv("APELT_NEW", raising=False)
    code = "import os; print(os.environ['APELT_KNOWN'], os.environ['APELT_NEW'])"
    with environment({"APELT_KNOWN": "now", "APELT_NEW": "new"}):
        said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert said.stdout.split() == ["now", "new"]
    assert os.environ["APELT_KNOWN"] == "before"
    assert "APELT_NEW" not in os.environ
