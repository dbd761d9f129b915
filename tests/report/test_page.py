import csv
import json
import math
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import plotly.graph_objects as go
import pytest
from example_studies import HOSTILE, failed_study, hostile_study, running_study, study

from autopelt.report import build, write_trials_csv
from autopelt.report.page import KINDS, make_cards, page, tidy
from autopelt.study.table import COLUMNS

STUDIES = {
    "complete": study(),
    "empty": replace(study(), trials=()),
    "one": study(1),
    "failed": failed_study(),
    "running": running_study(),
    "hostile": hostile_study(),
}


class Scripts(HTMLParser):
    """Counts elements the way a browser reads them."""

    def __init__(self):
        super().__init__()
        self.tags, self.text = [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text.append(data)


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_makes_every_card_and_none_breaks(name):
    cards = make_cards(tidy(STUDIES[name]))
    assert [c.key for c in cards] == [k.key for k in KINDS]
    assert not [c.lead for c in cards if "could not be made" in c.lead]
    assert all(c.lead for c in cards)


@pytest.mark.parametrize("name", STUDIES)
def test_every_figure_is_one_that_plotly_accepts_and_json_can_say(name):
    for card in make_cards(tidy(STUDIES[name])):
        for figure in card.figures:
            go.Figure(data=figure.data, layout=figure.layout)
            json.dumps([figure.data, figure.layout])


def test_the_page_is_one_file_of_about_two_megabytes(example_page):
    assert example_page.name == "index.html"
    assert example_page.stat().st_size < 2_500_000
    assert [p.name for p in example_page.parent.iterdir()] == ["index.html"]


def test_a_study_of_300_trials_stays_below_four_megabytes(tmp_path):
    assert build(study(300), tmp_path).stat().st_size < 4_000_000


def test_the_same_record_gives_the_same_page(example):
    assert page(example) == page(example)


def test_the_page_fetches_nothing_and_runs_only_its_own_scripts(example_page):
    parser = Scripts()
    parser.feed(example_page.read_text())
    policy = next(a["content"] for t, a in parser.tags if a.get("http-equiv"))
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-eval" not in policy
    assert not [a for t, a in parser.tags if t == "script" and "src" in a]
    assert [a["href"] for t, a in parser.tags if t == "link"] == ["data:,"]


def test_the_first_lines_have_the_command(example):
    assert page(example).splitlines()[1] == f"<!-- {example.command} -->"


def test_text_from_outside_stays_text():
    text = page(replace(hostile_study(), command=f"autopelt search --><b>{HOSTILE}"))
    parser = Scripts()
    parser.feed(text)
    assert sum(t == "script" for t, _ in parser.tags) == 3
    assert not [t for t, _ in parser.tags if t in ("img", "b")]
    assert not [a for _, a in parser.tags if any(k.startswith("on") for k in a)]
    assert HOSTILE in "".join(parser.text)
    assert "<script>alert" not in text


def test_inlined_values_cannot_end_their_script_element():
    block = re.search(
        r'<script type="application/json" id="study">(.*?)</script>', page(STUDIES["hostile"])
    )
    values = json.loads(block[1])
    assert values["metric"] == HOSTILE
    assert "<" not in block[1]


def test_figure_texts_are_escaped_for_plotly():
    for card in make_cards(hostile_study()):
        for figure in card.figures:
            shown = json.dumps(
                [figure.data, figure.layout.get("annotations"), figure.layout["xaxis"]]
            )
            assert "<script" not in shown
            assert "<img" not in shown


def test_a_score_that_is_no_number_counts_as_failed(example):
    broken = replace(example.trials[25], score=math.nan, scores=(math.nan,))
    record = replace(example, trials=(*example.trials[:25], broken, *example.trials[26:]))
    mended = tidy(record)
    assert mended.trials[25].state == "failed"
    assert mended.trials[25].reason == "its score is nan"
    page(record)


def test_a_page_is_replaced_whole_and_leaves_nothing_behind(example, tmp_path):
    folder = tmp_path / "reports" / "new"
    build(running_study(), folder)
    first = (folder / "index.html").read_text()
    build(example, folder)
    assert (folder / "index.html").read_text() != first
    assert [p.name for p in folder.iterdir()] == ["index.html"]


def test_a_running_study_says_how_far_it_is():
    assert "10 of 40 trials done" in page(running_study())
    assert "trials done" not in page(study())


def test_trials_csv_has_one_line_a_trial(example, tmp_path):
    path = write_trials_csv(example, tmp_path)
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert path.name == "trials.csv"
    assert [int(r["trial"]) for r in rows] == list(range(32))
    assert rows[15]["reason"].startswith("the loss became NaN")
    assert rows[15]["score"] == ""
    assert float(rows[3]["score"]) == example.trials[3].score
    assert rows[1]["within_budget"] == "False"
    assert len(rows[3]["scores"].split()) == 5


def test_a_text_that_looks_like_a_formula_is_defused(example, tmp_path):
    trial = replace(example.trials[3], label='=HYPERLINK("x")', reason="-2+3")
    path = write_trials_csv(replace(example, trials=(trial,)), tmp_path)
    row = next(csv.DictReader(path.read_text().splitlines()))
    assert row["label"] == '\'=HYPERLINK("x")'
    assert row["reason"] == "'-2+3"


def test_the_report_imports_no_optuna_ray_or_torch():
    heavy = ("torch", "optuna", "ray", "transformers", "pandas")
    code = f"import sys, autopelt.report; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


DOCS = Path(__file__).parents[2] / "docs" / "reading-the-report.md"


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.key)
def test_every_card_is_explained_in_the_docs(kind):
    assert f"\n## {kind.title}\n" in DOCS.read_text()


def test_every_column_of_the_csv_is_explained_in_the_docs():
    text = DOCS.read_text()
    assert [c for c in COLUMNS if f"`{c}`" not in text] == []
