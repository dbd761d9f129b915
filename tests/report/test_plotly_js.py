"""plotly.js once in each page, or once beside several: small, offline, and quiet in a browser."""

import base64
import gzip
import html
import re
import shutil
from pathlib import Path

import pytest
from example_studies import study

from autopelt.cli.main import main
from autopelt.report import build, share
from autopelt.report.plotly_js import NAME, fingerprint, packed, plotly_js

VALUES = re.compile(r'id="study">([^<]*)</script>')


@pytest.fixture
def pages(tmp_path: Path) -> list[Path]:
    """Two pages of their own, in folders side by side."""
    return [build(study(number), tmp_path / str(number)) for number in (8, 12)]


def test_a_study_of_100_trials_stays_below_600_kilobytes(tmp_path: Path) -> None:
    page = build(study(100), tmp_path / "100")
    share(page)
    assert page.stat().st_size < 600_000


def test_pages_that_share_are_smaller_by_it(pages: list[Path], tmp_path: Path) -> None:
    for page in pages:
        before = page.read_text(encoding="utf-8")
        assert share(page) == tmp_path / NAME
        after = page.read_text(encoding="utf-8")
        values, small = VALUES.findall(before)[0], VALUES.findall(after)[0]
        assert gzip.decompress(base64.b64decode(small)).decode() == values
        saved = len(packed(plotly_js())) + len(values) - len(small)
        assert abs(len(before) - len(after) - saved) < 500
    assert (tmp_path / NAME).read_text(encoding="utf-8") == plotly_js()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["12", "8", NAME]


def test_only_the_files_beside_it_and_its_own_scripts_run(pages: list[Path]) -> None:
    share(pages[0])
    text = html.unescape(pages[0].read_text(encoding="utf-8"))
    assert "<script src" not in text
    assert text.count(f'data-src="../{NAME}"') == 1
    assert "default-src 'none'; script-src 'self' file: 'sha256-" in text
    assert fingerprint(plotly_js()) not in text
    assert "This page is one file" not in text


def test_a_page_of_before_whose_script_reads_no_packed_values_keeps_them(
    pages: list[Path],
) -> None:
    text = pages[0].read_text(encoding="utf-8")
    old = text.replace("contents('study')", "read()").replace("plotly.src", "plotly.href")
    pages[0].write_text(old, encoding="utf-8")
    share(pages[0])
    after = pages[0].read_text(encoding="utf-8")
    assert VALUES.findall(after) == VALUES.findall(text)
    assert f'<script src="../{NAME}"></script>' in after


def test_sharing_twice_changes_nothing_and_mends_the_file(pages: list[Path]) -> None:
    shared = share(pages[0])
    once = pages[0].read_bytes()
    shared.write_text("damaged")
    share(pages[0])
    assert pages[0].read_bytes() == once
    assert shared.read_text(encoding="utf-8") == plotly_js()


def test_the_command_says_what_it_cannot_share(
    pages: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [str(page.parent) for page in pages]
    assert main(["report", *folders, "--shared-plotly"]) == 0
    assert capsys.readouterr().out.split() == list(map(str, pages))
    assert all(f'"../{NAME}"' in page.read_text(encoding="utf-8") for page in pages)
    other = tmp_path / "other"
    other.mkdir()
    (other / "index.html").write_text("<html></html>")
    for arguments, words in (
        ([str(other)], "is no report of autopelt"),
        ([str(tmp_path / "none")], "cannot be read"),
        ([*folders, "--out", str(other)], "leave out --out"),
    ):
        assert main(["report", *arguments, "--shared-plotly"]) in (2, 3)
        assert words in capsys.readouterr().err


@pytest.mark.browser
def test_every_figure_is_drawn_from_beside(pages: list[Path], open_report) -> None:
    share(pages[0])
    report = open_report(pages[0], seen=True)
    drawn = (
        "[...document.querySelectorAll('.plot')].map(e => Boolean(e.querySelector('.main-svg')))"
    )
    assert set(report.run(drawn)) == {True}
    assert report.messages == []
    assert report.outside == [(pages[0].parent.parent / NAME).as_uri()]


@pytest.mark.browser
def test_a_page_that_was_taken_away_says_what_it_needs(
    pages: list[Path], tmp_path: Path, open_report
) -> None:
    share(pages[0])
    alone = tmp_path / "elsewhere" / "deeper"
    alone.mkdir(parents=True)
    shutil.copy(pages[0], alone)
    report = open_report(alone / "index.html")
    assert f"Figures need ../{NAME}" in report.text(".figures")


@pytest.mark.browser
def test_an_old_browser_shows_the_tables_of_a_page_that_shares(
    pages: list[Path], open_report
) -> None:
    share(pages[0])
    report = open_report(pages[0], before="delete window.DecompressionStream")
    assert report.page.locator(".figures .note").count() > 3
    assert report.page.locator("#trials tbody tr").count() == 8
    assert report.messages == []
