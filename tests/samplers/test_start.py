"""The first proposals are drawn round what was made by hand, and far from what was seen."""

import numpy as np
import pytest
from closed_form import FOUR, MIXED, bound

from autopelt.architecture.seeds import seed_architecture, shrink
from autopelt.samplers.features import Features
from autopelt.samplers.history import History, Observation
from autopelt.samplers.local_search import Unseen
from autopelt.samplers.start import Moves, space_filling
from autopelt.space.bound import BoundSpace, NotInSpaceError
from autopelt.space.nearest import nearest_point
from autopelt.space.tables import Vector

SPACES = {name: bound(name) for name in ("pelt", "autopeft", "lora", "tiny")}
SPACES["deep"] = bound("pelt", 24, 1024)
SPACES["mixed"] = bound(MIXED, layers=4, hidden=64)


def by_hand(space: BoundSpace, scores: dict[str, float]) -> list[Observation]:
    made = []
    for number, (name, score) in enumerate(scores.items()):
        architecture = shrink(seed_architecture(name, space.shapes), space.counter, space.limit)
        assert architecture is not None
        parameters = space.counter.count(architecture).deployed
        try:
            vector: Vector | None = space.encode(architecture)
        except NotInSpaceError:
            vector = None
        made.append(Observation(number, architecture, parameters, vector, score))
    return made


def proposals(
    space: BoundSpace, observed: list[Observation], count: int, random_seed: int = 0
) -> list[Vector]:
    """One after another, as a study with one worker has them."""
    history = History(list(observed), seen=[o.vector for o in observed if o.vector])
    features, found = Features(space), []
    for n in range(count):
        rng = np.random.default_rng((random_seed, n))
        unseen = Unseen(space, history.seen)
        point = space_filling(space, features, history, unseen, rng)
        architecture = space.decode(point)
        parameters = space.cost(point)
        history.observed.append(Observation(90 + n, architecture, parameters, point, 0.1))
        history.seen.append(point)
        history.started += 1
        found.append(point)
    return found


@pytest.mark.parametrize("name", SPACES)
def test_they_are_feasible_canonical_new_and_reproducible(name: str) -> None:
    space = SPACES[name]
    observed = by_hand(space, {"adapter-pfeiffer": 0.8, "lora-r8": 0.7, "head-only": 0.5})
    found = proposals(space, observed, 8)
    assert len(set(found)) == 8
    assert space.all_feasible(np.array(found)).all()
    assert (space.all_canonical(np.array(found)) == np.array(found)).all()
    assert found == proposals(space, observed, 8)


def test_they_share_most_with_what_was_made_by_hand() -> None:
    """Whole rows change: a row has one size wherever it is, in one range of layers."""
    space = SPACES["pelt"]
    observed = by_hand(space, {"adapter-pfeiffer": 0.8, "sapa": 0.82, "unipelt": 0.7})
    for point in proposals(space, observed, 12):
        architecture = space.decode(point)
        methods = {m.method for m in architecture.modules}
        for method in methods:
            mine = [m for m in architecture.modules if m.method == method]
            assert len({(m.size, m.gate) for m in mine}) == 1
            layers = sorted({m.layer for m in mine if m.layer is not None})
            assert layers == list(range(layers[0], layers[-1] + 1)) if layers else mine
        assert abs(np.log2(architecture.learning_rate_multiplier)) <= 3


def test_small_budgets_are_filled_with_what_learns() -> None:
    """Under a thirtieth of the backbone's usual share: no scattered single modules."""
    space = bound("pelt", limit=14_000)
    observed = by_hand(space, {"adapter-pfeiffer": 0.8, "sapa": 0.82, "lora-r8": 0.7})
    found = [space.decode(p) for p in proposals(space, observed, 12)]
    depths = [len({m.layer for m in a.modules if m.layer is not None}) for a in found]
    assert np.mean(depths) >= 3
    assert len({frozenset(m.method for m in a.modules) for a in found}) >= 4


def test_better_models_are_moved_more_often() -> None:
    space = SPACES["pelt"]
    counts = []
    for scores in ({"lora-r8": 0.9, "adapter-pfeiffer": 0.1}, {"lora-r8": 0.1, "sapa": 0.9}):
        found = [space.decode(proposals(space, by_hand(space, scores), 1, n)[0]) for n in range(30)]
        counts.append(sum(any(m.method == "lora" for m in a.modules) for a in found))
    assert counts[0] > counts[1]


def test_where_nothing_was_made_by_hand_all_of_the_space_is_drawn_from() -> None:
    space = SPACES["pelt"]
    found = [space.decode(p) for p in proposals(space, [], 8)]
    assert len({len(a.modules) for a in found}) > 3
    assert any(len({m.size for m in a.modules if m.method == "lora"}) > 1 for a in found)


def test_of_a_space_of_four_all_are_proposed() -> None:
    space = bound(FOUR, layers=2, hidden=64)
    assert len(set(proposals(space, by_hand(space, {"prefix-1": 0.7}), 3))) == 3


def test_a_move_keeps_indices_in_range_and_the_rate_near() -> None:
    space = SPACES["pelt"]
    rng = np.random.default_rng(0)
    model = nearest_point(space, by_hand(space, {"sapa": 0.8})[0].architecture)
    assert model is not None
    moved = np.array([Moves(space, rng).of(model) for _ in range(400)])
    assert (moved >= 0).all()
    assert (moved < [len(d.values) for d in space.dimensions]).all()
    rates = np.log2(space.space.rates)[moved[:, space.multiplier]]
    assert abs(rates.mean()) < 0.2
    assert 0.8 < rates.std() < 1.2
