"""Feasible points of a bound space: sampling spread over log-parameters, moves, enumeration.

Everything here works on matrices of shape (points, dimensions) of indices, so that hundreds of
points cost a few array operations.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from autopelt.errors import InfeasibleError, parameter
from autopelt.space.tables import NEVER, Matrix, PriceTables


def sample(space: PriceTables, rng: np.random.Generator, count: int) -> Matrix:
    """`count` feasible points whose parameter counts are about log-uniform up to the budget.

    Each point draws a target log-uniformly between the smallest architecture and the budget, and a
    share of the space that it uses at all; choices in random order then take random values that
    still fit the target. Nothing is cut down from above, so small and large are equally likely.

    Returns:
        (count, D) canonical points; they may repeat.

    Raises:
        InfeasibleError: no feasible point turned up in 50 rounds.
    """
    found: list[Matrix] = []
    missing, low = count, max(1, space.minimum, space.smallest)
    high = max(low, min(space.limit, space.largest))
    for _ in range(50):
        many = max(missing, 8) if missing == count else max(2 * missing, 64)
        target = np.exp(rng.uniform(math.log(low), math.log(high), many)) if low < high else None
        wanted = np.full(many, high) if target is None else np.clip(target.round(), low, high)
        points = _fill(space, rng, wanted.astype(np.int64))
        points = points[_feasible(space, points)][:missing]
        found.append(points)
        missing -= len(points)
        if missing == 0:
            return np.concatenate(found)
    if missing < count:  # feasible points are rare here: repeat those found
        points = np.concatenate(found)
        return points[rng.integers(len(points), size=count)]
    raise InfeasibleError(
        f"no architecture of space '{space.space.name}' was found between {low:,} and "
        f"{space.limit:,} parameters; widen {parameter('budget')} or lower "
        f"{parameter('min_budget')}."
    )


def _fill(space: PriceTables, rng: np.random.Generator, target: Matrix) -> Matrix:
    """Points of at most `target` (N,) parameters each, where the space allows; (N, D)."""
    n, k = len(target), len(space.size_dimensions)
    points = np.zeros((n, len(space.dimensions)), dtype=np.int64)
    active = rng.uniform(0.1, 1.0, n)  # how much of the space this point uses at all
    if space.switches:
        points[:, space.switch_dimensions] = _lit(space, rng, active, target)
    one_gate = rng.random(n) < 0.5  # half the points have the same gate everywhere
    for i, dimension in enumerate(space.dimensions):
        if dimension.kind == "multiplier":
            points[:, i] = rng.integers(len(dimension.values), size=n)
    for row in {d.row for d in space.dimensions if d.kind == "gate"}:
        members = [i for i, d in enumerate(space.dimensions) if d.kind == "gate" and d.row == row]
        drawn = rng.integers(2, size=(n, len(members)))
        points[:, members] = np.where(one_gate[:, None], drawn[:, :1], drawn)
    tables = space.price_tables(points)
    gates = np.where(space.gate_dimensions >= 0, points[:, space.gate_dimensions], 0)
    rows = np.arange(n)
    prices = np.take_along_axis(tables, gates[:, :, None, None], axis=3)[..., 0]  # (N, K, V)
    chosen = np.zeros((n, k), dtype=np.int64)
    spent = prices[:, :, 0].sum(axis=1)
    order = rng.permuted(np.broadcast_to(np.arange(k), (n, k)), axis=1)
    skipped = rng.random((n, k)) > active[:, None]
    draws = rng.random((2, n, k))
    for again in (0, 1):  # a second round takes what the first left
        for position in range(k):
            at = order[:, position]
            price = prices[rows, at]  # (N, V), growing with the index
            now = chosen[rows, at]
            base = spent - price[rows, now]
            fitting = (base[:, None] + price <= target[:, None]).sum(axis=1) - 1
            free = fitting > now
            free &= (spent < 0.5 * target) if again else ~skipped[:, position]
            step = 1 + (draws[again, :, position] * np.maximum(fitting - now, 1)).astype(np.int64)
            value = np.where(free, np.minimum(now + step, np.maximum(fitting, now)), now)
            chosen[rows, at] = value
            spent = base + price[rows, value]
    points[:, space.size_dimensions] = chosen
    return space.canonical_all(points)


def _lit(
    space: PriceTables, rng: np.random.Generator, active: NDArray[np.float64], target: Matrix
) -> NDArray[np.bool_]:
    """Which layers are switched on: not more of them than `target` pays for; (N, S)."""
    n, layers = len(target), len(space.switches)
    by_layer = space.layer_prices[:, :-1]
    cheapest = int(by_layer[(by_layer > 0) & (by_layer < NEVER)].min(initial=NEVER))
    few = np.exp(rng.uniform(0, math.log(layers), n)) if layers > 1 else np.ones(n)
    wanted = np.where(rng.random(n) < 0.5, few, active * layers).round().astype(np.int64)
    wanted = np.clip(wanted, 1, np.maximum(1, target // cheapest))
    rank = rng.random((n, layers)).argsort(axis=1).argsort(axis=1)
    return np.asarray(rank < wanted[:, None])


def _feasible(space: PriceTables, points: Matrix) -> NDArray[np.bool_]:
    costs = space.costs(points)
    return np.asarray((costs >= max(1, space.minimum)) & (costs <= space.limit))


def neighbours(
    space: PriceTables,
    vector: Sequence[int],
    rng: np.random.Generator | None = None,
    pairs: int | None = None,
) -> Matrix:
    """Feasible points one small change away from a canonical `vector`, each once; (M, D).

    Args:
        rng, pairs: of the moves between two layers, whose number grows with the square of the
            depth, take at most `pairs`, drawn at random; all of them where None.
    """
    start = np.asarray(vector, dtype=np.int64)
    points = np.concatenate([_single_moves(space, start), _pair_moves(space, start, rng, pairs)])
    points = space.canonical_all(points)
    points = points[_feasible(space, points) & (points != start).any(axis=1)]
    return unique(points)


def unique(points: Matrix) -> Matrix:
    """The distinct points, in the order of their first appearance; (N, D) -> (M, D)."""
    seen: dict[bytes, int] = {}
    for i, key in enumerate(keys(points)):
        seen.setdefault(key, i)
    return points[list(seen.values())]


def keys(points: Matrix) -> list[bytes]:
    """Each point as bytes, for sets of points that were seen."""
    small = np.ascontiguousarray(points, dtype=np.int16)
    return [row.tobytes() for row in small]


def _changed(start: Matrix, columns: Matrix, values: Matrix) -> Matrix:
    """Copies of `start`, each with one set of columns changed; (M, C), (M, C) -> (M, D)."""
    made = np.repeat(start[None], len(columns), axis=0)
    np.put_along_axis(made, columns, values, axis=1)
    return made


def _single_moves(space: PriceTables, start: Matrix) -> Matrix:
    """Changes of one choice, of a whole row, of a whole layer."""
    made: list[Matrix] = [np.empty((0, len(start)), dtype=np.int64)]
    options, valid = _single_options(space, start)
    columns, position = np.nonzero(valid)
    if len(columns):
        made.append(_changed(start, columns[:, None], options[columns, position][:, None]))
    by_row, by_layer = space.members
    for members in by_row.values():
        last = space.lengths[np.searchsorted(space.size_dimensions, members[0])] - 1
        present = members[start[members] > 0]
        for step in (-1, 1):
            if len(present):
                moved = np.clip(start[present] + step, 0, last)
                made.append(_changed(start, present[None], moved[None]))
        made.append(_changed(start, members[None], np.zeros((1, len(members)), dtype=np.int64)))
        gates = np.array(
            [space.gates[i] for i in members.tolist() if i in space.gates], dtype=np.int64
        )
        for value in range(len(space.dimensions[gates[0]].values) if len(gates) else 0):
            made.append(_changed(start, gates[None], np.full((1, len(gates)), value)))
    for members in by_layer.values():
        made.append(_changed(start, members[None], np.zeros((1, len(members)), dtype=np.int64)))
    return np.concatenate(made)


def _single_options(space: PriceTables, start: Matrix) -> tuple[Matrix, NDArray[np.bool_]]:
    """Values that each choice may change to, growing, and which of them count; (D, 5 or more)."""
    last = np.array([len(d.values) - 1 for d in space.dimensions])[:, None]
    sized = np.array([d.kind == "size" for d in space.dimensions])[:, None]
    now = start[:, None]
    width = max(5, int(last.max(where=~sized, initial=0)) + 1)
    options = np.broadcast_to(np.arange(width), (len(start), width))
    steps = np.concatenate([np.zeros_like(now), now + np.array([-2, -1, 1, 2])], axis=1)
    options = np.where(sized, np.pad(steps, ((0, 0), (0, width - 5)), constant_values=-1), options)
    valid = (options >= 0) & (options <= last) & (options != now)
    valid[:, 0] &= ~sized[:, 0] | (start > 2)  # off is a step of its own only from afar
    return options, valid


def _pair_moves(
    space: PriceTables, start: Matrix, rng: np.random.Generator | None, most: int | None
) -> Matrix:
    """Two layers' modules of a row swapped; one step of size moved; one switch for another."""
    pairs: list[tuple[int, int, int]] = []  # (from, to, 0 = swap, 1 = move one step)
    for members in space.members[0].values():
        size = members.tolist()
        last = len(space.dimensions[size[0]].values) - 1
        for a in size:
            if start[a] == 0:
                continue
            for b in size:
                if a != b and start[a] != start[b] and (a < b or start[b] == 0):
                    pairs.append((a, b, 0))
                if a != b and start[b] < last and start[b] + 1 != start[a]:
                    pairs.append((a, b, 1))
    switches = space.switch_dimensions.tolist()
    pairs += [(a, b, 0) for a in switches for b in switches if start[a] > 0 and start[b] == 0]
    if rng is not None and most is not None and len(pairs) > most:
        pairs = [pairs[i] for i in sorted(rng.choice(len(pairs), most, replace=False).tolist())]
    if not pairs:
        return np.empty((0, len(start)), dtype=np.int64)
    table = np.array(pairs, dtype=np.int64)
    made = np.repeat(start[None], len(table), axis=0)
    rows, a, b = np.arange(len(table)), table[:, 0], table[:, 1]
    swap = table[:, 2] == 0
    made[rows, a] = np.where(swap, start[b], start[a] - 1)
    made[rows, b] = np.where(swap, start[a], start[b] + 1)
    gate = np.full(len(start), -1, dtype=np.int64)
    gate[space.size_dimensions] = space.gate_dimensions
    carried = gate[a] >= 0  # a gate goes with its module
    r, ga, gb = rows[carried], gate[a[carried]], gate[b[carried]]
    both = (start[b[carried]] > 0) & ~swap[carried]
    made[r, gb] = np.where(both, start[gb], start[ga])
    made[r, ga] = np.where(swap[carried] & (start[b[carried]] > 0), start[gb], start[ga])
    return made


def enumerate_feasible(space: PriceTables, most: int) -> Matrix | None:
    """All feasible points where there are at most `most`, else None; (M, D).

    Depth-first over the choices; a branch whose cheapest completion is over the budget is cut, so
    every branch that is walked ends in a point under it.
    """
    found: list[list[int]] = []
    known: set[tuple[int, ...]] = set()
    for visited, point in enumerate(_walk(space)):
        if visited > 4 * most + 64:
            return None
        made = space.canonical(point)
        if made not in known and space.feasible(made):
            known.add(made)
            found.append(list(made))
            if len(found) > most:
                return None
    return np.array(found, dtype=np.int64).reshape(len(found), len(space.dimensions))


def _walk(space: PriceTables) -> Iterator[list[int]]:
    """Every point within the budget: sizes and gates first, then switches, then the multiplier."""
    sizes = space.size_dimensions.tolist()
    fixed = space.layer_prices[:, -1]  # (K, V, G)
    floor = np.where(space.switched, 0, fixed[:, 0].min(axis=1))
    after = np.concatenate([np.cumsum(floor[::-1])[::-1][1:], [0]])  # cheapest of what follows
    point = [0] * len(space.dimensions)

    def choose(k: int, spent: int) -> Iterator[list[int]]:
        if k == len(sizes):
            yield from light(0, spent)
            return
        gate = int(space.gate_dimensions[k])
        for value in range(int(space.lengths[k])):
            gates = (
                len(space.dimensions[gate].values) if gate >= 0 and space.positive[k, value] else 1
            )
            for g in range(gates):
                cost = spent + int(fixed[k, value, g])
                if cost + after[k] > space.limit:
                    continue
                point[sizes[k]] = value
                if gate >= 0:
                    point[gate] = g
                yield from choose(k + 1, cost)
        point[sizes[k]] = 0
        if gate >= 0:
            point[gate] = 0

    def light(s: int, spent: int) -> Iterator[list[int]]:
        if s == len(space.switch_dimensions):
            yield from scale()
            return
        cost = sum(
            int(
                space.layer_prices[k, s, point[i], point[space.gates[i]] if i in space.gates else 0]
            )
            for k, i in enumerate(sizes)
        )
        dimension = int(space.switch_dimensions[s])
        point[dimension] = 0
        yield from light(s + 1, spent)
        if cost > 0 and spent + cost <= space.limit:
            point[dimension] = 1
            yield from light(s + 1, spent + cost)
            point[dimension] = 0

    def scale() -> Iterator[list[int]]:
        if space.multiplier is None:
            yield list(point)
            return
        for value in range(len(space.dimensions[space.multiplier].values)):
            point[space.multiplier] = value
            yield list(point)
        point[space.multiplier] = 0

    yield from choose(0, 0)
