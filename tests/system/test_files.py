"""Files appear whole or not at all."""

from pathlib import Path

import pytest

from autopelt.errors import UsageError
from autopelt.system.files import (
    expanded,
    last_line,
    recover_directory,
    replace_directory,
    replace_file,
    write_text,
)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    write_text(target, "old")

    def fail(path: Path) -> None:
        path.write_text("half", encoding="utf-8")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        replace_file(target, fail)
    assert target.read_text(encoding="utf-8") == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_folder_replaces_another(tmp_path: Path) -> None:
    for name in ("new", "best"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    replace_directory(tmp_path / "new", tmp_path / "best")
    assert [p.name for p in (tmp_path / "best").iterdir()] == ["new"]
    assert [p.name for p in tmp_path.iterdir()] == ["best"]


def test_without_a_target_a_folder_goes(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    replace_directory(tmp_path / "gone", None)
    replace_directory(tmp_path / "never-was", None)
    assert list(tmp_path.iterdir()) == []


def test_a_replacement_killed_between_its_renames_is_finished(tmp_path: Path) -> None:
    """The new folder has gone nowhere yet, so the old one comes back."""
    (tmp_path / "best").mkdir()
    (tmp_path / "best" / "old").touch()
    (tmp_path / "best").rename(tmp_path / ".best.old")
    recover_directory(tmp_path / "best")
    assert [p.name for p in tmp_path.iterdir()] == ["best"]
    recover_directory(tmp_path / "best")
    assert [p.name for p in (tmp_path / "best").iterdir()] == ["old"]


def test_the_last_line_of_a_log_is_plain_and_short(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    assert last_line(log) == ""
    log.write_text("")
    assert last_line(log) == ""
    log.write_text("first\n\x1b[31mlast\x00 one\x1b[0m \n\n  \n")
    assert last_line(log) == "last one"
    log.write_text("x" * 10_000 + "\n" + "y" * 5_000)
    assert last_line(log) == "y" * 300
    log.write_bytes(b"\xff\xfe broken")
    assert last_line(log).endswith("broken")


def test_homes_are_a_shells_and_no_name_has_a_nul(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/mine")
    assert expanded("~/a") == Path("/home/mine/a")
    assert expanded("~nobody-knows/a") == Path("~nobody-knows/a")
    with pytest.raises(UsageError, match="has a NUL"):
        expanded("a\0b")
