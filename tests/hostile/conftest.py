"""A folder with a model, a study, data, and what is odd in a file system; nothing is made twice."""

import shutil
from pathlib import Path

import pytest

from autopelt import execution

STUDY = Path(__file__).parents[1] / "fixtures" / "study-7d51a0e"


@pytest.fixture
def place(tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory of a bad input: nothing in it may change, and nothing be trained."""

    def nothing_is_trained(*_: object, **__: object) -> None:
        raise AssertionError("a training began")

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AUTOPELT_DATA", raising=False)
    monkeypatch.delenv("AUTOPELT_DEBUG", raising=False)
    monkeypatch.setattr(execution, "run_trials", nothing_is_trained)
    for name in ("tiny", "tiny-bert"):  # the study knows it by the second
        (tmp_path / name).symlink_to(tiny_bert)
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").write_text("x")
    (tmp_path / "blank").write_text("")
    (tmp_path / "empty").mkdir()
    rows = "".join(f"the cat {n},{'yes' if n % 2 else 'no'}\n" for n in range(60))
    (tmp_path / "data.csv").write_text(f"text,label\n{rows}")
    return tmp_path


@pytest.fixture
def study(place: Path) -> Path:
    """A copy of a study of six trials, confirmed and trained, in that folder."""
    return shutil.copytree(STUDY, place / "study")
