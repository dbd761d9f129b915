"""Moves of whole blocks: a row that has one size in a range of layers, and nothing elsewhere.

What can be told in a few words, such as one size in all layers or in the upper half, is tried
before layers are told apart. A row is one of a space's with a size for each layer; R of them on L
layers.
"""

import numpy as np

from autopelt.space.tables import Matrix, PriceTables

BLOCKS = 60
"""At most so many of these moves from one point."""

Move = tuple[int, slice | Matrix, int, int, int]
"""Row, its layers where it is, the size and the gate there, and the row that goes (or -1)."""


def block_moves(
    space: PriceTables, start: Matrix, rng: np.random.Generator | None, most: int = BLOCKS
) -> Matrix:
    """Moves from `start`; `most` of them drawn at random, all of them where `rng` is None; (M, D).

    A row set to one size in all layers (every size), in the upper, lower or middle half (a size
    near the one that it has); a row that reaches one layer further up or down; a row in the layers
    of another one, instead of it; switched-on layers likewise. They may be over the budget, and not
    canonical.
    """
    dimensions, gates = space.rows_by_layer
    sizes = np.where(dimensions >= 0, start[dimensions], 0)
    gated = np.where(gates >= 0, start[gates], 0)
    moves = [move for r in range(len(sizes)) for move in _moves(space, sizes, gated, r)]
    if rng is not None and len(moves) > most:
        moves = [moves[i] for i in np.sort(rng.choice(len(moves), most, replace=False)).tolist()]
    made, opened = np.repeat(sizes[None], len(moves), 0), np.repeat(gated[None], len(moves), 0)
    for n, (r, layers, size, gate, gone) in enumerate(moves):
        if gone < 0 and isinstance(layers, slice):
            made[n, r] = 0
        elif gone >= 0:
            made[n, gone] = 0
        made[n, r, layers] = size
        opened[n, r, layers] = gate
    points = np.repeat(start[None], len(moves), axis=0)
    points[:, dimensions[dimensions >= 0]] = made[:, dimensions >= 0]
    points[:, gates[gates >= 0]] = opened[:, gates >= 0]
    return np.concatenate([points, _switched(space, start)])


def _moves(space: PriceTables, sizes: Matrix, gates: Matrix, r: int) -> list[Move]:
    """Those of one row; sizes and gates are indices, (R, L)."""
    dimensions = space.rows_by_layer[0]
    there = np.flatnonzero(dimensions[r] >= 0)
    present = np.flatnonzero(sizes[r])
    last = len(space.dimensions[dimensions[r, there[0]]].values) - 1
    size, gate = 0, 0
    if len(present):  # what it has most often, of equals the smallest
        size, gate = divmod(int(np.bincount(2 * sizes[r, present] + gates[r, present]).argmax()), 2)
    near = [n for n in (size - 1, size, size + 1) if 0 < n <= last] if size else [(last + 1) // 2]
    first, end = int(there[0]), int(there[-1]) + 1
    moves: list[Move] = [(r, slice(first, end), n, gate, -1) for n in range(1, last + 1)]
    half, quarter = (end - first) // 2, (end - first) // 4
    for low, high in ((first + half, end), (first, end - half), (first + quarter, end - quarter)):
        moves += [(r, slice(low, high), n, gate, -1) for n in near if n > 0 and high > low]
    if not len(present):
        return moves
    for at, to in ((int(present[0]), -1), (int(present[-1]), 1)):
        if 0 <= at + to < sizes.shape[1] and dimensions[r, at + to] >= 0:
            further = np.array([at + to])
            moves.append((r, further, int(sizes[r, at]), int(gates[r, at]), -1))
    for other in range(len(sizes)):
        layers = present[dimensions[other, present] >= 0]
        if other != r and len(layers):
            most = len(space.dimensions[dimensions[other, layers[0]]].values) - 1
            moves.append((other, layers, min(size, most), gate, r))
    return moves


def _switched(space: PriceTables, start: Matrix) -> Matrix:
    """Layers switched on in a range, or one layer further up or down; (M, D)."""
    switches = space.switch_dimensions
    count = len(switches)
    if count < 2:
        return start[None][:0]
    half, quarter = count // 2, count // 4
    ranges = [(0, count), (half, count), (0, count - half), (quarter, count - quarter)]
    on = np.flatnonzero(start[switches])
    if len(on):
        ranges += [(max(0, on[0] - 1), on[-1] + 1), (on[0], min(count, on[-1] + 2))]
    places = np.arange(count)
    first, end = np.array(ranges).T
    points = np.repeat(start[None], len(ranges), axis=0)
    points[:, switches] = (places >= first[:, None]) & (places < end[:, None])
    return points
