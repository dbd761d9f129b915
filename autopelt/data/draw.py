"""Which examples a cut or a draw takes: by a hash of what each of them says.

Whether an example is held out depends on its own text and the random seed, not on its place in the
file nor on its neighbours. So a file may grow, shrink or be sorted, and all other examples stay on
their side.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence
from hashlib import blake2b
from typing import Any, TypeVar

RULE = 2
"""Of how splits are cut and drawn. 1 was by place in the file: one more row redrew all of them."""

CUT, DRAW, HOLD_OUT = 1, 2, 3
"""Streams of random numbers: the cut, the draw and the hold-out do not share one."""

_LEAST, _MOST = 200, 2000
"""Examples that a split cut from train is to have: a tenth, within these, at most a quarter."""

_Name = TypeVar("_Name", bound=Hashable)


def share(examples: int) -> float:
    """Which part of so many examples a split gets that is cut from them.

    It is one of ten steps in a factor of 10 and never grows with the examples: between two steps
    one more example moves no other, and at a step some go from the split to train, none from there.
    """
    ratio = max(4.0, min(examples / _LEAST, 10.0), examples / _MOST)
    return float(10 ** (-round(10 * math.log10(ratio)) / 10))


def part(
    keys: Sequence[str],
    wanted: float,
    random_seed: int,
    stream: int,
    strata: Sequence[Any] | None = None,
) -> list[int]:
    """Take a part of the examples: indices in growing order.

    Those are taken whose key's hash, as a number from 0 to 1, is below `wanted`. There are two
    exceptions. Where few keys have most of the examples, so that these would be less than half or
    more than twice the part, keys are taken by growing hash until it is reached. And each class is
    kept on both sides, as far as it has two keys and the part has room for all classes.

    Args:
        keys: of each example; those with equal keys stay together.
        wanted: part of the examples, as `share` says.
        strata: a class for each example.

    Returns:
        At most half of the examples; none where the keys leave no choice.
    """
    units = _members(range(len(keys)), keys)
    place = {key: _number(random_seed, stream, key) for key in units}
    order = sorted(units, key=place.__getitem__)
    size, most = wanted * len(keys), len(keys) // 2
    chosen = {key for key in order if place[key] < wanted}
    if not size / 2 <= sum(len(units[key]) for key in chosen) <= min(2 * size, most):
        chosen, rows = set(), 0
        for key in order:
            if rows < size and rows + len(units[key]) <= most:
                chosen.add(key)
                rows += len(units[key])
    if strata is not None:
        classes = _members(order, [strata[units[key][0]] for key in order])
        chosen = _on_both_sides(chosen, list(classes.values()), size) or chosen
    return sorted(i for key in chosen for i in units[key])


def _on_both_sides(chosen: set[str], classes: Sequence[Sequence[str]], size: float) -> set[str]:
    """The chosen keys with one at least of each class, and one at least of each class left."""
    both = set(chosen)
    for keys in classes:
        inside = sum(key in chosen for key in keys)
        if inside == len(keys):
            both.remove(keys[-1])
        elif not inside and len(keys) > 1 and 2 * len(classes) <= size:
            both.add(keys[0])
    return both


def draw(
    size: int,
    keys: Sequence[str],
    random_seed: int,
    strata: Sequence[Any] | None = None,
) -> list[int]:
    """Draw exactly `size` examples, those with the lowest hashes: indices in growing order.

    One more example moves one other at most in its class, and one where a class's share changes.

    Args:
        keys: of each example.
        strata: a class for each example; each class gets its share to within one example, and
            one at least where `size` allows it.
    """
    numbers = [_number(random_seed, DRAW, key) for key in keys]
    order = sorted(range(len(keys)), key=numbers.__getitem__)
    if strata is None:
        return sorted(order[:size])
    members = _members(order, [strata[i] for i in order])
    classes = sorted(members, key=str)
    counts = _shares([len(members[c]) for c in classes], size)
    return sorted(i for c, n in zip(classes, counts, strict=True) for i in members[c][:n])


def _shares(counts: Sequence[int], size: int) -> list[int]:
    """Split `size` in proportion to `counts` (largest remainders), 1 for each class if it fits."""
    total = sum(counts)
    exact = [size * c / total for c in counts]
    given = [int(e) for e in exact]
    for i in sorted(range(len(counts)), key=lambda i: (given[i] - exact[i], i))[
        : size - sum(given)
    ]:
        given[i] += 1
    for i in range(len(counts)):
        richest = max(range(len(counts)), key=lambda j: given[j])
        if given[i] == 0 and counts[i] > 1 and given[richest] > 1:
            given[i], given[richest] = 1, given[richest] - 1
    return given


def _members(items: Sequence[_Name], names: Sequence[Any]) -> dict[Any, list[_Name]]:
    """Name of each class or key -> its items, all in this order."""
    members: dict[Any, list[_Name]] = defaultdict(list)
    for item, name in zip(items, names, strict=True):
        members[name].append(item)
    return members


def _number(random_seed: int, stream: int, key: str) -> float:
    """Uniform from 0 to 1, the same for the same key everywhere."""
    told = f"{random_seed} {stream} {key}".encode(errors="surrogatepass")
    return int.from_bytes(blake2b(told, digest_size=8).digest()) / 2.0**64
