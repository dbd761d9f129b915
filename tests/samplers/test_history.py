"""A study's history as the model reads it: what teaches, what waits, what is never read again."""

import math
from itertools import pairwise

import optuna
import pytest
from closed_form import FOUR, bound, score_of, study_of
from optuna.trial import TrialState

from autopelt.architecture.architecture import Architecture
from autopelt.samplers import history as histories
from autopelt.samplers import make_sampler, suggest
from autopelt.samplers.history import History, Observation, Reader, thinned

SPACE = bound("tiny", 4, 96)


def asked(study: optuna.Study) -> tuple[optuna.Trial, Architecture]:
    trial = study.ask()
    architecture = suggest(trial, SPACE)
    trial.set_user_attr("architecture", architecture.to_json())
    trial.set_user_attr("origin", "start")
    return trial, architecture


def told(study: optuna.Study, score: float | None = None) -> Architecture:
    trial, architecture = asked(study)
    value = score_of(architecture) if score is None else score
    study.tell(trial, [value, SPACE.counter.count(architecture).deployed])
    return architecture


def new_study() -> optuna.Study:
    return study_of(make_sampler("random", SPACE, 0))


def test_scores_teach_running_ones_wait_failed_ones_are_only_seen() -> None:
    study = new_study()
    first = told(study)
    failed, _ = asked(study)
    study.tell(failed, state=TrialState.FAIL)
    _, waiting = asked(study)
    history = Reader(SPACE).read(study.trials, asking=99)
    assert [(o.architecture, o.score) for o in history.observed] == [(first, score_of(first))]
    assert [o.architecture for o in history.pending] == [waiting]
    assert math.isnan(history.pending[0].score)
    assert len(history.seen) == 3
    assert history.started == 3


def test_the_trial_that_asks_is_not_in_its_own_history() -> None:
    study = new_study()
    told(study)
    _, mine = asked(study)
    history = Reader(SPACE).read(study.trials, asking=1)
    assert mine not in [o.architecture for o in history.pending]
    assert len(history.seen) == 1


def test_full_fine_tuning_teaches_nothing() -> None:
    study = new_study()
    trial = study.ask()
    trial.set_user_attr("architecture", Architecture(full=True).to_json())
    study.tell(trial, [0.9, 1000])
    assert Reader(SPACE).read(study.trials, asking=99).observed == []


def test_what_has_ended_keeps_its_place_when_more_ends() -> None:
    """The model fits on the first k observations, so these must never change."""
    study, reader = new_study(), Reader(SPACE)
    late, _ = asked(study)
    for _ in range(4):
        told(study)
    before = reader.read(study.trials, asking=99).observed
    study.tell(late, [0.1, 100])
    after = reader.read(study.trials, asking=99).observed
    assert after[: len(before)] == before
    assert after[-1].number == late.number
    assert Reader(SPACE).read(study.trials, asking=99) == reader.read(study.trials, asking=99)


def test_a_space_filling_start_ends_where_the_model_has_begun() -> None:
    assert History(started=1).begins(2)
    assert not History(started=2).begins(2)
    assert not History(started=0, modelled=True).begins(2)


def test_another_space_has_other_points_for_the_same_architectures() -> None:
    study = new_study()
    told(study)
    observed = Reader(SPACE).read(study.trials, asking=99).observed
    assert observed[0].vector is not None
    assert SPACE.decode(observed[0].vector) == observed[0].architecture
    assert bound(FOUR, 4, 96).dimensions != SPACE.dimensions


def test_of_very_many_trials_the_best_stay_and_the_others_evenly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(histories, "MOST_KNOWN", 10)
    scores = [0.1 * (7 * n % 30) for n in range(30)]
    many = [Observation(n, Architecture(), 0, None, score) for n, score in enumerate(scores)]
    kept = thinned(many)
    assert [o.number for o in kept] == sorted(o.number for o in kept)
    assert len({o.number for o in kept}) == 10
    assert {o.score for o in kept} >= set(sorted(scores)[-5:])
    others = [o.number for o in kept if o.score < sorted(scores)[-5]]
    assert max(b - a for a, b in pairwise(others)) <= 8
    assert thinned(many[:10]) == many[:10]
