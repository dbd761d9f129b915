from dataclasses import replace

import pytest

from autopelt.cards.card import NothingToShow
from autopelt.cards.parallel_coordinates import card, parallel


def test_lines_are_trials_within_the_budget_that_train_modules(example):
    p = parallel(example)
    assert all(example.feasible(t) and t.architecture.modules for t in p.trials)
    assert len(p.trials) == sum(
        example.feasible(t) and bool(t.architecture.modules) for t in example.complete
    )


def test_places_lie_between_zero_and_one_and_keep_the_order(example):
    for a in parallel(example).axes:
        assert (min(a.places), max(a.places)) == (0, 1)
        by_value = sorted(range(len(a.values)), key=lambda i: a.values[i])
        assert [a.places[i] for i in by_value] == sorted(a.places)


def test_the_last_axes_are_size_and_score(example):
    assert [a.words for a in parallel(example).axes[-2:]] == ["share of backbone", "accuracy"]


def test_an_axis_without_choice_is_left_out(example):
    same = replace(
        example,
        trials=tuple(
            replace(t, architecture=replace(t.architecture, learning_rate_multiplier=1.0))
            for t in example.trials
        ),
    )
    assert "learning rate ×" in [a.words for a in parallel(example).axes]
    assert "learning rate ×" not in [a.words for a in parallel(same).axes]


def test_the_best_quarter_is_marked(example):
    p = parallel(example)
    worst = min(t.score for t in p.trials if t.number in p.top)
    assert all(t.score <= worst for t in p.trials if t.number not in p.top)
    assert len(p.top) == -(-len(p.trials) // 4)


def test_too_few_trials_say_so(example):
    with pytest.raises(NothingToShow, match="needs 3"):
        parallel(replace(example, trials=example.trials[:4]))
    assert card(replace(example, trials=example.trials[:8])).figures
