"""Feasible points of a bound space: sampling spread over log-parameters, moves, enumeration.

Everything here works on matrices of shape (points, dimensions) of indices, so that hundreds of
points cost a few array operations.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from autopelt.errors import InfeasibleError, parameter
from autopelt.space.blocks import BLOCKS, block_moves
from autopelt.space.bound import BoundSpace
from autopelt.space.rates import odds
from autopelt.space.tables import NEVER, Matrix

FEW = 8
"""Of at most so many learning rates a move may go from each to each other."""

RATE_STEPS = (-4, -2, -1, 1, 2, 4)
"""How far a move goes on a grid of more; its ends can be reached from everywhere."""


# ---------------------------------------------------------------------- sampling
def sample_feasible(space: BoundSpace, rng: np.random.Generator, count: int) -> Matrix:
    """`count` feasible points whose parameter counts are about log-uniform up to the budget.

    Each point draws a target log-uniformly between the smallest architecture and the budget, and a
    share of the space that it uses at all; choices in random order then take random values that
    still fit the target. Nothing is cut down from above, so small and large are equally likely.

    Returns:
        (count, D) canonical points; they may repeat.

    Raises:
        InfeasibleError: no feasible point turned up in 50 rounds.
    """
    batches: list[Matrix] = []
    missing, low = count, max(1, space.minimum, space.smallest)
    high = max(low, min(space.limit, space.largest))
    for _ in range(50):
        many = max(missing, 8) if missing == count else max(2 * missing, 64)
        target = np.full(many, float(high))
        if low < high:
            target = np.exp(rng.uniform(math.log(low), math.log(high), many)).round()
        points = _fill(space, rng, np.clip(target, low, high).astype(np.int64))
        batches.append(points[space.all_feasible(points)][:missing])
        missing -= len(batches[-1])
        if missing == 0:
            return np.concatenate(batches)
    if missing < count:  # feasible points are rare here: repeat those that turned up
        points = np.concatenate(batches)
        return points[rng.integers(len(points), size=count)]
    raise InfeasibleError(
        f"no architecture of space '{space.space.name}' was found between {low:,} and "
        f"{space.limit:,} parameters; widen {parameter('budget')} or lower "
        f"{parameter('min_budget')}."
    )


def _fill(space: BoundSpace, rng: np.random.Generator, target: Matrix) -> Matrix:
    """Points of at most `target` (N,) parameters each, where the space allows; (N, D)."""
    n, k = len(target), len(space.size_dimensions)
    points = np.zeros((n, len(space.dimensions)), dtype=np.int64)
    active = rng.uniform(0.1, 1.0, n)  # how much of the space this point uses at all
    if space.switches:
        points[:, space.switch_dimensions] = _switched_on(space, rng, active, target)
    one_gate = rng.random(n) < 0.5  # half the points have the same gate everywhere
    if space.multiplier is not None:
        share = odds(space.space.learning_rate_multiplier)
        points[:, space.multiplier] = rng.choice(len(share), n, p=share)
    for sizes in space.sizes_by_row.values():
        gates = [space.gates[i] for i in sizes.tolist() if i in space.gates]
        if gates:
            drawn = rng.integers(2, size=(n, len(gates)))
            points[:, gates] = np.where(one_gate[:, None], drawn[:, :1], drawn)
    for dimension in space.variants.values():
        points[:, dimension] = rng.integers(len(space.dimensions[dimension].values), size=n)
    gate = space.gate_choices(points)[:, :, None, None]
    prices = np.take_along_axis(space.price_tables(points), gate, axis=3)[..., 0]  # (N, K, V)
    rows = np.arange(n)
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
    return space.all_canonical(points)


def _switched_on(
    space: BoundSpace, rng: np.random.Generator, active: NDArray[np.float64], target: Matrix
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


# ---------------------------------------------------------------------- moves
def feasible_neighbours(
    space: BoundSpace,
    vector: Sequence[int],
    rng: np.random.Generator | None = None,
    pairs: int | None = None,
) -> Matrix:
    """Feasible points one small change away from a canonical `vector`, each once; (M, D).

    One size up or down by one or two; a module off; a gate, variant, switch or multiplier changed;
    two layers' modules of a row swapped; one step of size moved from one layer to another; a row
    scaled, gated or emptied in all its layers; a layer emptied; a row in a range of layers.

    Args:
        rng, pairs: of the moves between two layers, whose number grows with the square of the
            depth, take at most `pairs`, drawn at random; all of them where None. Of those of
            ranges (`blocks`) not more either.
    """
    start = np.asarray(vector, dtype=np.int64)
    points = np.concatenate(
        [
            *_single_moves(space, start),
            _pair_moves(space, start, rng, pairs),
            block_moves(space, start, rng, BLOCKS if pairs is None else min(BLOCKS, pairs)),
        ]
    )
    points = space.all_canonical(points)
    return unique_points(points[space.all_feasible(points) & (points != start).any(axis=1)])


def unique_points(points: Matrix) -> Matrix:
    """The distinct points, in the order of their first appearance; (N, D) -> (M, D)."""
    first: dict[bytes, int] = {}
    for i, key in enumerate(point_keys(points)):
        first.setdefault(key, i)
    return points[list(first.values())]


def point_keys(points: Matrix) -> list[bytes]:
    """Each point as bytes, for sets of points."""
    small = np.ascontiguousarray(points, dtype=np.int16)
    return [row.tobytes() for row in small]


def _changed(start: Matrix, columns: Sequence[int] | Matrix, values: Matrix | int) -> Matrix:
    """A copy of `start` with other values in some columns; (1, D)."""
    point = start[None].copy()
    point[0, columns] = values
    return point


def _single_moves(space: BoundSpace, start: Matrix) -> list[Matrix]:
    """Changes of one choice, of a whole row, of a whole layer."""
    columns, values = _single_options(space, start)
    points = np.repeat(start[None], len(columns), axis=0)
    points[np.arange(len(columns)), columns] = values
    moves = [points]
    for sizes in space.sizes_by_row.values():
        last = len(space.dimensions[sizes[0]].values) - 1
        present = sizes[start[sizes] > 0]
        if len(present):
            moves += [
                _changed(start, present, np.clip(start[present] + step, 0, last))
                for step in (-1, 1)
            ]
        moves.append(_changed(start, sizes, 0))
        gates = [space.gates[i] for i in sizes.tolist() if i in space.gates]
        moves += [
            _changed(start, gates, g)
            for g in range(len(space.dimensions[gates[0]].values) if gates else 0)
        ]
    return moves + [_changed(start, sizes, 0) for sizes in space.sizes_by_layer.values()]


def _single_options(space: BoundSpace, start: Matrix) -> tuple[Matrix, Matrix]:
    """Dimensions that may change and the value of each change, growing; (M,), (M,)."""
    changes = []
    for i, dimension in enumerate(space.dimensions):
        now, values = int(start[i]), range(len(dimension.values))
        if dimension.kind == "size":  # off is a step of its own only from afar
            options = [0] if now > 2 else []
            options += [v for v in (now - 2, now - 1, now + 1, now + 2) if v in values]
        elif len(values) > FEW:  # the grid of a range of learning rates
            reached = {0, *(now + step for step in RATE_STEPS), len(values) - 1}
            options = [v for v in sorted(reached) if v in values and v != now]
        else:
            options = [v for v in values if v != now]
        changes += [(i, value) for value in options]
    table = np.array(changes, dtype=np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def _pair_moves(
    space: BoundSpace, start: Matrix, rng: np.random.Generator | None, most: int | None
) -> Matrix:
    """Two layers' modules of a row swapped; one step of size moved; one switch for another."""
    pairs: list[tuple[int, int, bool]] = []  # (from, to, whether they are swapped)
    for members in space.sizes_by_row.values():
        size = members.tolist()
        last = len(space.dimensions[size[0]].values) - 1
        for a in size:
            if start[a] == 0:
                continue
            for b in size:
                if a != b and start[a] != start[b] and (a < b or start[b] == 0):
                    pairs.append((a, b, True))
                if a != b and start[b] < last and start[b] + 1 != start[a]:
                    pairs.append((a, b, False))
    switches = space.switch_dimensions.tolist()
    pairs += [(a, b, True) for a in switches for b in switches if start[a] > 0 and start[b] == 0]
    if rng is not None and most is not None and len(pairs) > most:
        pairs = [pairs[i] for i in sorted(rng.choice(len(pairs), most, replace=False).tolist())]
    a, b, swap = np.array(pairs, dtype=np.int64).reshape(-1, 3).T
    points = np.repeat(start[None], len(pairs), axis=0)
    rows = np.arange(len(pairs))
    points[rows, a] = np.where(swap, start[b], start[a] - 1)
    points[rows, b] = np.where(swap, start[a], start[b] + 1)
    gate = np.full(len(start), -1, dtype=np.int64)
    gate[space.size_dimensions] = space.gate_dimensions
    gated = gate[a] >= 0  # a gate goes with its module
    rows, a, b, swap = rows[gated], a[gated], b[gated], swap[gated].astype(bool)
    present = start[b] > 0
    points[rows, gate[b]] = np.where(present & ~swap, start[gate[b]], start[gate[a]])
    points[rows, gate[a]] = np.where(present & swap, start[gate[b]], start[gate[a]])
    return points


# ---------------------------------------------------------------------- enumeration
def _each(points: Matrix, dimension: int, values: int) -> Matrix:
    """Every point with each value of a dimension."""
    count, points = len(points), np.repeat(points, values, axis=0)
    points[:, dimension] = np.tile(np.arange(values), count)
    return points


def enumerate_feasible(space: BoundSpace, most: int) -> Matrix | None:
    """All feasible points where there are at most `most`, else None; (M, D), in a fixed order.

    Choices are made one after another, of all points begun so far at once; a point whose cheapest
    completion is over the budget is dropped, so every one that is kept ends in a point under it.
    """
    enough = 4 * most + 65  # several points may have one canonical form
    always = space.layer_prices[:, -1]  # (K, V, G, O)
    floor = np.where(space.switched, 0, always[:, 0].min(axis=(1, 2)))
    points = np.zeros((1, len(space.dimensions)), dtype=np.int64)
    for dimension in space.variants.values():
        points = _each(points, dimension, len(space.dimensions[dimension].values))
    spent = np.zeros(len(points), dtype=np.int64)
    for k, size in enumerate(space.size_dimensions):  # with its gate
        options = np.array(
            [
                (value, gate)
                for value in range(space.lengths[k])
                for gate in range(space.gate_counts[k] if space.positive[k, value] else 1)
            ]
        )
        variant = space.variant_choices(points)[:, k, None]
        total = spent[:, None] + always[k, options[:, 0], options[:, 1], variant]
        point, option = np.nonzero(total + floor[k + 1 :].sum() <= space.limit)
        points, spent = points[point], total[point, option]
        points[:, size] = options[option, 0]
        if space.gate_dimensions[k] >= 0:
            points[:, space.gate_dimensions[k]] = options[option, 1]
        if len(points) > enough:
            return None
    for s, switch in enumerate(space.switch_dimensions):
        chosen = np.arange(len(space.lengths)), s, points[:, space.size_dimensions]
        more = space.gate_choices(points), space.variant_choices(points)
        price = space.layer_prices[*chosen, *more].sum(axis=1)
        on = (price > 0) & (spent + price <= space.limit)
        point, switched = np.nonzero(np.stack([np.ones_like(on), on], axis=1))
        points, spent = points[point], spent[point] + switched * price[point]
        points[:, switch] = switched
        if len(points) > enough:
            return None
    if space.multiplier is not None:
        points = _each(points, space.multiplier, len(space.space.rates))
    if len(points) > enough:
        return None
    points = space.all_canonical(points)
    points = unique_points(points[space.all_feasible(points)])
    return points if len(points) <= most else None
