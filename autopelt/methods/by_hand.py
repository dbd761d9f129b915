"""Hand-made architectures of one method: the same module at some places of every layer.

A method names its own, and every command knows them: ``--seeds``, ``--methods``, ``show``::

    by_hand = {
        "dora-r8": ByHand(("attention.query", "attention.value")),
        "dora-all-r8": ByHand(("all-linear",)),
        "ia3": ByHand(("attention.key", "attention.value", "ffn.out")),
        "rslora-r64": ByHand(("attention.query", "attention.value"), lambda r: {"alpha": 8 * r}),
    }

A number at the end, behind ``-`` or ``-r``, is the usual size: any other may stand in its place. A
name without one has size 1. Locations may be words for several maps (`places`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from autopelt.methods.module import EMBEDDINGS, Module
from autopelt.methods.places import placed
from autopelt.methods.shapes import Shapes


@dataclass(frozen=True)
class ByHand:
    """Where the modules sit, in every layer that the backbone has.

    Attributes:
        locations: of a layer, or `EMBEDDINGS` alone.
        options: what else is said of each module (``gate``, ``alpha``, …) at a size.
    """

    locations: tuple[str, ...]
    options: Callable[[int], Mapping[str, Any]] = lambda size: {}

    def modules(
        self, method: str, among: Collection[str], size: int, shapes: Shapes
    ) -> tuple[Module, ...]:
        """The modules of a method that may sit `among` these locations, on a backbone."""
        layers = (None,) if self.locations == (EMBEDDINGS,) else range(shapes.layers)
        options = self.options(size)
        return tuple(
            Module(method, at, layer, size, **options)
            for layer in layers
            for at in placed(self.locations, shapes, among)
        )
