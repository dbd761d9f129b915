"""The report while a search runs: not too often, by rename, and it says that it will change."""

from pathlib import Path

import pytest
from small_search import Quiet, plan

from autopelt.samplers import make_sampler
from autopelt.study.storage import StudyStorage
from autopelt.workflows import search as driver


def test_the_report_is_rebuilt_at_most_every_ten_seconds_and_by_rename(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = plan(tiny_bert)
    sampler = make_sampler("random", made.space, 0, start=2)
    study = StudyStorage.create(tmp_path / "study", made.config, made.facts, sampler)
    running = driver._Driver(study, made, sampler, Quiet(), None)  # type: ignore[arg-type]
    clock = [1000.0]
    monkeypatch.setattr(driver.time, "monotonic", lambda: clock[0])
    page = tmp_path / "study" / "index.html"

    assert running.next() is not None
    running.write_report()
    first = page.stat()
    assert "0 of 8 trials done" in page.read_text()
    assert "While the search runs" in page.read_text()
    clock[0] += driver.REPORT_SECONDS - 0.1
    running.write_report()
    assert page.stat().st_ino == first.st_ino
    with page.open() as opened:  # a browser that reads the old page while the new one is written
        clock[0] += 0.2
        running.write_report()
        assert page.stat().st_ino != first.st_ino
        assert opened.read().endswith("</html>")
    running.write_report(force=True)
    assert sorted(p.name for p in page.parent.iterdir() if p.suffix in (".html", ".csv")) == [
        "index.html",
        "trials.csv",
    ]


def test_a_report_that_takes_long_is_rebuilt_less_often(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of a thousand trials takes seconds, and while it is written nothing else happens."""
    made = plan(tiny_bert)
    sampler = make_sampler("random", made.space, 0, start=2)
    study = StudyStorage.create(tmp_path / "study", made.config, made.facts, sampler)
    running = driver._Driver(study, made, sampler, Quiet(), None)  # type: ignore[arg-type]
    clock, built = [1000.0], []

    def build(*given: object) -> None:
        built.append(clock[0])
        clock[0] += 4.0

    monkeypatch.setattr(driver.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(driver, "build", build)
    for _ in range(400):
        running.write_report()
        clock[0] += 1.0
    assert 4.0 * len(built) <= 400 * driver.QUICK / driver.REPORT_SECONDS + 4.0
    assert len(built) > 3
