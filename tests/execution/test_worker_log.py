"""What a worker prints lands in the trial's file, whoever prints it, and nothing else does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from autopelt.execution.worker_log import logged


def test_python_compiled_code_and_children_are_caught(tmp_path: Path) -> None:
    path = tmp_path / "trials" / "3" / "log.txt"
    with logged(str(path)):
        print("from Python")
        os.write(2, b"from compiled code\n")
        subprocess.run([sys.executable, "-c", "print('from a child')"], check=True)
        print("careful", file=sys.stderr)
    with logged(str(path)):
        print("second epoch")
    text = path.read_text()
    for words in ("from Python", "from compiled code", "from a child", "careful", "second epoch"):
        assert words in text


def test_afterwards_the_streams_are_as_before(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = sys.stdout
    with logged(str(tmp_path / "log.txt")):
        print("hidden")
    assert sys.stdout is out
    os.write(1, b"seen\n")
    assert capfd.readouterr().out == "seen\n"


def test_an_error_goes_through_and_what_was_printed_stays(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"

    def fail() -> None:
        with logged(str(path)):
            print("before the end")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "before the end\n"


def test_nothing_printed_leaves_nothing(tmp_path: Path) -> None:
    with logged(str(tmp_path / "trials" / "0" / "log.txt")):
        pass
    assert not list((tmp_path / "trials").iterdir())


def test_a_folder_that_cannot_be_made_does_not_stop_a_trial(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ran = []
    with logged(str(tmp_path / "file" / "log.txt")):
        ran.append(True)
    with logged(None):
        ran.append(True)
    assert ran == [True, True]
