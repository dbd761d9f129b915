"""The point of a bound space that is most like an architecture which the space cannot express.

Hand-made architectures have sizes between those of a list, networks that reparametrise a prefix, or
methods that are not of the space. What is near them is worth looking at all the same.
"""

import math
from collections.abc import Sequence

import numpy as np

from autopelt.architecture.architecture import Architecture
from autopelt.methods.module import Module
from autopelt.space.bound import BoundSpace
from autopelt.space.rates import nearest
from autopelt.space.tables import Vector


def nearest_point(space: BoundSpace, architecture: Architecture) -> Vector | None:
    """Every module where it is, with the nearest size (by its logarithm) and gate that there is.

    What the space has no row for is left out. Over the budget, all sizes go down one by one.

    Returns:
        A feasible point; None where nothing is left of the architecture, or it does not fit.
    """
    modules = {module.key: module for module in architecture.modules}
    point = np.zeros(len(space.dimensions), dtype=np.int64)
    kept = False
    for i, places in space.places.items():
        row = space.row_of(i)
        present: list[Module] = []
        for layer, switch in places:
            keys = ((-1 if layer is None else layer, at, row.method) for at in row.location)
            here = [modules[key] for key in keys if key in modules]
            if here and switch is not None:
                point[switch] = 1
            present += here
        if not present:
            continue
        kept = True
        point[i] = _index(row.sizes, math.prod(1 + m.size for m in present) ** (1 / len(present)))
        if i in space.gates:
            gated = 2 * sum(m.gate is not None for m in present) > len(present)
            point[space.gates[i]] = row.gate.index(gated)
        r = space.dimensions[i].row
        if r in space.variants:
            fits = [sum(map(v.makes, present)) for v in row.variants]
            point[space.variants[r]] = fits.index(max(fits))
    if space.multiplier is not None:
        rates = space.dimensions[space.multiplier].values
        rate = nearest(architecture.learning_rate_multiplier, rates)
        point[space.multiplier] = rates.index(rate)
    sizes = space.size_dimensions
    while kept:
        made = space.all_canonical(point[None])
        if space.all_feasible(made)[0]:
            return tuple(made[0].tolist())
        smaller = np.maximum(point[sizes] - 1, np.minimum(point[sizes], 1))
        kept = bool((smaller < point[sizes]).any())
        point[sizes] = smaller
    return None


def _index(sizes: Sequence[int], grown: float) -> int:
    """Of the sizes above 0 the one whose 1 + size is nearest to `grown` by the logarithm."""
    present = [n for n, size in enumerate(sizes) if size > 0]
    return min(present, key=lambda n: abs(math.log((1 + sizes[n]) / grown)), default=0)
