"""Trainings again in the report: one architecture, its expected score, what was observed."""

import csv
import io
from dataclasses import replace

import pytest
from example_studies import repeated_study, study

from autopelt.cards import (
    calibration,
    front,
    health,
    learning_curves,
    next_steps,
    parallel_coordinates,
    progress,
    trials_table,
    verdict,
)
from autopelt.cards.expectation import (
    all_scores,
    direction,
    expectation,
    learns,
    measured,
    observed,
)
from autopelt.study.record import Belief
from autopelt.study.table import trials_csv


@pytest.fixture(scope="module")
def made():
    return repeated_study()


@pytest.fixture(scope="module")
def lucky(made):
    """The architecture with the highest score of the search, trained four times more."""
    return made.trials[study().best.number]


def test_words(made, lucky):
    scores = [t.score for t in made.trainings_of(lucky)]
    low, high = f"{min(scores):.3f}", f"{max(scores):.3f}"
    mean = f"{made.expected(lucky):.3f}"
    assert observed(made, lucky) == f"{low} to {high}"
    words = f"expected {mean} from 5 trainings (observed {low} to {high})"
    assert expectation(made, lucky) == words
    assert measured(made, lucky) == f"accuracy {words}"
    assert learns(made, lucky) == "learns with 4 of 5 seeds"
    assert learns(made, made.best) == ""


def test_one_score_and_no_belief_is_just_that(example):
    best = example.best
    assert expectation(example, best) == f"{best.score:.3f}"
    assert measured(example, best) == f"accuracy {best.score:.4f}"
    shrunk = replace(example, beliefs={best.architecture.id: Belief(0.6, 0.01, 1.0, 1)})
    assert (
        expectation(shrunk, best) == f"expected 0.600 from 1 training (observed {best.score:.3f})"
    )


def test_the_best_is_the_one_that_held_up_and_not_the_lucky_one(made, lucky):
    assert made.best.architecture != lucky.architecture
    assert len(made.trainings_of(made.best)) == 5
    v = verdict.answered(made)
    assert v.best is v.found is made.best
    assert v.gain.mean == made.expected(made.best) - made.expected(made.best_seed)
    sds = [made.belief(t).sd for t in (made.best, made.best_seed)]
    assert v.gain.error == pytest.approx((sds[0] ** 2 + sds[1] ** 2) ** 0.5)
    assert v.proposed == sum(made.feasible(t) and not t.label for t in made.architectures)
    card = verdict.card(made)
    assert f"5 trainings, observed {observed(made, made.best)}" in card.facts[0].remark
    assert "trained once" not in card.note
    assert "given all 38 trainings of this study" in card.note


def test_an_architecture_is_one_point_with_its_bar_and_a_dot_for_each_training(made, lucky):
    f = front.front(made)
    assert len(f.points) == len(made.architectures) == len({p.trial.architecture for p in f.points})
    point = next(p for p in f.points if p.trial is lucky)
    assert (point.y, point.sd) == (made.expected(lucky), made.belief(lucky).sd)
    assert [n for n, _ in point.trainings] == [t.number for t in made.trainings_of(lucky)]
    says = front.hover(point, "accuracy")
    assert "learns with 4 of 5 seeds" in says
    assert f"observed {observed(made, lucky)}" in says
    dots, *_ = [t for t in front.draw(f, "accuracy").data if t.get("meta") == {"kind": "training"}]
    assert sorted(dots["customdata"]) == [t.number for t in made.complete]
    assert [v for _, v in f.steps][:-1] == [made.expected(t) for t in made.front]
    bars = [t["error_y"]["array"] for t in front.draw(f, "accuracy").data if "error_y" in t]
    assert sum(map(len, bars)) == len(f.points)
    columns = [c.name for c in front.card(made).table.columns]
    assert columns[:4] == ["Trial", "Expected", "Observed", "Trainings"]


def test_a_study_without_beliefs_looks_as_it_did(example):
    f = front.front(example)
    assert not any(p.told or p.sd or p.trainings for p in f.points)
    assert all("error_y" not in t for t in front.draw(f, "accuracy").data)
    assert [c.name for c in front.card(example).table.columns][:2] == ["Trial", "Score"]
    names = [c.name for c in trials_table.card(example).table.columns]
    assert not {"Repeats", "Expected"} & set(names)


def test_the_table_has_a_row_a_training(made):
    table = trials_table.card(made).table
    names = [c.name for c in table.columns]
    assert len(table.rows) == len(made.trials)
    again = [row.cells[names.index("Repeats")].text for row in table.rows]
    assert again == ["–" if t.repeats is None else f"trial {t.repeats}" for t in made.trials]
    assert set(again[:32]) == {"–"}


def test_the_csv_has_the_score_of_the_training_and_what_is_expected(made, lucky):
    rows = list(csv.DictReader(io.StringIO(trials_csv(made))))
    assert [float(r["score"]) for r in rows if r["score"]] == [t.score for t in made.complete]
    mine = [r for r in rows if r["id"] == lucky.architecture.id]
    belief = made.belief(lucky)
    assert {
        (float(r["expected"]), float(r["expected_sd"]), float(r["learns"]), r["trainings"])
        for r in mine
    } == {(belief.mean, belief.sd, belief.learns, "5")}
    assert [r["repeats"] for r in mine] == ["", *[str(lucky.number)] * 4]
    on_front = {r["id"] for r in rows if r["on_front"] == "True"}
    assert on_front == {t.architecture.id for t in made.front}
    failed = next(r for r in rows if r["state"] == "failed")
    assert (failed["expected"], failed["trainings"]) == ("", "0")


def test_trainings_again_are_no_proposals(made):
    base = replace(made, trials=made.trials[:32])
    again = [replace(t, believed={"mean": 0.1, "sd": 0.01}) for t in made.trials[32:]]
    known = calibration.calibration(replace(made, trials=(*base.trials, *again)))
    assert known == calibration.calibration(base)
    words = [f.words for f in health.findings(made)]
    assert "No architecture was proposed twice." in words
    twice = replace(made, trials=(*base.trials, *(replace(t, repeats=None) for t in again)))
    assert any("2 architectures proposed more than once" in f.words for f in health.findings(twice))


def test_hypervolume_over_trials_ends_where_the_study_is(made):
    found = progress.steps(made)
    assert len(found) == len(made.complete)
    assert found[-1].value == pytest.approx(made.hypervolume())
    # Trainings again add nothing that is not there by what is believed now.
    assert {s.value for s in found[-8:]} == {found[-9].value}
    assert progress.last_gain(found) == progress.last_gain(found[:-8]) > 0


def test_curves_of_all_trainings_of_the_front_are_blue(made):
    chosen = {t.architecture for t in made.front}
    curves = learning_curves.curves(made)
    assert {c.trial.number for c in curves if c.on_front} == {
        t.number for t in made.trials if t.architecture in chosen and t.scores
    }


def test_choices_have_one_line_an_architecture(made):
    p = parallel_coordinates.parallel(made)
    assert len({t.architecture for t in p.trials}) == len(p.trials)
    assert list(p.axes[-1].values) == [made.expected(t) for t in p.trials]


def test_the_commands_are_about_the_best_that_is_believed(made):
    assert expectation(made, made.best) in next_steps.card(made).lead


def test_the_example_differs_from_what_scores_alone_say():
    """Else nothing above would tell belief from luck."""
    assert study().best.architecture != repeated_study().best.architecture


def test_all_scores_and_which_way_they_go_are_told(example):
    loss = replace(example, metric="negative loss")
    assert direction(loss) == (
        "Of the loss less is better, so its negative is shown and more is better."
    )
    assert direction(example) == ""
    scores = {"loss": 2.5, "rougeL": 0.25, "threshold": 0.5}
    trials = tuple(replace(t, metrics=scores) for t in example.trials)
    told = verdict.card(replace(loss, trials=trials)).note
    said = f"All scores of {loss.best.name} on the selection split: loss 2.5000 and rougeL 0.2500."
    assert said in told
    assert told.endswith(direction(loss))
    assert all_scores({"loss": 2.5}) == []
    assert "All scores" not in verdict.card(loss).note
