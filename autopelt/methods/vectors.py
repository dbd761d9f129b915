"""What BitFit and LayerNorm tuning are: an offset to each of a layer's own vectors of one kind."""

from __future__ import annotations

from typing_extensions import override

from autopelt.methods.base import Method, count_vectors
from autopelt.methods.module import Module
from autopelt.methods.shapes import Shapes


class Vectors(Method):
    """A method without a size: it is there or not. Merging adds the offsets; exact."""

    size_word = ""
    colour = "--brown"
    options = frozenset()

    @override
    def ungated(self, module: Module, shapes: Shapes) -> int:
        return count_vectors(module, shapes)

    @override
    def not_merged(self, module: Module) -> str | None:
        return None
