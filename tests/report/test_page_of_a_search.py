"""The report of a real search, opened in a real browser."""

import shutil
from pathlib import Path

import pytest

from autopelt.cli.main import main

pytestmark = pytest.mark.browser


def test_a_searchs_report_opens_with_the_front_drawn(
    open_report, tiny_bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "study"
    arguments = ["search", "--task", "demo", "--model", str(tiny_bert), "--space", "tiny"]
    arguments += ["--budget", "4%", "--trials", "7", "--epochs", "1", "--train-examples", "32"]
    assert main([*arguments, "--out", str(folder)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert f"Report:  {folder / 'index.html'}" in told
    (place,) = (n for n, line in enumerate(told) if line.startswith("Next:    "))
    assert f"Train:   autopelt train {folder}" in told[place:]
    assert told[-1].startswith("Export:  autopelt export ")
    assert main(["status", str(folder)]) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == told[place : place + 2]
    report = open_report(folder / "index.html")
    step = told[place + 1].strip().replace(str(folder), "reports/study")
    assert step in report.page.content()
    assert report.page.locator("#figure-front .points path").count() >= 6
    assert report.page.locator("#figure-front .js-line").count() >= 1
    assert report.messages == []
    built_again(folder, tmp_path, capsys)


def built_again(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`autopelt report` on the study, beside another one, and over another one."""
    page = (folder / "index.html").read_text()
    (folder / "index.html").unlink()
    assert main(["report", str(folder)]) == 0
    assert (folder / "index.html").read_text() == page
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    beside = str(tmp_path / "beside")
    assert main(["report", str(folder), "--against", str(other), "--out", beside]) == 0
    assert "this study" in (tmp_path / "beside" / "index.html").read_text()
    assert (tmp_path / "beside" / "trials.csv").is_file()
    assert main(["report", str(folder), str(other), "--out", str(tmp_path / "both")]) == 0
    assert "2 studies compared" in (tmp_path / "both" / "index.html").read_text()
    capsys.readouterr()
    assert main(["report", str(folder), str(other)]) == 2
    assert "needs --out" in capsys.readouterr().err
    assert main(["report", str(folder), str(other), "--out", str(other)]) == 2
    assert "is a study" in capsys.readouterr().err
