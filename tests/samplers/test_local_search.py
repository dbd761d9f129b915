"""Candidates: never what was seen, all of a small space, and local search climbs."""

import numpy as np
import pytest
from closed_form import FOUR, bound

from autopelt.errors import UnexpectedEndError
from autopelt.samplers.local_search import Effort, Unseen, best_candidate, mutations
from autopelt.space.points import point_keys, sample_feasible

LARGE = bound("pelt", 6, 384)
QUICK = Effort(samples=40, starts=3, steps=6, pairs=20)


def vectors(count: int, random_seed: int = 0) -> list[tuple[int, ...]]:
    drawn = sample_feasible(LARGE, np.random.default_rng(random_seed), count)
    return [tuple(point) for point in drawn.tolist()]


def small_first(points: np.ndarray) -> np.ndarray:
    """An acquisition that is largest where indices are small."""
    return -points.sum(axis=1).astype(float)


def test_a_small_space_is_listed_until_nothing_is_left() -> None:
    space = bound(FOUR, 1, 96)
    everything = Unseen(space, []).listed()
    assert everything is not None
    seen: list[tuple[int, ...]] = []
    rng = np.random.default_rng(0)
    for _ in range(len(everything)):
        seen.append(Unseen(space, seen).one(rng))
    assert sorted(seen) == sorted(tuple(point) for point in everything.tolist())
    with pytest.raises(UnexpectedEndError, match="every architecture of space 'four'"):
        Unseen(space, seen).one(rng)


def test_of_a_small_space_the_best_is_found() -> None:
    space = bound(FOUR, 1, 96)
    everything = Unseen(space, []).listed()
    assert everything is not None
    best, value = best_candidate(
        Unseen(space, []), small_first, [], np.random.default_rng(0), QUICK
    )
    assert value == small_first(everything).max()
    seen = Unseen(space, [best])
    second, less = best_candidate(seen, small_first, [best], np.random.default_rng(0), QUICK)
    assert second != best
    assert less <= value


def test_a_large_space_is_not_listed_and_samples_are_new_and_distinct() -> None:
    known = vectors(20)
    unseen = Unseen(LARGE, known)
    assert unseen.listed() is None
    drawn = unseen.sample(np.random.default_rng(0), 20)  # the generator that drew what is known
    keys = point_keys(drawn)
    assert len(set(keys)) == len(keys)
    assert not set(map(tuple, drawn.tolist())) & set(known)


def test_mutations_are_feasible_and_few_changes_away() -> None:
    parents = vectors(3)
    mutated = mutations(LARGE, parents, np.random.default_rng(1), 30)
    assert mutated.shape == (30, len(LARGE.dimensions))
    assert LARGE.all_feasible(mutated).all()
    assert mutations(LARGE, [], np.random.default_rng(1), 5).shape == (0, len(LARGE.dimensions))


def test_local_search_climbs_above_where_it_began_and_repeats() -> None:
    unseen, parents = Unseen(LARGE, vectors(5)), vectors(5)
    (target,) = vectors(1, random_seed=9)

    def near_target(points: np.ndarray) -> np.ndarray:
        return -np.abs(points - np.array(target)).sum(axis=1).astype(float)

    found = [
        best_candidate(unseen, near_target, parents, np.random.default_rng(4), effort)
        for effort in (QUICK, QUICK, Effort(samples=40, starts=3, steps=0, pairs=20))
    ]
    assert found[0] == found[1]
    assert found[0][1] > found[2][1]
    assert LARGE.all_feasible(np.array([found[0][0]])).all()
    assert found[0][0] not in parents


def test_effort_falls_with_what_a_prediction_costs() -> None:
    for costly in (
        [Effort.at(n, 100) for n in (10, 200, 1000)],
        [Effort.at(10, n) for n in (100, 200, 400)],
    ):
        looked_at = [e.starts * e.steps * (e.pairs + e.near) for e in costly]
        assert looked_at == sorted(looked_at, reverse=True)
        assert len(set(looked_at)) == 3


def test_what_is_asked_for_is_given_up_where_there_is_no_more_of_it() -> None:
    space = bound("mixed", limit=1362)
    everything = Unseen(space, []).listed()
    assert everything is not None
    prompt = space.size_dimensions[-1:]
    has = [p for p in map(tuple, everything.tolist()) if p[prompt[0]] > 0]
    assert 0 < len(has) < len(everything)
    assert set(map(tuple, Unseen(space, [], True, prompt).listed().tolist())) == {*has}
    assert len(Unseen(space, has, True, prompt).listed()) == len(everything) - len(has)
    row = LARGE.sizes_by_row[3]
    drawn = Unseen(LARGE, [], True, row.tolist()).sample(np.random.default_rng(0), 40)
    assert (drawn[:, row] > 0).any(axis=1).all()
