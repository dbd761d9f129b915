"""One module of an architecture as torch trains it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import nn

from autopelt.methods.module import Module
from autopelt.methods.shapes import Shapes
from autopelt.modules.base import Hooked, Sites
from autopelt.modules.gate import Gate
from autopelt.modules.peft_forms import PeftForm
from autopelt.modules.upkeep import Upkeep


@dataclass(frozen=True)
class Build:
    """What a module is made from.

    Attributes:
        spec: the module of the architecture.
        shapes: the backbone's.
        gate: its gate, None without one.
        networks: what several modules of the architecture share, by name.
        generator: all that is random in the start comes from it.
        directions: main directions of a map's inputs, (r, in) by site; see `starts`.
    """

    spec: Module
    shapes: Shapes
    gate: Gate | None
    networks: Mapping[str, nn.Module]
    generator: torch.Generator
    directions: Mapping[str, torch.Tensor] = field(default_factory=dict)


class Pelt(Hooked):
    """One module of an architecture, made from a `Build`; a subclass for each method."""

    def __init__(self, build: Build) -> None:
        super().__init__()
        self.spec = build.spec

    @property
    def layer(self) -> int:
        """The layer of a module that is not at the embeddings."""
        assert self.spec.layer is not None
        return self.spec.layer

    @classmethod
    def networks(
        cls,
        modules: Sequence[Module],
        shapes: Shapes,
        generator: Callable[[str], torch.Generator],
    ) -> dict[str, nn.Module]:
        """Networks that several modules of an architecture share, by name; most have none.

        Args:
            modules: all of this method.
            shapes: the backbone's.
            generator: gives the randomness of a network by its name.
        """
        return {}

    def read(self, sites: Sites) -> None:
        """Keep what `merge` needs of frozen weights; called before another module changes them."""

    @classmethod
    def upkeep(cls, modules: Sequence[Pelt], steps: int) -> Upkeep | None:
        """What happens beside the optimiser in a training of so many steps; for most nothing.

        Args:
            modules: all of this method, on the device where they are trained.
        """
        return None

    def as_shipped(self) -> Module | None:
        """The module that `shipped` gives the tensors of; None for nothing. Most stay the same."""
        return self.spec

    def merge(self, sites: Sites) -> None:
        """Change the backbone's weights as the module changes its outputs, where that is exact.

        The hooks stay until `remove`. To be written by a method whose `not_merged` refuses nothing.
        """
        raise NotImplementedError

    def peft_forms(self, sites: Sites) -> Iterator[PeftForm]:
        """What the module is in `peft`, its own type first, then what else is exactly the same.

        To be written by a method whose `not_in_peft` refuses nothing.

        Raises:
            NotInPeftError: the place is in the way.
        """
        raise NotImplementedError
