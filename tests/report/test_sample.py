"""The committed sample is a report of today's code, complete, quiet in a browser; all are small."""

import base64
import csv
import gzip
import json
import re
from pathlib import Path

import pytest

from autopelt.report.page import KINDS
from autopelt.report.plotly_js import NAME, plotly_js
from autopelt.study.table import COLUMNS

FOLDER = Path(__file__).parents[2] / "reports" / "sample"
PAGE = FOLDER / "index.html"


@pytest.fixture(scope="module")
def text():
    return PAGE.read_text(encoding="utf-8")


def test_it_names_the_command_that_makes_it_again(text):
    command = re.fullmatch(r"<!-- (autopelt search .*) -->", text.splitlines()[1])
    assert command is not None
    assert command[1] in (FOLDER.parent / "README.md").read_text(encoding="utf-8")


def test_it_has_every_card_of_today(text):
    found = re.findall(r'<section class="card(?: missing)?" id="([a-z]+)"', text)
    assert found == [kind.key for kind in KINDS]
    assert "could not be made" not in text


def test_page_and_table_tell_of_the_same_trials(text):
    rows = list(csv.DictReader((FOLDER / "trials.csv").read_text(encoding="utf-8").splitlines()))
    assert tuple(rows[0]) == COLUMNS
    packed = re.search(r'<script type="text/plain" id="study">(.*?)</script>', text)
    trials = json.loads(gzip.decompress(base64.b64decode(packed[1])))["trials"]
    assert [t["id"] for t in trials] == [row["id"] for row in rows]
    assert {row["state"] for row in rows} <= {"complete", "stopped", "failed"}


def test_pages_are_small_and_draw_with_what_lies_beside_them():
    pages = sorted(FOLDER.parent.glob("*/index.html"))
    assert PAGE in pages
    assert [page.parent.name for page in pages if page.stat().st_size > 600_000] == []
    alone = [p for p in pages if f'src="../{NAME}"' not in p.read_text(encoding="utf-8")]
    assert alone == []
    assert (FOLDER.parent / NAME).read_text(encoding="utf-8") == plotly_js()


@pytest.mark.browser
def test_it_opens_quietly(open_report):
    report = open_report(PAGE)
    assert report.page.locator("#figure-front .points path").count() > 10
    assert report.messages == []
