"""Measured costs, learned: sums over modules are foretold, points and architectures agree."""

import numpy as np
import pytest
from closed_form import bound, latency_of, memory_of

from autopelt.samplers.cost_model import CostModel, WithinLimits
from autopelt.samplers.features import Features
from autopelt.samplers.history import Observation
from autopelt.space.points import sample_feasible


@pytest.mark.parametrize("name", ["pelt", "tiny", "lora"])
def test_sums_over_modules_are_foretold(name: str) -> None:
    space = bound(name)
    points = sample_feasible(space, np.random.default_rng(0), 90)
    made = [space.decode(p) for p in points.tolist()]
    rng = np.random.default_rng(1)
    observed = [
        Observation(
            n, a, space.counter.count(a).deployed, None, 0.5,
            costs=(latency_of(a) + float(rng.normal(0, 0.005)), memory_of(a)),
        )
        for n, a in enumerate(made)
    ]  # fmt: skip
    features = Features(space)
    model = CostModel(features, observed[:50])
    assert np.allclose(model.of(points), model.of(observed))
    truth = np.array([(latency_of(a), memory_of(a)) for a in made[50:]])
    error = np.sqrt(((model.of(points[50:]) - truth) ** 2).mean(axis=0))
    assert (error < 0.35 * truth.std(axis=0) + 1e-2).all()


def test_what_training_changes_grows_with_the_rate() -> None:
    space = bound("pelt")
    points = sample_feasible(space, np.random.default_rng(0), 90)
    made = [space.decode(p) for p in points.tolist()]
    drift = [0.001 * memory_of(a) + 0.2 * np.log2(a.learning_rate_multiplier) for a in made]
    observed = [
        Observation(n, a, space.counter.count(a).deployed, None, 0.5, costs=(cost,))
        for n, (a, cost) in enumerate(zip(made, drift, strict=True))
    ]
    model = CostModel(Features(space), observed[:50])
    error = model.of(points[50:])[:, 0] - drift[50:]
    assert np.sqrt((error**2).mean()) < 0.35 * np.std(drift)


def test_chances_to_keep_within_limits() -> None:
    space = bound("pelt")
    points = sample_feasible(space, np.random.default_rng(0), 200)
    made = [space.decode(p) for p in points.tolist()]
    rng = np.random.default_rng(1)
    truth = np.array([latency_of(a) for a in made])
    observed = [
        Observation(
            n, a, space.counter.count(a).deployed, None, 0.5,
            limited=(truth[n] + float(rng.normal(0, 0.005)), 100.0),
        )
        for n, a in enumerate(made[:80])
    ]  # fmt: skip
    most, features = float(np.median(truth)), Features(space)
    chance = WithinLimits(features, observed, (most, 100.0)).chance(points)
    far = np.abs(truth - most) > 0.1
    assert (chance[far & (truth < most)] > 0.9).all()
    assert (chance[far & (truth > most)] < 0.1).all()
    assert (WithinLimits(features, observed, (most, 99.0)).chance(points) < 1e-6).all()
    assert (WithinLimits(features, [], (most,)).chance(points) == 1).all()


def test_without_costs_there_is_nothing_to_model() -> None:
    space = bound("tiny")
    assert CostModel(Features(space), []).count == 0
