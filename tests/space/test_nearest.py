"""What the space cannot express has a point that is most like it."""

import math

import numpy as np
import pytest
from closed_form import MIXED, VARIANTS, bound

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.seeds import seed_architecture, shrink
from autopelt.methods.module import Module
from autopelt.space.nearest import nearest_point
from autopelt.space.points import sample_feasible

SPACES = {name: bound(name) for name in ("pelt", "autopeft", "lora", "tiny")}
SPACES["mixed"] = bound(MIXED, layers=4, hidden=64)
SPACES["variants"] = bound(VARIANTS, layers=4, hidden=64)
SEEDS = [
    *("unipelt", "unipelt-ap", "pt-unipelt", "mam", "adapter-pfeiffer", "adapter-houlsby", "sapa"),
    *("adapter-parallel", "prefix-10", "prompt-10", "p-tuning-10", "lora-r8", "rslora-r64"),
    *("adapterdrop-2", "head-only", "full"),
]
"""Of places that the space knows, but for the adapters at the attention."""


@pytest.mark.parametrize("name", SPACES)
def test_of_what_the_space_can_say_it_is_the_point_itself(name: str) -> None:
    space = SPACES[name]
    for point in sample_feasible(space, np.random.default_rng(0), 40).tolist():
        assert nearest_point(space, space.decode(point)) == tuple(point)


@pytest.mark.parametrize("name", SEEDS)
def test_seeds_keep_their_methods_and_places_and_fit(name: str) -> None:
    space = SPACES["pelt"]
    made = shrink(seed_architecture(name, space.shapes), space.counter, space.limit)
    point = None if made is None or made.full else nearest_point(space, made)
    if made is None or point is None:
        assert name in ("head-only", "full", "p-tuning-10")
        return
    there = space.decode(point)
    assert 0 < space.counter.count(there).deployed <= space.limit
    sayable = [m for m in made.modules if m.location != "attention" or m.method == "prefix"]
    assert {m.key for m in there.modules} == {m.key for m in sayable}
    sizes = {m.key: m.size for m in made.modules}
    for module in there.modules:
        assert module.size <= 3 * sizes[module.key]


def test_sizes_gates_and_rates_are_the_nearest() -> None:
    space = SPACES["pelt"]
    made = Architecture(
        (
            Module("sequential_adapter", "ffn", 2, 20, "token"),
            Module("lora", "attention.query", 3, 7),
            Module("lora", "attention.key", 3, 7),
        ),
        learning_rate_multiplier=3.0,
    )
    point = nearest_point(space, made)
    assert point is not None
    there = space.decode(point)
    assert there.learning_rate_multiplier == 2.83
    assert [(m.method, m.location, m.size, m.gate) for m in there.modules] == [
        ("sequential_adapter", "ffn", 24, "auto"),
        ("lora", "attention.query", 8, None),
        ("lora", "attention.value", 8, None),
    ]
    assert math.isclose(nearest_rate(99.0), 8.0)


def nearest_rate(rate: float) -> float:
    point = nearest_point(SPACES["lora"], Architecture((Module("lora", "ffn.in", 0, 1),), rate))
    assert point is not None
    return SPACES["lora"].decode(point).learning_rate_multiplier


def test_over_the_budget_sizes_go_down_and_what_never_fits_has_no_point() -> None:
    space = bound("lora", limit=10_000)
    layers = range(6)
    big = Architecture(tuple(Module("lora", "attention.query", n, 32) for n in layers))
    point = nearest_point(space, big)
    assert point is not None
    assert {m.size for m in space.decode(point).modules} == {2}
    everywhere = Architecture(
        tuple(Module("lora", at, n, 1) for n in layers for at in ("ffn.in", "ffn.out"))
    )
    assert nearest_point(space, everywhere) is None
    assert nearest_point(space, Architecture()) is None
