"""The rule: what can still join the front is trained to the end, whatever its score."""

import numpy as np
import pytest
from closed_form import bound, point_of, study_of
from optuna.trial import TrialState, create_trial

from autopelt.samplers import EarlyStopping, PELTSampler, distributions, params_of
from autopelt.samplers.early_stopping import Curve, of_similar_size, reason_to_stop

LIMIT = 100_000


def curve(parameters: int, final: float, complete: bool = True, gain: float = 0.1) -> Curve:
    """A curve of three epochs that gains the same from each to the next."""
    scores = (final - 2 * gain, final - gain, final)
    return Curve(parameters, scores if complete else scores[:1], complete)


FRONT = [curve(1_000 * 2**i, 0.6 + 0.05 * i) for i in range(6)]
BEHIND = [curve(1_000 * 2**i, 0.49 + 0.05 * i, gain=0.12) for i in range(6)]
BELOW = [curve(1_000 * 2**i, 0.34 + 0.05 * i, gain=0.07) for i in range(6)]
ALL = [*FRONT, *BEHIND, *BELOW]


def decide(
    trial: Curve,
    others: list[Curve],
    belief: tuple[float, float] = (0.6, 0.05),
    single: bool = False,
) -> str:
    return reason_to_stop(
        trial, others, limit=LIMIT, reference_score=0.3, single=single, prediction=lambda: belief
    )


def test_a_trial_that_is_behind_its_size_is_stopped_with_a_sentence() -> None:
    reason = decide(Curve(8_100, (0.35,)), ALL, (0.55, 0.03))
    assert reason.startswith("after epoch 1 its score 0.35 was behind the leading trials")
    assert "\n" not in reason


def test_a_small_trial_with_the_lowest_score_of_all_goes_on() -> None:
    """Below every score that a larger trial had, but nothing as small is better."""
    lowest = min(c.scores[0] for c in FRONT[1:])
    assert lowest > 0.4
    assert decide(Curve(1_000, (0.41,)), FRONT + BEHIND[2:] + BELOW[3:], (0.6, 0.05)) == ""
    assert decide(Curve(500, (0.2,)), ALL, (0.45, 0.05)) == ""


def test_what_the_surrogate_believes_in_goes_on() -> None:
    trial = Curve(8_100, (0.36,))
    assert decide(trial, ALL, (0.55, 0.03))
    assert decide(trial, ALL, (0.90, 0.03)) == ""


def test_above_the_median_of_its_size_it_goes_on_whatever_the_surrogate_believes() -> None:
    assert decide(Curve(8_100, (0.5,)), ALL, (0.1, 0.001)) == ""


def test_a_score_on_the_front_already_goes_on() -> None:
    assert decide(Curve(8_100, (0.9,)), ALL, (0.1, 0.001)) == ""


def test_nothing_is_stopped_before_enough_is_known() -> None:
    trial = Curve(8_100, (0.35,))
    assert decide(trial, ALL[:7], (0.4, 0.01)) == ""
    unlike = Curve(8_100, (-5.0,))
    assert decide(unlike, ALL, (0.4, 0.01)) == ""  # nobody knows what becomes of such curves


def test_late_bloomers_among_the_complete_keep_a_plateau_alive() -> None:
    """All began at chance; a third jumped. A trial at chance is not stopped."""
    jumped = [Curve(9_000 + i, (0.5, 0.95, 0.96), True) for i in range(4)]
    stayed = [Curve(9_000 + i, (0.5 + 0.001 * i, 0.5, 0.52), True) for i in range(8)]
    trial = Curve(9_100, (0.5,))
    assert decide(trial, jumped + stayed, (0.75, 0.3)) == ""
    assert decide(Curve(9_100, (0.499,)), jumped + stayed, (0.75, 0.3)) == ""
    assert decide(Curve(9_100, (0.499,)), [curve(8_000, 0.96), *stayed], (0.6, 0.1))


def test_with_one_objective_size_does_not_matter() -> None:
    small = Curve(500, (0.2,))
    others = [*ALL, curve(900, 0.41), curve(950, 0.4), curve(960, 0.42)]
    assert decide(small, others, (0.45, 0.05)) == ""
    assert decide(small, others, (0.45, 0.05), single=True)


def test_the_band_widens_until_it_holds_enough() -> None:
    far = [curve(10**i, 0.5) for i in range(1, 7)]
    nearest = of_similar_size(Curve(10, (0.5,)), far, False)
    assert [c.parameters for c in nearest] == [10**i for i in range(1, 6)]
    near = [curve(1000 + i, 0.5) for i in range(9)]
    assert len(of_similar_size(Curve(1000, (0.5,)), near + far, False)) == 10


def test_on_a_study_it_stops_the_hopeless_and_spares_seed_architectures() -> None:
    space = bound("pelt")
    study = study_of(PELTSampler(space, random_seed=0))
    known = distributions(space)
    rng = np.random.default_rng(3)
    for n in range(28):
        vector = point_of(space, rng)
        params = params_of(vector, space)
        running = n >= 26
        final = 0.5 + 0.06 * np.log10(space.cost(vector)) - 0.1 * (n % 3)
        scores = [final - 0.1] if running else [final - 0.1, final - 0.02, final]
        study.add_trial(
            create_trial(
                state=TrialState.RUNNING if running else TrialState.COMPLETE,
                values=None if running else [max(scores), space.cost(vector)],
                params=params,
                distributions={k: known[k] for k in params},
                user_attrs={
                    "architecture": space.decode(vector).to_json(),
                    "scores": scores,
                    "origin": "seed" if n == 27 else "model",
                },
            )
        )
    rule = EarlyStopping(space, epochs=3, single=False)
    trials = study.get_trials()
    assert "leading" in rule.reason(trials, 26)
    assert rule.reason(trials, 27) == ""
    for origin in ("repeat", "warm"):  # trained again for its score, and not to be left half done
        trials[26].user_attrs["origin"] = origin
        assert rule.reason(trials, 26) == ""
    trials[26].user_attrs["origin"] = "model"
    trials[26].user_attrs["scores"] = []
    assert rule.reason(trials, 26) == ""
    assert EarlyStopping(space, epochs=1, single=False).rungs == ()


@pytest.mark.parametrize("objectives", [1, 2])
def test_optuna_takes_a_pruned_trial_without_a_value(objectives: int) -> None:
    """It refuses `trial.report` where there are two objectives."""
    space = bound("tiny")
    study = study_of(PELTSampler(space, random_seed=0), objectives)
    trial = study.ask(distributions(space))
    study.tell(trial.number, state=TrialState.PRUNED)
    assert study.trials[0].state == TrialState.PRUNED
    assert study.trials[0].values is None
