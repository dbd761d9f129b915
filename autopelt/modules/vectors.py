"""What BitFit and LayerNorm tuning share: one vector that is added to several of a layer's own."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn
from typing_extensions import override

from autopelt.methods.base import count_vectors
from autopelt.modules.base import Sites, zeros
from autopelt.modules.pelt import Build, Pelt


class VectorsModule(Pelt):
    """`offset` holds what is added to each vector, one behind the other."""

    def __init__(self, build: Build) -> None:
        super().__init__(build)
        self.offset = zeros(count_vectors(build.spec, build.shapes))

    def of(self, sites: Sites) -> Iterator[tuple[nn.Module, dict[str, slice]]]:
        """Each module with vectors, and for each of their names its place in `offset`."""
        start = 0
        for vectors in sites.vectors(self.layer, self.spec.location):
            places = {}
            for name, size in vectors.sizes.items():
                places[name] = slice(start, start + size)
                start += size
            yield vectors.module, places

    @override
    @torch.no_grad()
    def merge(self, sites: Sites) -> None:
        """Add to each vector its own; exact."""
        for owner, places in self.of(sites):
            for name, place in places.items():
                owner.get_parameter(name).add_(self.offset[place])
