"""Trainings again: worth what they may change, for the best architecture and for the front."""

from dataclasses import replace

import numpy as np
import pytest
from closed_form import bound
from scipy.stats import norm

from autopelt.architecture.architecture import Architecture
from autopelt.methods.module import Module
from autopelt.samplers import PELTSampler
from autopelt.samplers.features import Features
from autopelt.samplers.history import History, Observation
from autopelt.samplers.model import Model
from autopelt.samplers.repeats import best_of, front_of_size, knowledge_gradient
from autopelt.space.points import sample_feasible, unique_points


def test_of_two_independent_ones_it_is_the_known_formula() -> None:
    """KG of i among independent beliefs: s f(-d / s), f(z) = z Phi(z) + phi(z)."""
    means, covariance, noise = np.array([0.5, 0.48]), np.diag([0.02**2, 0.03**2]), 0.01
    found = knowledge_gradient(means, covariance, noise, best_of)
    for i, variance in enumerate(covariance.diagonal()):
        s = variance / np.sqrt(variance + noise**2)
        z = -0.02 / s
        wanted = s * (z * norm.cdf(z) + norm.pdf(z))
        assert found[i] == pytest.approx(wanted, rel=0.25)


def test_what_cannot_become_the_best_is_worth_nothing() -> None:
    means, covariance = np.array([0.9, 0.5, 0.89]), np.diag([1e-4, 1e-4, 1e-3])
    found = knowledge_gradient(means, covariance, 0.01, best_of)
    assert found[1] == pytest.approx(0.0, abs=1e-9)
    assert found.argmax() == 2


def test_for_the_front_a_small_architecture_counts_at_its_size() -> None:
    means, covariance = np.array([0.9, 0.5]), np.diag([1e-6, 1e-2])
    worth = front_of_size([100_000, 1_000], 200_000, 0.4)
    assert knowledge_gradient(means, covariance, 0.01, best_of)[1] < 1e-5
    gains = knowledge_gradient(means, covariance, 0.01, worth)
    assert gains[1] > 0.01
    assert gains[0] < 1e-5


def test_where_nothing_may_change_no_training_goes_to_what_hardly_learns() -> None:
    """The smallest on the front stood on the fewest trainings, and nobody would choose it."""
    space = bound("tiny", 6, 384)
    points = unique_points(sample_feasible(space, np.random.default_rng(0), 30)).tolist()
    small, large = min(points, key=space.cost), max(points, key=space.cost)
    scored = [(large, 0.7 + 0.001 * (n % 2)) for n in range(8)] + [(small, 0.12)] * 2
    observed = [
        Observation(n, space.decode(p), space.cost(p), tuple(p), score)
        for n, (p, score) in enumerate(scored)
    ]
    observed.append(Observation(99, Architecture(), 0, None, 0.1))
    found = Model(space, Features(space)).contender(History(observed=observed), single=False)
    assert found is not None
    assert found.vector == tuple(large)


def test_the_contender_is_known_within_the_budget_and_not_hopeless() -> None:
    space = bound("tiny", 6, 384)
    rng = np.random.default_rng(0)
    points = unique_points(sample_feasible(space, rng, 30)).tolist()
    observed = [
        Observation(
            n, a := space.decode(p), space.cost(p), tuple(p),
            0.1 * np.log10(space.cost(p)) + rng.normal(0, 0.01) - 0.3 * (a.modules[0].size < 9),
        )
        for n, p in enumerate(points)
    ]  # fmt: skip
    model = Model(space, Features(space))
    found = model.contender(History(observed=observed), single=True)
    assert found is not None
    scores = sorted(o.score for o in observed)
    assert found.score >= scores[len(scores) // 2]
    alone = [Observation(31, Architecture(), 0, None, 0.2)]
    found = model.contender(History(observed=[*observed, *alone]), single=False)
    assert found is not None
    assert found.architecture.modules
    stopped = replace(observed[0], number=40, score=2.0, variance=0.01)
    stopped = replace(stopped, architecture=Architecture((Module("lora", "ffn.in", 0, 3),)))
    found = model.contender(History(observed=[*observed, stopped]), single=True)
    assert found is not None
    assert found.architecture != stopped.architecture
    only = [replace(o, architecture=Architecture(), parameters=0) for o in observed]
    assert model.contender(History(observed=only), single=False) is None
    found = model.contender(History(observed=observed), single=True)
    slow = [replace(o, limited=(1.1 if o is not found else 1.3,)) for o in observed]
    limited = Model(space, Features(space), limits=(1.2,))
    other = limited.contender(History(observed=slow), single=True)
    assert found is not None
    assert other is not None
    assert other.architecture != found.architecture
    over = [Observation(o.number, o.architecture, space.limit + 1, None, o.score) for o in observed]
    assert model.contender(History(observed=over), single=True) is None


def test_proposals_ask_two_questions_in_turn() -> None:
    space = bound("tiny", 6, 384)
    asked = {
        share: sum(
            PELTSampler(space, random_seed=0, share=share).asks_for_the_best(n) for n in range(20)
        )
        for share in (0.0, 0.3, 0.5, 1.0)
    }
    assert asked == {0.0: 0, 0.3: 6, 0.5: 10, 1.0: 20}


def test_where_no_training_can_change_the_choice_the_choice_itself_is_trained() -> None:
    """One is far above all others: what is told of it should stand on more than one training."""
    space = bound("tiny", 6, 384)
    rng = np.random.default_rng(0)
    points = unique_points(sample_feasible(space, rng, 20)).tolist()
    observed = [
        Observation(
            n, space.decode(p), space.cost(p), tuple(p),
            0.9 if n == 7 else 0.5 + rng.normal(0, 0.002),
        )
        for n, p in enumerate(points)
    ]  # fmt: skip
    model = Model(space, Features(space))
    found = model.contender(History(observed=observed), single=True)
    assert found is not None
    assert found.number == 7
