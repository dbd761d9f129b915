"""Where a study is read from."""

import shutil
from pathlib import Path

from autopelt.study.config import CONFIG
from autopelt.study.reading import read_study
from autopelt.study.storage import StudyStorage
from autopelt.study.stored import Stored

OLD = Path(__file__).resolve().parents[1] / "fixtures" / "study-7d51a0e"


def test_what_is_not_in_the_folder_is_asked_of_optuna(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(OLD, tmp_path / "study"))
    (folder / CONFIG).unlink()
    found: Stored = read_study(folder)
    assert isinstance(found, StudyStorage)
    assert (folder / CONFIG).is_file()
