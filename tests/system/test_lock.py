"""A study's folder belongs to one process at a time; a dead one holds nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from autopelt.errors import UsageError
from autopelt.system.lock import LOCK, locked, working_process


def test_it_is_held_alone_and_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "study"
    with locked(folder) as killed:
        assert killed == ""
        assert working_process(folder) == os.getpid()
        with (
            pytest.raises(UsageError, match=rf"in use by process {os.getpid()} on .*"),
            locked(folder),
        ):
            raise AssertionError("held twice")
    assert working_process(folder) is None
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_something_came_into_stays(tmp_path: Path) -> None:
    with locked(tmp_path / "new" / "study"):
        (tmp_path / "new" / "other").touch()
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["other"]


def test_an_error_lets_it_go(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), locked(tmp_path):
        raise ZeroDivisionError
    with locked(tmp_path) as killed:
        assert killed == ""


def test_a_killed_process_is_told_of_and_holds_nothing(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from autopelt.system.lock import locked\n"
        "with locked(Path(sys.argv[1])): os.kill(os.getpid(), signal.SIGKILL)"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)])
    assert child.wait() < 0
    assert (tmp_path / f"{LOCK}.owner").is_file()
    assert working_process(tmp_path) is None
    with locked(tmp_path) as killed:
        assert killed.startswith(f"the last search, process {child.pid} on ")
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"), locked(tmp_path / "file" / "study"):
        raise AssertionError("locked")
