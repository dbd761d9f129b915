"""A study's history as the model reads it: what teaches, what waits, what is never read again."""

import math

import optuna
from closed_form import FOUR, bound, score_of, study_of
from optuna.trial import TrialState

from autopelt.architecture.architecture import Architecture
from autopelt.samplers import make_sampler, suggest
from autopelt.samplers.history import History, Reader

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
