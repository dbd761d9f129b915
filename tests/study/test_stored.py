"""A study's own file, read without Optuna, says what Optuna says."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from autopelt.errors import UnavailableError, UsageError
from autopelt.study.config import DATABASE
from autopelt.study.reading import read_study
from autopelt.study.storage import StudyStorage

OLD = Path(__file__).resolve().parents[1] / "fixtures" / "study-7d51a0e"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(OLD, tmp_path / "study"))


def test_the_record_is_the_same(folder: Path) -> None:
    read, opened = read_study(folder), StudyStorage.open(folder)
    assert not isinstance(read, StudyStorage)
    assert repr(read.record()) == repr(opened.record())  # of NaN none is equal to another
    assert (read.config, read.facts) == (opened.config, opened.facts)
    assert list(read.rows()) == list(opened.rows())
    assert read.process() is None


def test_reading_changes_nothing(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    read_study(folder).record()
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE trial_user_attributes",
        "DELETE FROM study_user_attributes WHERE key = 'autopelt'",
        "UPDATE study_user_attributes SET value_json = '{'",
        "UPDATE study_user_attributes SET value_json = '5' WHERE key = 'autopelt'",
    ],
)
def test_a_damaged_file_is_one_line_with_the_way_out(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / DATABASE)) as database:
        database.execute(statement)
        database.commit()
    with pytest.raises((UnavailableError, UsageError), match=r"cannot be read .*search again"):
        read_study(folder)
