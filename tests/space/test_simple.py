"""Simple architectures: counted as a person would tell them, sampled within the budget."""

import numpy as np
import pytest
from closed_form import bound

from autopelt.space.points import sample_feasible
from autopelt.space.simple import PARTS, parts, sample_simple


@pytest.mark.parametrize(("name", "layers"), [("pelt", 6), ("pelt", 12), ("lora", 6), ("tiny", 6)])
def test_they_are_simple_feasible_and_different(name: str, layers: int) -> None:
    space = bound(name, layers, 64 * layers)
    points = sample_simple(space, np.random.default_rng(0), 100)
    assert len(points) > 20
    assert space.all_feasible(points).all()
    assert (parts(space, points) <= PARTS).all()
    assert len(np.unique(points, axis=0)) == len(points)
    told = [space.decode(p).description_length for p in points.tolist()]
    assert max(told) <= PARTS
    assert np.mean([t == 1 for t in told]) > 0.3


def test_parts_are_runs_of_layers() -> None:
    space = bound("pelt", 6, 384)
    rows, gates = space.rows_by_layer
    point = np.zeros((4, len(space.dimensions)), dtype=np.int64)
    point[0, rows[0]] = 2  # one size in all layers
    point[1, rows[0, 2:5]] = 2  # in some
    point[2, rows[0, [0, 1, 4]]] = 2  # twice
    point[3, rows[0]] = 2
    point[3, gates[0, 3:]] = 1  # gated from layer 3 on
    assert parts(space, point).tolist() == [1, 1, 2, 2]
    random = sample_feasible(space, np.random.default_rng(0), 50)
    assert np.median(parts(space, random)) > PARTS


def test_a_space_without_choices_by_layer_has_none() -> None:
    space = bound("autopeft", 6, 384)
    assert len(sample_simple(space, np.random.default_rng(0), 10)) == 0
