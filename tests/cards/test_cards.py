from dataclasses import replace

import pytest
from example_studies import study

from autopelt.cards import learning_curves, protocol, trials_table
from autopelt.cards import next_steps as reproduce
from autopelt.cards.card import Kind, make_card
from autopelt.study.facts import BackboneFacts, TaskFacts


def test_a_failing_card_becomes_a_card_that_says_why(example):
    def broken(record):
        raise ZeroDivisionError("division\nby zero")

    card = make_card(Kind("x", "Broken", broken), example)
    assert card.missing
    assert card.title == "Broken"
    assert "ZeroDivisionError: division by zero" in card.lead


def test_the_protocol_has_splits_sizes_budget_seed_versions_and_command(example):
    p = protocol.protocol(example)
    assert p.splits == (("train", 2213), ("selection", 277), ("report", 277))
    assert p.random_seed == 0
    assert dict(p.settings) == {
        "epochs": "5", "batch_size": "16", "max_length": "128", "learning_rate_factor": "1.0",
    }  # fmt: skip
    assert dict(p.everything)["version.torch"] == "2.13.0"
    card = protocol.card(example)
    assert card.commands[0].line == example.command
    assert "the search never looked at the 277 of the report split" in card.lead
    assert {f.name: f.value for f in card.facts}["Task head"] == "770"


def test_a_protocol_of_an_almost_empty_record_still_stands(example):
    bare = replace(
        example, task=TaskFacts(), backbone=BackboneFacts(), versions={}, trials=(), command=""
    )
    assert protocol.card(bare).facts


def test_curves_have_one_line_a_trial_with_front_members_on_top(example):
    found = learning_curves.curves(example)
    assert len(found) == sum(1 for t in example.trials if t.scores)
    assert [c.on_front for c in found] == sorted(c.on_front for c in found)
    assert {c.trial.number for c in found if c.on_front} == {t.number for t in example.front}


def test_a_best_last_epoch_counts_as_still_rising(example):
    trial = replace(example.trials[3], scores=(0.1, 0.2, 0.3))
    fallen = replace(example.trials[4], scores=(0.1, 0.3, 0.2))
    record = replace(example, trials=(trial, fallen))
    assert learning_curves.still_rising(record) == (1, 2)
    rising = replace(example, trials=(trial,))
    assert "longer schedule" in learning_curves.card(rising).lead


def test_rungs_and_what_stopping_saved_are_told(example):
    card = learning_curves.card(example)
    assert [s["x0"] for s in card.figures[0].layout["shapes"]] == [1, 2, 4]
    assert ("dash", "var(--muted)", "rung") in card.figures[0].legend
    assert card.lead.endswith("Early stopping stopped 1 trial and saved 3 of 155 epochs (2%).")
    assert "(1 here)" in card.note
    off = replace(
        example,
        config=example.config.model_copy(update={"early_stopping": False}),
        trials=tuple(t for t in example.trials if t.state != "stopped"),
    )
    card = learning_curves.card(off)
    assert "shapes" not in card.figures[0].layout
    assert "Early stopping" not in card.lead


def test_early_stopped_and_failed_curves_end_in_their_own_symbols(example):
    figure = learning_curves.card(example).figures[0]
    by_trial = {t["meta"]["trial"]: t for t in figure.data}
    assert by_trial[15]["marker"]["symbol"] == "x"
    assert by_trial[20]["marker"]["symbol"] == "square"
    assert "marker" not in by_trial[3]


def test_the_table_has_every_trial_and_the_reason_of_failed_ones(example):
    card = trials_table.card(example)
    assert [r.trial for r in card.table.rows] == list(range(32))
    failed = card.table.rows[15]
    assert failed.state == "failed"
    assert any("the loss became NaN" in c.text for c in failed.cells)
    assert dict(card.table.filters) == {"complete": 30, "failed": 1, "stopped": 1}


def test_the_commands_name_the_study(example):
    lines = [c.line for c in reproduce.commands(replace(example, name="a"))]
    assert lines[0] == "autopelt confirm reports/a"
    assert lines[1] == "autopelt train reports/a"
    assert lines[2] == "autopelt train reports/a:21"  # smaller, and as good
    assert lines[3] == "autopelt export reports/a --to autopelt --out reports/a-export"
    assert lines[-1] == example.command


def test_a_study_name_with_spaces_is_quoted():
    lines = [c.line for c in reproduce.commands(study(name="my study"))]
    assert lines[0] == "autopelt confirm 'reports/my study'"
    assert lines[1] == "autopelt train 'reports/my study'"


@pytest.mark.parametrize(
    ("command", "folder"),
    [
        ("autopelt search --task rte --out studies/a", "studies/a"),
        ("autopelt search --task rte --out=studies/a", "studies/a"),
        ("autopelt search --task rte --out studies/other", "reports/a"),
        ("autopelt search --task 'rte", "reports/a"),
        ("", "reports/a"),
    ],
)
def test_commands_name_the_folder_that_the_user_named(command, folder):
    assert reproduce.study_folder(replace(study(name="a"), command=command)) == folder


def test_without_a_result_only_the_search_can_be_repeated(example):
    record = replace(example, trials=())
    assert [c.line for c in reproduce.commands(record)] == [example.command]
    assert "no architecture to train yet" in reproduce.card(record).lead


@pytest.mark.parametrize("trials", [0, 1, 2, 12])
def test_cards_of_any_number_of_trials_have_a_lead(trials):
    record = replace(study(), trials=study().trials[:trials])
    for module in (protocol, reproduce):
        assert module.card(record).lead
