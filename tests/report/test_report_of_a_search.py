"""The report of a real search, opened in a real browser."""

from pathlib import Path

import pytest

from autopelt.cli import main

pytestmark = pytest.mark.browser


def test_a_searchs_report_opens_with_the_front_drawn(
    chromium, tiny_bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "study"
    arguments = ["search", "--task", "demo", "--model", str(tiny_bert), "--space", "tiny"]
    arguments += ["--budget", "4%", "--trials", "7", "--epochs", "1", "--train-examples", "32"]
    assert main([*arguments, "--out", str(folder)]) == 0
    last = capsys.readouterr().out.splitlines()[-3:]
    assert last[0] == f"Report: {folder / 'index.html'}"
    assert last[1] == f"Train:  autopelt train {folder}"
    assert last[2].startswith(f"Export: autopelt export {folder} --to autopelt --out ")
    chromium.show(folder / "index.html")
    assert chromium.run("document.querySelectorAll('#figure-front .points path').length") >= 6
    assert chromium.run("document.querySelectorAll('#figure-front .js-line').length") >= 1
    assert chromium.messages == []
