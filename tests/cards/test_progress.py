from dataclasses import replace

import pytest
from example_studies import running_study

from autopelt.cards.card import NothingToShow
from autopelt.cards.progress import card, last_gain, search_began, steps
from autopelt.cards.timeline import lead, summary, timeline


def test_hypervolume_never_falls_and_ends_at_the_studys_own(example):
    values = [s.value for s in steps(example)]
    assert values == sorted(values)
    assert values[-1] == pytest.approx(example.hypervolume())
    assert steps(example)[-1].front == len(example.front)


def test_trials_count_in_the_order_in_which_they_ended(example):
    found = steps(example)
    times = [s.seconds for s in found]
    assert times == sorted(times)
    assert [s.count for s in found] == list(range(1, len(example.complete) + 1))


def test_reference_points_count_as_trials_but_add_no_area(example):
    over = replace(example, trials=example.trials[1:3])
    assert [s.value for s in steps(over)] == [0.0, 0.0]


def test_the_gain_of_the_last_ten_is_relative(example):
    found = steps(example)
    assert last_gain(found) == pytest.approx(found[-1].value / found[-11].value - 1)
    assert last_gain(found[:5]) is None
    flat = [replace(s, value=1.0) for s in found]
    assert last_gain(flat) == 0


def test_the_search_begins_after_the_seed_architectures(example):
    assert search_began(steps(example)) == 12
    assert search_began(steps(example)[:5]) is None


def test_without_times_there_is_only_the_curve_over_trials(example):
    timeless = replace(
        example, trials=tuple(replace(t, started=None, finished=None) for t in example.trials)
    )
    assert [f.key for f in card(timeless).figures] == ["progress-trials"]
    with pytest.raises(NothingToShow):
        timeline(timeless)


def test_the_timeline_has_a_bar_for_every_trial_that_began(example):
    t = timeline(example)
    assert len(t.bars) == 32
    assert t.workers == ("worker-0", "worker-1")
    assert min(b.begin for b in t.bars) == 0
    assert t.wall == max(b.end for b in t.bars)
    assert 0 < t.use < 1


def test_phases_and_idle_time_add_up_to_the_workers_time(example):
    t = timeline(example)
    assert sum(s for _, s in t.phases) == pytest.approx(t.wall * 2, rel=0.01)
    assert t.phases[0][0] == "train"
    assert t.choosing == pytest.approx(sum(x.believed.get("seconds", 0) for x in example.trials))


def test_process_numbers_become_worker_numbers(example):
    trials = tuple(replace(t, worker=str(7000 + t.number % 2)) for t in example.trials)
    assert timeline(replace(example, trials=trials)).workers == ("worker 1", "worker 2")


def test_a_running_trial_lasts_until_now():
    t = timeline(running_study())
    running = [b for b in t.bars if b.trial.state == "running"]
    assert len(running) == 2
    assert all(b.end >= b.begin for b in running)


def test_the_time_card_says_what_was_saved(example):
    assert "saved" not in lead(timeline(example))
    kept = [
        replace(t, saved={"trunk": 30.0}, seconds={**t.seconds, "trunk": 5.0, "propose": 1.0})
        for t in example.trials
    ]
    study = replace(example, trials=tuple(kept))
    t = timeline(study)
    assert t.saved == 30.0 * len(kept)
    assert dict(t.phases)["propose"] == len(kept)
    assert "saved about" in lead(t)
    assert "choosing what to train next" in summary(study)
    assert "saved about" in summary(study)
    untimed = [replace(t, started=None) for t in (kept[0], example.trials[0])]
    assert untimed[0].took == pytest.approx(untimed[1].took + 5.0)


def test_the_pause_before_a_resumption_is_no_time_of_the_search(example):
    half = sorted(t.started for t in example.trials if t.started is not None)[16]
    ended = max(t.finished for t in example.trials if t.started < half and t.finished)
    shift = ended - half + 4000.0

    def resumed(t):
        later = t.started is not None and t.started >= half
        worker = str(len(t.worker) + int(t.worker[-1]) + 100 * later)
        if not later:
            return replace(t, worker=worker)
        finished = None if t.finished is None else t.finished + shift
        return replace(t, worker=worker, started=t.started + shift, finished=finished)

    study = replace(example, trials=tuple(resumed(t) for t in example.trials))
    t = timeline(study)
    assert t.workers == ("worker 1", "worker 2")
    assert t.wall == pytest.approx(timeline(example).wall, abs=90)
    assert max(s.seconds for s in steps(study)) <= t.wall
    same = tuple(replace(t, worker=str(int(t.worker) % 100)) for t in study.trials)
    assert timeline(replace(study, trials=same)).wall > 4000  # the workers were there, but idle
