"""Factors of a gain: near what is tried, apart from what runs, told in few words."""

import numpy as np
from closed_form import MIXED, bound, point_of

from autopelt.samplers.factors import ANEW, APART, anew, apart, reachable, told


def test_rates_up_to_an_octave_beyond_those_tried_count_whole() -> None:
    tried = np.array([0.0, 2.0])
    octaves = np.array([-3.0, -1.1, -1.0, 0.5, 3.0, 3.1])
    assert (reachable(octaves, tried) == 1).tolist() == [False, False, True, True, True, False]
    # Where all are out of reach their order is that of what they gain.
    assert len(set(reachable(np.array([7.0, 9.0]), tried).tolist())) == 1


def test_what_is_nearly_what_runs_counts_less() -> None:
    running = (1, 2, 3, 4, 5, 6) * 2
    one, two = list(running), list(running)
    one[0], two[0], two[5] = 9, 9, 9
    found = apart(np.array([running, one, two]), [running])
    assert found.tolist() == [0.0, 0.5, 1.0]
    assert len(running) // APART == 2
    assert apart(np.array([running]), []).tolist() == [1.0]


def test_the_same_modules_at_nearly_the_same_rate_count_less() -> None:
    space = bound(MIXED)
    at = space.multiplier
    assert at is not None
    octaves = np.log2(space.space.rates)
    tried = list(point_of(space, np.random.default_rng(0)))
    tried[at] = int(np.abs(octaves).argmin())  # times 1
    rates = np.array([tried] * len(octaves))
    rates[:, at] = np.arange(len(octaves))
    assert np.allclose(anew(space, rates, [tuple(tried)]), np.minimum(1, np.abs(octaves) / ANEW))
    # Between two rates the nearer one counts; of other modules none does.
    two = [tuple(rates[0]), tuple(rates[-1])]
    away = np.minimum(octaves - octaves[0], octaves[-1] - octaves)
    assert np.allclose(anew(space, rates, two), np.minimum(1, away / ANEW))
    other = point_of(space, np.random.default_rng(1))
    assert anew(space, rates, [tuple(other)]).tolist() == [1.0] * len(rates)
    assert anew(space, rates, []).tolist() == [1.0] * len(rates)


def test_what_takes_few_words_counts_whole() -> None:
    space = bound(MIXED)
    points = np.array([point_of(space, np.random.default_rng(n)) for n in range(20)])
    assert (told(space, points) <= 1).all()
    assert told(space, points[:1] * 0)[0] == 1
