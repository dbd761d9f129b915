"""What a study answers: at the budget, the smallest that is as good, what the front gains."""

import math
from dataclasses import replace

import numpy as np
import pytest
from example_studies import running_study, study
from small_record import STUDY, trial

from autopelt.statistics.paired import LIKELY
from autopelt.study.answer import SURE, Gap, answer, gap, told_apart
from autopelt.study.confirmation import FOUND, SEED, Confirmation
from autopelt.study.ledger import Training
from autopelt.study.noise import gap_error, selection_error
from autopelt.study.record import Belief, StudyRecord


def believed(record: StudyRecord, **beliefs: tuple[float, float]) -> StudyRecord:
    """With beliefs (mean, sd) of trials, given as t1=(0.8, 0.01)."""
    trials = {f"t{t.number}": t for t in record.trials}
    known = {
        trials[name].architecture.id: Belief(mean, sd, 1.0, 1)
        for name, (mean, sd) in beliefs.items()
    }
    return replace(record, beliefs=known)


def confirmed(record: StudyRecord, **scores: float) -> StudyRecord:
    """With confirmations by 5 random seeds round a score, of trials given as t1=0.8."""
    wobble = (-0.002, -0.001, 0.0, 0.001, 0.002)
    trials = {f"t{t.number}": t for t in record.trials}

    def training(seed: int, score: float) -> Training:
        without = tuple(score + 0.0005 * math.sin(g + seed) for g in range(10))
        return Training(seed, score, selection=score, without=without)

    return replace(
        record,
        confirmed=tuple(
            Confirmation(
                trials[name].number,
                SEED if trials[name].label else FOUND,
                None,
                tuple(training(k, mean + w) for k, w in enumerate(wobble)),
            )
            for name, mean in scores.items()
        ),
    )


THREE = replace(
    STUDY,
    trials=(
        trial(0, 8, 0.80, label="lora-r8"),
        trial(1, 2, 0.80),
        trial(2, 4, 0.80, label="lora-r4"),
        trial(3, 6, 0.70),
    ),
)


@pytest.mark.parametrize(
    ("mean", "error", "chance"), [(0.0, 0.1, 0.5), (0.1, 0.1, 0.841), (0.1, 0.0, 1.0)]
)
def test_the_chance_of_a_gap_is_the_normal_one(mean: float, error: float, chance: float) -> None:
    assert Gap(mean, error).chance() == pytest.approx(chance, abs=1e-3)
    assert Gap(mean, error).chance(mean - 10) == 1


def test_a_gap_without_an_error_claims_nothing() -> None:
    assert math.isnan(Gap(0.1, None).chance())
    assert Gap(0.1, None).interval is None


def test_at_the_budget_the_best_found_is_held_against_the_best_by_hand() -> None:
    a = answer(believed(THREE, t0=(0.80, 0.01), t1=(0.83, 0.01), t2=(0.78, 0.01), t3=(0.7, 0.01)))
    assert a is not None
    assert a.found is not None
    assert a.hand is not None
    assert (a.found.number, a.hand.number) == (1, 0)
    assert a.gain is not None
    assert a.gain.mean == pytest.approx(0.03)
    assert LIKELY < a.gain.chance() < SURE + 0.02
    assert a.proposed == 2
    assert a.tried == 4


def test_the_smallest_is_the_cheapest_within_the_margin_and_by_hand_apart() -> None:
    record = believed(THREE, t0=(0.81, 0.01), t1=(0.80, 0.01), t2=(0.805, 0.01), t3=(0.7, 0.01))
    a = answer(record)
    assert a is not None
    assert a.margin == pytest.approx(selection_error(record, THREE.trials[0]))
    (small,) = a.smallest
    assert small.trial.number == 1  # 200 parameters
    assert small.hand is not None
    assert small.hand.number == 2  # 400
    strict = replace(record, config=record.config.model_copy(update={"margin": 0.001}))
    a = answer(strict)
    assert a is not None
    assert a.smallest[0].trial.number == 0


def test_of_equals_in_cost_the_smallest_is_the_best_itself() -> None:
    """Another with as many parameters was named, and confirmed beside the best."""
    high, own = trial(0, 4, 0.80), trial(1, 4, 0.80)
    high = replace(high, architecture=replace(own.architecture, learning_rate_multiplier=8.0))
    made = replace(STUDY, trials=(high, own, trial(2, 6, 0.70, label="lora-r6")))
    a = answer(believed(made, t0=(0.801, 0.02), t1=(0.80, 0.02), t2=(0.70, 0.02)))
    assert a is not None
    assert a.best.number == 1
    assert a.smallest[0].trial.number == 1
    assert a.smallest[0].gap is None


def test_of_a_loss_the_margin_is_of_differences() -> None:
    """Hard examples, the same for all, make the scores uncertain, and not which is better."""
    hard = tuple(-2 + 0.05 * math.sin(7 * g) for g in range(40))
    trials = tuple(
        replace(
            t,
            without=tuple(
                w - 0.1 * t.number + 0.002 * math.cos(g * t.number) for g, w in enumerate(hard)
            ),
        )
        for t in THREE.trials
    )
    record = replace(THREE, trials=trials, metric="negative loss")
    record = believed(record, t0=(-2.0, 0.01), t1=(-2.1, 0.01), t2=(-2.2, 0.01), t3=(-2.3, 0.01))
    a = answer(record)
    assert a is not None
    own = selection_error(record, trials[0])
    assert own is not None
    assert a.margin is not None
    assert own > 0.2  # all would be as good
    assert 0.005 < a.margin < 0.05
    assert a.smallest[0].trial.number == 0
    a = answer(replace(record, metric="r2"))
    assert a is not None
    assert a.margin == own


def test_confirmed_scores_speak_instead_of_beliefs() -> None:
    """Beliefs say that trial 1 is best; fresh random seeds on the report split say otherwise."""
    record = believed(THREE, t0=(0.80, 0.001), t1=(0.9, 0.001), t2=(0.80, 0.001), t3=(0.7, 0.01))
    a = answer(confirmed(record, t0=0.80, t1=0.79))
    assert a is not None
    assert a.gain is not None
    assert a.gain.seeds == 5
    assert a.gain.mean == pytest.approx(-0.01)
    assert a.gain.chance() < 1 - SURE
    # Not lower than the best by the margin of 0.028, surely: non-inferior.
    assert a.smallest[0].trial.number == 1


def test_what_is_not_surely_as_good_when_confirmed_is_not_called_so() -> None:
    record = replace(THREE, config=THREE.config.model_copy(update={"margin": 0.005}))
    a = answer(confirmed(record, t0=0.80, t1=0.79))
    assert a is not None
    assert a.smallest[0].trial.number == 0
    assert a.smallest[0].gap is None


def test_the_front_gains_where_found_members_are_above_smaller_ones_by_hand() -> None:
    record = believed(THREE, t0=(0.80, 0.01), t1=(0.80, 0.01), t2=(0.80, 0.01), t3=(0.86, 0.01))
    a = answer(record)
    assert a is not None
    front = a.front
    assert (front.members, front.found) == (2, 2)
    # Nothing by hand is as small as trial 1; trial 3 is above lora-r4.
    assert [(t.number, g is None) for t, g in front.above] == [(1, True), (3, False)]
    assert front.volume > front.by_hand


def test_members_of_the_front_within_the_noise_of_a_smaller_one_are_no_choice() -> None:
    near = believed(THREE, t0=(0.803, 0.01), t1=(0.80, 0.01), t2=(0.801, 0.01), t3=(0.802, 0.01))
    assert len(near.front) == 4
    assert [t.number for t in told_apart(near)] == [1]
    far = believed(THREE, t0=(0.90, 0.01), t1=(0.80, 0.01), t2=(0.801, 0.01), t3=(0.802, 0.01))
    assert [t.number for t in told_apart(far)] == [1, 0]


def test_without_proposals_or_hand_made_ones_there_is_no_gain() -> None:
    running = answer(running_study())
    assert running is not None
    assert running.found is None
    assert running.gain is None
    record = study()
    alone = answer(replace(record, trials=tuple(replace(t, label="") for t in record.trials)))
    assert alone is not None
    assert alone.hand is None
    assert alone.gain is None
    assert answer(replace(record, trials=())) is None


def test_examples_that_both_were_scored_on_make_the_gap_surer_than_two_errors() -> None:
    """Scores that move together over the examples differ by less than each alone."""
    rng = np.random.default_rng(0)
    common = 0.8 + 0.01 * rng.standard_normal(40)
    first, second = (
        replace(t, without=tuple(common + 0.001 * rng.standard_normal(40)))
        for t in THREE.trials[:2]
    )
    record = believed(replace(THREE, trials=(first, second)), t0=(0.80, 0.001), t1=(0.80, 0.001))
    alone = selection_error(record, first)
    assert alone is not None
    together = gap_error(record, first, second)
    assert together is not None
    assert together < alone / 2
    assert gap(record, first, second).error == together


def test_the_error_over_the_examples_is_the_binomial_one_for_a_share() -> None:
    """The jackknife of a mean is its standard error (here to the randomness of the groups)."""
    right = np.random.default_rng(1).random(400) < 0.8
    groups = np.arange(400) % 40
    without = tuple(float(right[groups != g].mean()) for g in range(40))
    one = replace(THREE.trials[0], score=float(right.mean()), without=without)
    record = replace(THREE, trials=(one,), task=THREE.task.model_copy(update={"selection": 400}))
    assert selection_error(record, one) == pytest.approx(math.sqrt(0.8 * 0.2 / 400), rel=0.25)
