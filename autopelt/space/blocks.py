"""Moves of whole blocks: a row that has one size in a range of layers, and nothing elsewhere.

What can be told in a few words, such as one size in all layers or in the upper half, is tried
before layers are told apart. Points are (D,) vectors, moves (M, D) matrices.
"""

from collections import Counter

import numpy as np

from autopelt.space.tables import Matrix, PriceTables

BLOCKS = 60
"""At most so many of these moves from one point."""

Block = tuple[Matrix, int, int, int, int]
"""A row's size dimensions, first and last place among them, the size and the gate there."""


def block_moves(
    space: PriceTables, start: Matrix, rng: np.random.Generator | None, most: int = BLOCKS
) -> Matrix:
    """Moves from `start`; `most` of them drawn at random, all of them where `rng` is None.

    A row set to one size in all layers (every size), in the upper, lower or middle half (a size
    near the one that it has); a row that reaches one layer further up or down; a row in the layers
    of another one, instead of it; switched-on layers likewise.
    """
    rows = [row for row in space.sizes_by_row.values() if len(row) > 1]
    points = [_switched(space, start)]
    for row in rows:
        points += [_with(space, start, block) for block in _blocks(space, start, row)]
        points += _further(space, start, row)
        points += [_instead(space, start, row, other) for other in rows if other is not row]
    made = np.concatenate(points)
    if rng is None or len(made) <= most:
        return made
    return made[np.sort(rng.choice(len(made), most, replace=False))]


def _ranges(count: int) -> list[tuple[int, int]]:
    """First and last of all, the upper, the lower and the middle half of `count` layers."""
    half, quarter = count // 2, count // 4
    halves = [(half, count - 1), (0, count - 1 - half), (quarter, count - 1 - quarter)]
    return list(dict.fromkeys([(0, count - 1), *halves]))


def _usual(space: PriceTables, start: Matrix, row: Matrix) -> tuple[int, int]:
    """Size and gate (indices) that a row has most often; size 0 where it is absent."""
    present = row[start[row] > 0]
    if not len(present):
        return 0, 0
    gates = [int(start[space.gates[i]]) if i in space.gates else 0 for i in present.tolist()]
    return Counter(zip(start[present].tolist(), gates, strict=True)).most_common(1)[0][0]


def _blocks(space: PriceTables, start: Matrix, row: Matrix) -> list[Block]:
    last = len(space.dimensions[row[0]].values) - 1
    size, gate = _usual(space, start, row)
    near = [n for n in (size - 1, size, size + 1) if 0 < n <= last] if size else [(last + 1) // 2]
    whole, *parts = _ranges(len(row))
    blocks = [(row, *whole, n, gate) for n in range(1, last + 1)]
    return blocks + [(row, *part, n, gate) for part in parts for n in near if n > 0]


def _with(space: PriceTables, start: Matrix, block: Block) -> Matrix:
    """The point with a row that has one block and nothing beside it; (1, D)."""
    row, first, last, size, gate = block
    point = start[None].copy()
    point[0, row] = 0
    inside = row[first : last + 1]
    point[0, inside] = size
    point[0, [space.gates[i] for i in inside.tolist() if i in space.gates]] = gate
    return point


def _further(space: PriceTables, start: Matrix, row: Matrix) -> list[Matrix]:
    """The lowest or the highest module of a row stands in the next layer as well."""
    present = np.flatnonzero(start[row])
    if not len(present):
        return []
    moves = []
    for at, to in ((present[0], present[0] - 1), (present[-1], present[-1] + 1)):
        if 0 <= to < len(row):
            point = start[None].copy()
            point[0, row[to]] = start[row[at]]
            if row[at] in space.gates:
                point[0, space.gates[row[to]]] = start[space.gates[row[at]]]
            moves.append(point)
    return moves


def _instead(space: PriceTables, start: Matrix, row: Matrix, other: Matrix) -> Matrix:
    """`other`, of the size that is as far up its list, in the layers of `row`; (1 or 0, D)."""
    size, gate = _usual(space, start, row)
    layers = {space.dimensions[i].layer for i in row[start[row] > 0].tolist()}
    there = [i for i in other.tolist() if space.dimensions[i].layer in layers]
    if not there:
        return start[None][:0]
    point = start[None].copy()
    point[0, row] = 0
    point[0, there] = min(size, len(space.dimensions[other[0]].values) - 1)
    point[0, [space.gates[i] for i in there if i in space.gates]] = gate
    return point


def _switched(space: PriceTables, start: Matrix) -> Matrix:
    """Layers switched on in one of the ranges, or one layer further up or down; (M, D)."""
    switches = space.switch_dimensions
    if len(switches) < 2:
        return start[None][:0]
    on = np.flatnonzero(start[switches])
    ranges = _ranges(len(switches))
    if len(on):
        ranges += [(max(0, on[0] - 1), on[-1]), (on[0], min(len(switches) - 1, on[-1] + 1))]
    places = np.arange(len(switches))
    points = np.repeat(start[None], len(ranges), axis=0)
    first, last = np.array(ranges).T
    points[:, switches] = (places >= first[:, None]) & (places <= last[:, None])
    return points
