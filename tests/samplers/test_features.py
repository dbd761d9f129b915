"""Features are a function of the architecture, however it is given."""

import numpy as np
import pytest
from closed_form import MIXED, bound

from autopelt.architecture.architecture import Architecture
from autopelt.methods import METHODS
from autopelt.methods.linear_map import LinearMap
from autopelt.methods.module import Module
from autopelt.samplers.features import Features
from autopelt.samplers.history import Observation
from autopelt.space.bound import BoundSpace
from autopelt.space.points import feasible_neighbours, sample_feasible

SPACES = {name: bound(name) for name in ("pelt", "autopeft", "lora", "tiny")}
SPACES["deep"] = bound("pelt", 24, 1024)
SPACES["mixed"] = bound(MIXED, layers=4, hidden=64)


def observations(space: BoundSpace, architectures: list[Architecture]) -> list[Observation]:
    return [
        Observation(n, a, space.counter.count(a).deployed, None)
        for n, a in enumerate(architectures)
    ]


@pytest.mark.parametrize("name", SPACES)
def test_vectors_and_their_architectures_have_the_same_features(name: str) -> None:
    space = SPACES[name]
    features = Features(space)
    points = sample_feasible(space, np.random.default_rng(1), 40)
    observed = observations(space, [space.decode(p) for p in points.tolist()])
    assert np.allclose(features.of(points), features.of(observed), atol=1e-12)


@pytest.mark.parametrize("name", SPACES)
def test_groups_cover_the_structured_part_and_are_of_one_scale(name: str) -> None:
    space = SPACES[name]
    features = Features(space)
    ends = [0, *(columns.stop for _, columns in features.groups)]
    assert [columns.start for _, columns in features.groups] == ends[:-1]
    assert ends[-1] == features.structured < features.width
    values = features.of(sample_feasible(space, np.random.default_rng(2), 300))
    for group, columns in features.groups:
        spread = 2 * values[:, columns].var(axis=0).sum()
        assert 0.4 < spread < 2.5 or spread < 1e-9, group


@pytest.mark.parametrize("name", ["pelt", "autopeft", "lora", "tiny"])
def test_different_points_have_different_features(name: str) -> None:
    space = SPACES[name]
    points = sample_feasible(space, np.random.default_rng(3), 10)
    for point in points.tolist():
        near = feasible_neighbours(space, point)
        rows = Features(space).of(np.concatenate([[point], near]))
        assert len(np.unique(rows.round(9), axis=0)) == len(rows)


def test_what_the_space_cannot_say_still_has_features() -> None:
    space = SPACES["lora"]
    features = Features(space)
    made = [
        Architecture(),
        Architecture((Module("sequential_adapter", "ffn", 2, 24),)),
        Architecture((Module("prompt", "embeddings", None, 10),)),
        Architecture((Module("lora", "attention.query", 2, 13, "token"),)),
    ]
    rows = features.of(observations(space, made))
    assert np.isfinite(rows).all()
    assert len(np.unique(rows, axis=0)) == 4


def test_a_space_needs_only_name_a_method_that_changes_weights() -> None:
    """Points, moves, features and words of each follow from what the method says of itself."""
    methods = [m for m in METHODS.values() if isinstance(m, LinearMap) and m.name != "adalora"]
    row = "  - {{method: {}, location: [attention.query, ffn.in], sizes: [0, 2, 8]}}\n"
    rows = "".join(row.format(method.name) for method in methods)
    space = bound(f"name: weights\nmodules:\n{rows}", layers=3, hidden=64)
    points = sample_feasible(space, np.random.default_rng(3), 40)
    architectures = [space.decode(point) for point in points.tolist()]
    features = Features(space)
    assert np.allclose(
        features.of(points), features.of(observations(space, architectures)), atol=1e-12
    )
    for point, architecture in zip(points[:5], architectures, strict=False):
        assert space.encode(architecture) == tuple(point)
        moved = features.of(feasible_neighbours(space, tuple(point.tolist())))
        assert (np.abs(moved - features.of(point[None])).sum(axis=1) > 0).all()
    words = " ".join(architecture.describe() for architecture in architectures)
    assert all(f"{method.short} 8" in words for method in methods)
