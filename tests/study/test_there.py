"""Whether there is a study or a trained model where a user says, told without reading one."""

from pathlib import Path

import pytest

from autopelt.errors import UnavailableError, UsageError
from autopelt.study.config import CONFIG
from autopelt.study.there import require_study, require_study_of, require_trained


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for folder in ("reports/one", "reports/a:b"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / CONFIG).write_text("task: demo\n")
    return Path("reports/one")


def test_a_study_is_there_with_or_without_a_trial(study: Path) -> None:
    require_study(study)
    for name in ("reports/one", "reports/one:12", "reports/a:b", "reports/a:b:knee"):
        require_study_of(name)
        require_trained(name)


def test_what_is_no_study_says_what_may_be_meant(study: Path) -> None:
    for name in ("one", "one:12"):
        with pytest.raises(UsageError, match="one"):
            require_study_of(name)
    with pytest.raises(UsageError, match="'one' is not a study; did you mean reports/one"):
        require_study_of("one")
    with pytest.raises(
        UsageError, match=r"'reports' is not a study: it has no config\.yaml; it holds"
    ):
        require_study(Path("reports"))
    with pytest.raises(UnavailableError, match="'one:12' holds nothing to export"):
        require_trained("one:12")
