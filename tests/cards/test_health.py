from dataclasses import replace

from example_studies import failed_study

from autopelt.cards import health
from autopelt.space.space import Row
from autopelt.study.noise import difference_error


def changed(record, **by_number):
    """The study with changes to single trials: t3={"score": 0.9}."""
    return replace(
        record,
        trials=tuple(replace(t, **by_number.get(f"t{t.number}", {})) for t in record.trials),
    )


def test_failures_are_counted_by_cause_with_a_cure(example):
    found = health.failures(example)
    assert found.level == "note"
    assert "1 × the loss became NaN" in found.words
    assert "learning rate" in found.advice
    assert health.failures(failed_study()).level == "warning"
    assert "batch size" in health.failures(failed_study()).advice


def test_no_failure_is_good(example):
    none = replace(example, trials=tuple(t for t in example.trials if t.state != "failed"))
    assert health.failures(none).level == "good"


def of_space(record, **values):
    space = record.config.space.model_copy(update=values)
    return replace(record, config=record.config.model_copy(update={"space": space}))


def test_a_learning_rate_at_an_end_of_what_is_offered_is_told(example):
    offered = of_space(example, learning_rate_multiplier=(0.25, 0.5, 1.0, 2.0, 4.0))
    assert health.rates(offered).level == "good"
    for end, words in (((0.1, 0.3, 1.0), "highest"), ((1.0, 3.0, 9.0), "lowest")):
        one = {
            f"t{t.number}": {"architecture": replace(t.architecture, learning_rate_multiplier=1.0)}
            for t in example.trials
        }
        found = health.rates(changed(of_space(example, learning_rate_multiplier=end), **one))
        assert found.level == "note"
        assert words in found.words
    assert health.rates(example) is None


def test_a_slow_but_steady_search_is_good(example):
    worse = {f"t{n}": {"score": 0.55} for n in range(18, 32) if n not in (15, 20)}
    settled = changed(example, **worse)
    member = settled.front[len(settled.front) // 2]
    worse["t31"] = {"count": member.count, "score": member.score + 0.006}
    assert health.stalled(changed(example, **worse)).level == "good"


def test_every_finding_but_the_good_ones_says_what_to_do(example):
    studies = [example, failed_study(), replace(example, metric="f1", limit=70_000)]
    found = [f for s in studies for f in health.findings(s)]
    assert {f.level for f in found} == {"good", "note", "warning"}
    assert [f.words for f in found if f.level != "good" and not f.advice] == []


def test_a_front_narrower_than_chance_is_a_warning(example):
    assert health.noise(example).level == "warning"
    many = replace(example, task=example.task.model_copy(update={"selection": 100_000}))
    assert health.noise(many).level == "good"
    assert "not known" in health.noise(replace(example, metric="f1")).words


def test_modules_that_do_not_help_are_a_warning(example):
    assert health.above_the_head(example).level == "good"
    assert health.above_the_head(changed(example, t0={"score": 0.67})).level == "warning"


def test_a_search_that_learned_nothing_is_a_warning(example):
    assert health.above_a_constant(example) is None  # an older study does not know
    learned = replace(example, confirmed=(), task=example.task.model_copy(update={"constant": 0.5}))
    assert health.above_a_constant(learned).level == "good"
    best = learned.best.score
    close = replace(learned, task=example.task.model_copy(update={"constant": best - 0.01}))
    assert health.above_a_constant(close).level == "warning"
    # Two standard errors above would do for one trial; the luckiest of many needs more.
    error = difference_error(learned, best, best)
    apart = replace(learned, task=example.task.model_copy(update={"constant": best - 2.2 * error}))
    assert health.above_a_constant(apart).level == "warning"
    one = replace(apart, trials=(learned.best,))
    assert health.above_a_constant(one).level == "good"


def test_a_used_up_budget_is_told(example):
    assert health.saturated(example).level == "good"
    assert health.saturated(replace(example, limit=70_000)).level == "note"


def test_largest_sizes_of_the_space_are_noticed(example):
    rows = [
        {"method": "lora", "location": ["attention.query", "attention.value"], "sizes": [0, 1]},
        {"method": "prefix", "location": "attention", "sizes": [0, 999]},
    ]
    found = health.bounds(of_space(example, modules=tuple(map(Row.model_validate, rows))))
    assert found.level == "note"
    assert "LoRA at attention.query (1)" in found.words
    assert "prefix" not in found.words
    rows[0]["sizes"] = [0, 64]
    fits = of_space(example, modules=tuple(map(Row.model_validate, rows)))
    assert health.bounds(fits).level == "good"
    assert health.bounds(of_space(example, modules=())) is None


def test_a_settled_search_is_told(example):
    worse = {f"t{n}": {"score": 0.55} for n in range(18, 32) if n not in (15, 20)}
    found = health.stalled(changed(example, **worse))
    assert "less than 0.5%" in found.words
    assert "--trials" in health.stalled(example).advice


def test_a_schedule_that_ends_too_early_is_told(example):
    rising = {f"t{n}": {"scores": (0.1, 0.2, 0.3)} for n in range(32)}
    assert health.schedule(changed(example, **rising)).level == "note"
    assert health.schedule(example).level == "good"


def test_equal_architectures_are_a_warning(example):
    assert health.duplicates(example).level == "good"
    twice = changed(example, t9={"architecture": example.trials[4].architecture})
    assert "trials 4 and 9" in health.duplicates(twice).words


def test_early_stopping_is_held_against_the_final_order(example):
    assert health.stopping(example).level == "good"
    turned = {f"t{t.number}": {"scores": (0.5, 1 - t.score, t.score)} for t in example.complete}
    assert health.stopping(changed(example, **turned)).level == "warning"
    assert "contradicts the final order: scores after epoch 2" in (
        health.stopping(changed(example, **turned)).words
    )
    assert health.stopping(replace(example, trials=example.trials[:12])) is None


def test_the_rung_that_foretells_least_is_the_one_told(example):
    stopped = {"state": "stopped", "score": None, "scores": (0.6,)}
    first = {f"t{t.number}": {"scores": (1 - t.score, *t.scores[1:])} for t in example.complete}
    both = changed(changed(example, **first), t25=stopped)
    assert "after epoch 1" in health.stopping(both).words
    assert health.stopping(both).level == "warning"


def test_a_useless_surrogate_is_a_warning(example):
    off = {f"t{t.number}": {"believed": {"mean": 0.1, "sd": 0.01}} for t in example.complete}
    assert health.surrogate(changed(example, **off)).level == "warning"
    assert health.surrogate(example).level == "good"


def test_a_better_reference_point_is_told(example):
    assert "unipelt, over the budget" in health.reference(example).words
    lower = {"t1": {"score": 0.6}, "t2": {"score": 0.6}, "t8": {"score": 0.6}}
    assert health.reference(changed(example, **lower)).level == "good"


def test_warnings_come_first_and_the_lead_counts_them(example):
    levels = [f.level for f in health.findings(example)]
    assert levels == sorted(levels, key=["warning", "note", "good"].index)
    assert health.card(example).lead.startswith(f"{levels.count('warning')} thing")
