"""A bound space: vectors and architectures are the same thing, and only feasible ones come out."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from closed_form import FOUR, MIXED, VARIANTS, bound, point_of, points_near
from hypothesis import given, settings
from hypothesis import strategies as st

from autopelt.architecture.architecture import Architecture
from autopelt.errors import InfeasibleError, UsageError
from autopelt.methods.module import Module
from autopelt.space.bound import BoundSpace, NotInSpaceError
from autopelt.space.points import enumerate_feasible, sample_feasible

SPACES = {name: bound(name) for name in ("pelt", "autopeft", "lora", "tiny")}
SPACES["mixed"] = bound(MIXED, layers=4, hidden=64)
SPACES["variants"] = bound(VARIANTS, layers=4, hidden=64, limit=20_000)


def any_vector(space: BoundSpace, data: st.DataObject) -> tuple[int, ...]:
    return tuple(data.draw(st.integers(0, len(d.values) - 1)) for d in space.dimensions)


@pytest.mark.parametrize("name", SPACES)
@given(data=st.data())
@settings(max_examples=60)
def test_decode_of_encode_is_the_architecture(name: str, data: st.DataObject) -> None:
    space = SPACES[name]
    architecture = space.decode(space.canonical(any_vector(space, data)))
    assert space.decode(space.encode(architecture)) == architecture


@pytest.mark.parametrize("name", SPACES)
@given(data=st.data())
@settings(max_examples=60)
def test_canonical_vectors_and_architectures_are_the_same_thing(
    name: str, data: st.DataObject
) -> None:
    """Any vector means what its canonical form means, and `encode` finds that form."""
    space = SPACES[name]
    vector = any_vector(space, data)
    canonical = space.canonical(vector)
    assert space.canonical(canonical) == canonical
    assert space.decode(vector) == space.decode(canonical)
    assert space.encode(space.decode(vector)) == canonical
    assert space.cost(vector) == space.cost(canonical)


@pytest.mark.parametrize("name", SPACES)
def test_all_at_once_has_whatever_an_architecture_may_have(name: str) -> None:
    space = SPACES[name]
    every = {(m.method, m.location, m.layer) for m in space.all_at_once().modules}
    points = sample_feasible(space, np.random.default_rng(0), 40)
    found = [space.decode(tuple(map(int, point))) for point in points]
    assert {(m.method, m.location, m.layer) for a in found for m in a.modules} <= every


@pytest.mark.parametrize("name", SPACES)
@given(data=st.data())
@settings(max_examples=40)
def test_cost_is_the_sum_of_the_modules(name: str, data: st.DataObject) -> None:
    space = SPACES[name]
    vector = any_vector(space, data)
    assert space.cost(vector) == space.counter.count(space.decode(vector)).deployed


@pytest.mark.parametrize("name", SPACES)
@given(random_seed=st.integers(0, 10_000))
@settings(max_examples=25)
def test_samples_and_neighbours_are_feasible_canonical_and_distinct(
    name: str, random_seed: int
) -> None:
    space = SPACES[name]
    vector = point_of(space, np.random.default_rng(random_seed))
    near = points_near(space, vector)
    assert vector not in near
    assert len(set(near)) == len(near)
    for point in [vector, *near]:
        assert space.canonical(point) == point
        assert 0 < space.cost(point) <= space.limit
        assert space.encode(space.decode(point)) == point
    assert points_near(space, vector) == near


@pytest.mark.parametrize("name", ["pelt", "autopeft", "lora"])
@pytest.mark.parametrize(("layers", "hidden"), [(6, 384), (12, 768), (24, 1024)])
def test_samples_spread_evenly_over_log_parameters(name: str, layers: int, hidden: int) -> None:
    """Each fifth of the decades between the smallest and the budget has its share of samples."""
    space = bound(name, layers, hidden)
    points = sample_feasible(space, np.random.default_rng(3), 2000)
    low, high = math.log(space.smallest), math.log(min(space.limit, space.largest))
    where = (np.log(space.costs(points)) - low) / (high - low)
    counts = np.histogram(where, bins=5, range=(0, 1))[0]
    assert counts.min() > 0.5 * 2000 / 5
    assert counts.max() < 1.7 * 2000 / 5


@pytest.mark.parametrize("name", ["pelt", "lora"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_between_two_budgets_samples_are_log_uniform_too(name: str, share: float) -> None:
    most = bound(name).limit
    space = bound(name, minimum=int(share * most))
    costs = space.costs(sample_feasible(space, np.random.default_rng(0), 1000))
    assert costs.min() >= space.minimum
    assert costs.max() <= space.limit
    where = np.log(costs / space.minimum) / math.log(most / space.minimum)
    counts = np.histogram(where, bins=5, range=(0, 1))[0]
    assert counts.min() > 0.5 * 1000 / 5
    assert counts.max() < 1.5 * 1000 / 5


@pytest.mark.parametrize("text", [MIXED, FOUR, VARIANTS])
def test_size_counts_the_architectures_of_a_small_space(text: str) -> None:
    space = bound(text, layers=4, hidden=64, limit=10**9)
    ranges = [range(len(d.values)) for d in space.dimensions]
    everything = {space.decode(v) for v in itertools.product(*ranges)}
    assert space.size == len(everything)
    listed = enumerate_feasible(space, 5000)
    assert listed is not None
    assert {space.decode(v) for v in listed.tolist()} == {a for a in everything if a.modules}


@pytest.mark.parametrize("text", [MIXED, FOUR, VARIANTS])
def test_smallest_is_the_smallest(text: str) -> None:
    space = bound(text, layers=4, hidden=64, limit=10**9)
    ranges = [range(len(d.values)) for d in space.dimensions]
    costs = [space.cost(v) for v in itertools.product(*ranges)]
    assert space.smallest == min(c for c in costs if c > 0)
    assert space.largest >= max(costs)


@pytest.mark.parametrize(("text", "limit"), [(MIXED, 800), (VARIANTS, 6000)])
def test_enumeration_finds_exactly_what_fits_a_tight_budget(text: str, limit: int) -> None:
    space = bound(text, layers=4, hidden=64, limit=limit)
    ranges = [range(len(d.values)) for d in space.dimensions]
    wanted = {space.canonical(v) for v in itertools.product(*ranges) if space.feasible(v)}
    listed = enumerate_feasible(space, 5000)
    assert listed is not None
    assert {tuple(v) for v in listed.tolist()} == wanted
    assert enumerate_feasible(bound("pelt"), 100) is None


def test_a_switched_layer_that_no_row_acts_on_is_off() -> None:
    """Layer 0 has the adapter only, layer 3 the prefix only: without a prefix it holds nothing."""
    space = bound(MIXED, layers=4, hidden=64, limit=10**9)
    vector = [0] * len(space.dimensions)
    for i in space.switches.values():
        vector[i] = 1
    canonical = space.canonical(vector)
    assert [canonical[i] for i in space.switches.values()] == [1, 1, 0, 0]


def test_a_gate_goes_with_its_module_when_layers_swap() -> None:
    space = bound("tiny", layers=2)
    names = [d.name for d in space.dimensions]
    vector = [0] * len(names)
    vector[names.index("0/ffn:sequential_adapter")] = 1
    vector[names.index("0/ffn:sequential_adapter:gate")] = 1
    wanted = Architecture((Module("sequential_adapter", "ffn", 1, 2, "auto"),))
    assert wanted in [space.decode(v) for v in points_near(space, vector)]


def test_a_budget_below_everything_names_the_smallest() -> None:
    with pytest.raises(InfeasibleError, match="at least 768") as caught:
        bound("pelt", limit=500)
    assert caught.value.exit_code == 4


def test_a_smallest_budget_above_the_budget_is_refused() -> None:
    with pytest.raises(UsageError, match="min_budget"):
        bound("pelt", limit=5000, minimum=6000)


def test_nothing_between_the_budgets_is_said() -> None:
    space = bound(FOUR, layers=4, hidden=64, limit=250, minimum=200)
    with pytest.raises(InfeasibleError, match="between 200 and 250"):
        point_of(space, np.random.default_rng(0))


@pytest.mark.parametrize(
    "architecture",
    [
        Architecture((Module("prompt", "embeddings", None, 3),)),
        Architecture((Module("prefix", "attention", 0, 1, "token"),)),
        Architecture((Module("lora", "attention.query", 0, 1),)),
        Architecture((Module("lora", "attention.key", 0, 1),)),
        Architecture((Module("prefix", "attention", 0, 1),), 0.3),  # between two of the grid
        Architecture((Module("prefix", "attention", 0, 1),), 16.0),
        Architecture(full=True),
    ],
)
def test_what_the_space_cannot_say_is_refused(architecture: Architecture) -> None:
    with pytest.raises(NotInSpaceError, match="cannot express"):
        SPACES["pelt"].encode(architecture)


@pytest.mark.parametrize(("vector", "words"), [((1,), "got 1 choices"), ((9, 0), "out of range")])
def test_wrong_vectors_are_refused(vector: tuple[int, ...], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        bound(FOUR, layers=4, hidden=64, limit=10**6).canonical(vector)


EQUAL = """
modules:
  - {method: lora, location: attention.query, sizes: [0, 8, 16], alpha: [sqrt, rank, 1]}
"""


def test_variants_that_make_the_same_modules_are_one_point() -> None:
    """At rank 8 the scales are equal, and 1 is another word for `rank`."""
    space = bound(EQUAL, layers=2, hidden=64, limit=10**9)
    assert space.dimensions[-1].labels == ("sqrt random", "rank random", "1 random")
    assert {space.canonical((1, 0, o)) for o in range(3)} == {(1, 0, 0)}
    assert {space.canonical((1, 2, o)) for o in range(3)} == {(1, 2, 0), (1, 2, 1)}
    assert {space.canonical((0, 0, o)) for o in range(3)} == {(0, 0, 0)}
    listed = enumerate_feasible(space, 100)
    assert listed is not None
    assert len(listed) == len({space.decode(v) for v in listed.tolist()}) == 3 + 5 * 2


def test_scale_and_start_are_of_the_row_and_pissa_is_counted_as_shipped() -> None:
    space = SPACES["variants"]
    names = [d.name for d in space.dimensions]
    vector = [0] * len(names)
    vector[names.index("0/attention.query+ffn.in:lora")] = 1
    vector[names.index("1/attention.query+ffn.in:lora")] = 2
    at = names.index("attention.query+ffn.in:lora:variant")
    assert space.dimensions[at].labels[-1] == "sqrt pissa"
    cost = space.cost(vector)
    vector[at] = 5
    assert space.cost(vector) == 2 * cost
    made = space.decode(vector)
    assert {(m.layer, m.size, m.alpha) for m in made.modules} == {(0, 4, 5.6569), (1, 16, 11.3137)}
    assert {m.start for m in made.modules} == {"pissa"}
    other = made.with_modules(replace(m, start=None) if m.layer == 1 else m for m in made.modules)
    with pytest.raises(NotInSpaceError):
        space.encode(other)


RSLORA = """
name: rslora
modules:
  - {method: lora, location: ffn.in, sizes: [0, 1, 2, 8, 32], alpha: sqrt}
"""


def test_the_scale_of_rslora_falls_with_the_square_root_of_the_rank() -> None:
    space = bound(RSLORA, layers=4, hidden=64, limit=10**9)
    made = space.decode((1, 2, 3, 4))
    scales = [(m.size if m.alpha is None else m.alpha) / m.size for m in made.modules]
    assert scales == pytest.approx([math.sqrt(8), 2, 1, 0.5], rel=1e-4)
    assert space.encode(made) == (1, 2, 3, 4)
    assert space.cost((1, 2, 3, 4)) == space.counter.count(made).deployed
    usual = Architecture((Module("lora", "ffn.in", 0, 1),))
    with pytest.raises(NotInSpaceError):
        space.encode(usual)
    assert Architecture.from_yaml(made.to_yaml()) == made
