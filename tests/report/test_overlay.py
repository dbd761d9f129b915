"""Several studies in one page: one reference point, and only where it makes sense."""

import json
import random
import re
from dataclasses import replace

import example_studies
import pytest
from example_studies import HOSTILE, hostile_study, study

from autopelt.cards.card import NothingToShow
from autopelt.cards.progress import card as progress_card
from autopelt.cards.progress import rivals
from autopelt.errors import UsageError
from autopelt.report import build, build_overlay
from autopelt.report.overlay import RANDOM_LOOK, comparable, overlay
from autopelt.report.overlay_cards import fronts, progress, settings, studies, verdict
from autopelt.report.overlay_page import overlay_page
from autopelt.report.page import page
from autopelt.study.facts import BackboneFacts, TaskFacts


def of_random_search(trials=32, name="rte-random"):
    """The example's seed architectures, and after them random ones that score lower."""
    base, rng = study(trials), random.Random(5)
    made = list(base.trials[:12])
    while len(made) < trials:
        t = example_studies._trained(len(made), example_studies._sampled(rng), rng)
        made.append(replace(t, score=t.score - 0.02, believed={}))
    config = base.config.model_copy(update={"sampler": "random", "random_seed": 5})
    return replace(base, name=name, trials=tuple(made), config=config)


@pytest.fixture(scope="module")
def both(example):
    return [example, of_random_search()]


def test_all_studies_get_one_reference_point(both):
    low = replace(both[1], limit=100_000)
    made = overlay([both[0], low])
    assert made.limit == 100_000
    assert made.shortened
    assert {m.record.limit for m in made.members} == {100_000}
    assert made.floor == min(both[0].floor, low.floor)
    assert all(t.count.deployed <= 100_000 for m in made.members for t in m.record.front)


def test_curves_start_from_the_same_floor(both):
    head = both[1].trials[0]
    lower = replace(both[1], trials=(replace(head, score=0.5), *both[1].trials[1:]))
    first, second = overlay([both[0], lower]).members
    assert first.value > both[0].hypervolume()
    assert second.value == pytest.approx(lower.hypervolume())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"metric": "f1"}, "their metric differ (accuracy and f1)"),
        (
            {"backbone": BackboneFacts(name="bert", parameters=5)},
            "their backbone differ (minilm and bert)",
        ),
        ({"task": TaskFacts(name="sst2")}, "their task differ (rte and sst2)"),
    ],
)
def test_studies_that_say_nothing_about_each_other_are_refused_in_one_line(example, change, words):
    with pytest.raises(UsageError) as refused:
        comparable([example, replace(example, name="other", **change)])
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    comparable([example, replace(example, name="other", limit=5)])


def test_other_data_under_the_same_name_is_refused(example):
    other = replace(example, task=example.task.model_copy(update={"selection": 100}))
    with pytest.raises(UsageError, match="task selection differ"):
        overlay([example, other])


def test_equal_names_are_told_apart_and_trials_have_numbers_of_their_own(example):
    made = overlay([example, example, replace(example, name="b")])
    assert [m.name for m in made.members] == ["rte-minilm-1pct", "rte-minilm-1pct (2)", "b"]
    keys = [m.key(t) for m in made.members for t in m.record.trials]
    assert len(set(keys)) == len(keys)


def test_random_search_is_grey_and_named(both):
    member = overlay([both[0], replace(both[1], name="plain")]).members[1]
    assert member.look == RANDOM_LOOK
    assert member.words == "plain (random search)"


def test_the_verdict_names_the_larger_hypervolume_and_the_noise(both):
    card = verdict(overlay(both))
    assert card.lead.startswith("rte-minilm-1pct found the better front: hypervolume 0.1")
    assert card.lead.endswith("All reach 0.682 at best.")
    assert [f.name for f in card.facts] == ["rte-minilm-1pct", "rte-random"]
    higher = tuple(replace(t, score=t.score + 0.03) for t in both[0].trials if t.score)
    pair = [replace(both[0], trials=higher), both[1]]
    assert "lie within chance" in verdict(overlay(pair)).lead
    many = [replace(r, task=r.task.model_copy(update={"selection": 10**6})) for r in pair]
    assert "differ by more than chance" in verdict(overlay(many)).lead


def test_no_complete_trial_is_told():
    empty = replace(study(), trials=())
    with pytest.raises(NothingToShow):
        verdict(overlay([empty, empty]))
    assert "No study has a complete trial" in overlay_page([empty, empty])


def test_every_front_is_drawn_with_a_look_of_its_own(both):
    made = overlay(both)
    figure = fronts(made).figures[0]
    looks = {(t["line"]["color"], t["line"]["dash"]) for t in figure.data if t["mode"] == "lines"}
    assert len(looks) == 2
    marked = [n for t in figure.data if t["mode"] == "markers" for n in t["customdata"]]
    assert marked == [m.key(t) for m in made.members for t in m.record.front]
    # Hover texts stand in the order of the points.
    first = next(t for t in figure.data if t["mode"] == "markers")
    for number, text in zip(first["customdata"], first["hovertext"], strict=True):
        assert f"trial {number}" in text


def test_progress_says_who_was_level_when(both):
    card = progress(overlay(both))
    assert re.match(r"rte-random ends at 0\.\d+; rte-minilm-1pct after \d+ trials had", card.lead)
    assert len(card.figures) == 2


def test_the_table_has_a_row_a_study_and_settings_show_differences_only(both):
    made = overlay(both)
    assert len(studies(made).table.rows) == 2
    names = {row.cells[0].text for row in settings(made).table.rows}
    assert {"sampler", "random_seed"} <= names
    assert "task" not in names
    with pytest.raises(NothingToShow):
        settings(overlay([both[0], both[0]]))


def test_another_study_is_drawn_into_the_progress_of_one(both):
    card = progress_card(both[0], against=(both[1],))
    assert ("dash", "var(--muted)", "random search") in card.figures[0].legend
    assert "It was level with what random search had after 32 trials" in card.lead
    worse = progress_card(both[1], against=(both[0],))
    assert "rte-minilm-1pct got further" in worse.lead.lower()
    assert rivals(both[0], [replace(both[1], trials=())]) == []


def test_a_report_against_a_study_of_another_task_is_refused(both, tmp_path):
    with pytest.raises(UsageError, match="cannot be compared"):
        build(both[0], tmp_path, [replace(both[1], metric="f1")])


def test_hostile_names_stay_text():
    text = overlay_page([hostile_study(), hostile_study()])
    assert "<script>alert" not in text
    found = re.search(r'<script type="application/json" id="study">(.*?)</script>', text)
    assert all(HOSTILE in t["remark"] for t in json.loads(found.group(1))["trials"])


def test_the_page_of_one_study_is_as_before_without_against(example):
    assert page(example) == page(example, ())


@pytest.mark.browser
def test_the_overlay_opens_quietly_and_a_click_shows_the_study(open_report, both, tmp_path):
    path = build_overlay(both, tmp_path)
    assert path.stat().st_size < 6_000_000
    report = open_report(path, seen=True)
    assert report.page.locator("#figure-front .js-line").count() == 2
    report.run("document.querySelector('#table-front tbody tr:last-child').click()")
    assert "rte-random" in report.text("#panel .remark")
    ring = "document.getElementById('figure-{}').data.at(-1).x[0]"
    assert report.run(ring.format("front")) is not None
    assert report.run(ring.format("progress-trials")) is not None
    assert report.messages == []
    report.page.set_viewport_size({"width": 400, "height": 900})
    assert report.run("document.documentElement.scrollWidth") == 400
