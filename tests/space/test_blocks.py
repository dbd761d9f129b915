"""Moves of ranges: what can be told in a few words is one move away."""

import time

import numpy as np
import pytest
from closed_form import MIXED, bound

from autopelt.architecture.architecture import Architecture
from autopelt.methods.module import Module
from autopelt.space.blocks import BLOCKS, block_moves
from autopelt.space.bound import BoundSpace
from autopelt.space.points import feasible_neighbours, sample_feasible

SPACES = {name: bound(name, limit=10**9) for name in ("pelt", "lora", "tiny")}
SPACES["mixed"] = bound(MIXED, layers=4, hidden=64, limit=10**9)


def adapters(sizes: dict[int, int], gate: str | None = None, also: str = "") -> Architecture:
    modules = [Module("sequential_adapter", "ffn", n, size, gate) for n, size in sizes.items()]
    if also:
        modules.append(Module("prompt", "embeddings", None, 5))
    return Architecture(tuple(modules))


def moves(space: BoundSpace, architecture: Architecture) -> set[Architecture]:
    start = np.array(space.encode(architecture))
    made = space.all_canonical(block_moves(space, start, None))
    return {space.decode(point) for point in made.tolist()}


def test_a_row_in_all_layers_at_every_size_and_in_halves_near_its_own() -> None:
    space = SPACES["pelt"]
    found = moves(space, adapters({0: 6, 3: 12, 5: 12}))
    for size in (3, 6, 12, 24, 48, 96):
        assert adapters(dict.fromkeys(range(6), size)) in found
    for layers in (range(3), range(3, 6), range(1, 5)):
        assert {adapters(dict.fromkeys(layers, size)) in found for size in (6, 12, 24)} == {True}
    lora = [Module("lora", f"attention.{at}", n, 1) for n in range(6) for at in ("query", "value")]
    assert (
        adapters({0: 6, 3: 12, 5: 12}).with_modules(
            (*adapters({0: 6, 3: 12, 5: 12}).modules, *lora)
        )
        in found
    )


def test_a_range_grows_at_either_end_with_its_gate() -> None:
    space = SPACES["pelt"]
    found = moves(space, adapters({2: 6, 3: 12}, "auto"))
    assert adapters({1: 6, 2: 6, 3: 12}, "auto") in found
    assert adapters({2: 6, 3: 12, 4: 12}, "auto") in found


def test_another_method_takes_the_place_of_one() -> None:
    space = SPACES["pelt"]
    found = moves(space, adapters({2: 12, 3: 12}, "auto", also="prompt"))
    prefix = tuple(Module("prefix", "attention", n, 10, "auto") for n in (2, 3))
    assert Architecture((*prefix, Module("prompt", "embeddings", None, 5))) in found


def test_switched_layers_are_a_range_too() -> None:
    space = SPACES["mixed"]
    switches = list(space.switches.values())
    (start,) = sample_feasible(space, np.random.default_rng(3), 1)
    start[switches] = [0, 1, 0, 0]
    found = {tuple(m[switches].tolist()) for m in block_moves(space, start, None)}
    assert {(1, 1, 1, 1), (0, 0, 1, 1), (1, 1, 0, 0), (0, 1, 1, 0)} <= found


@pytest.mark.parametrize("name", SPACES)
def test_they_are_points_of_the_space_and_few(name: str) -> None:
    space = SPACES[name]
    rng = np.random.default_rng(0)
    for start in sample_feasible(space, rng, 10):
        every = block_moves(space, start, None)
        assert (every >= 0).all()
        assert (every < [len(d.values) for d in space.dimensions]).all()
        some = block_moves(space, start, rng)
        assert len(some) == min(BLOCKS, len(every))
        assert {tuple(m) for m in some.tolist()} <= {tuple(m) for m in every.tolist()}
        assert len(block_moves(space, start, rng, 7)) == min(7, len(every))


def test_they_cost_little_of_all_moves() -> None:
    """Of a backbone of 24 layers: less than half of the time that all neighbours take."""
    space = bound("pelt", 24, 1024)
    rng = np.random.default_rng(0)
    points = sample_feasible(space, rng, 20)
    took = []
    for look in (
        lambda p: block_moves(space, p, rng),
        lambda p: feasible_neighbours(space, p.tolist(), rng, 160),
    ):
        begun = time.process_time()
        for point in points:
            look(point)
        took.append(time.process_time() - begun)
    assert took[0] < 0.5 * took[1]
