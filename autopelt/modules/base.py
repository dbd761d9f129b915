"""What a PELT module is, and what it needs to know about the place where it sits.

A *PELT module* (one `torch.nn.Module` per module of an architecture) hooks itself into a backbone.
Hooks are bound methods of the PELT modules, never closures: `copy.deepcopy` and `pickle` then bind
them again to the copy. The backbone's own parameters, modules and names stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, Self

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from autopelt.methods.module import Module
from autopelt.methods.shapes import Shapes


class LinearSite(Protocol):
    """A linear map of the backbone, or one slice of the outputs of a fused one."""

    @property
    def module(self) -> nn.Module:
        """The map."""

    @property
    def start(self) -> int:
        """First output of the slice."""


class BranchSite(Protocol):
    """A sublayer between residual connections."""

    @property
    def input(self) -> nn.Module:
        """Its first input is the sublayer's."""

    @property
    def output(self) -> nn.Module:
        """Its output is the sublayer's."""

    @property
    def norm(self) -> nn.Module | None:
        """The layer norm behind sublayer and residual; None in pre-LN models and in front of it."""


class PromptSite(Protocol):
    """Where rows enter the sequence."""

    @property
    def host(self) -> nn.Module:
        """Runs the stack."""

    @property
    def at(self) -> nn.Module | None:
        """Its output gets the rows; None: the host's inputs do."""

    @property
    def offset(self) -> int:
        """Number of tokens in front of the rows."""

    @property
    def vocabulary(self) -> int:
        """Number of token ids."""

    def start(self, token_ids: torch.Tensor) -> torch.Tensor:
        """Embeddings (n, d) of n token ids, as rows would stand among them."""


class Sites(Protocol):
    """The places of one loaded backbone, found by layer and location."""

    def linear(self, layer: int, location: str) -> LinearSite:
        """A linear map."""

    def branch(self, layer: int, location: str) -> BranchSite:
        """A sublayer."""

    def attention(self, layer: int) -> nn.Module:
        """The module that computes attention."""

    def prompt(self) -> PromptSite:
        """Where prompt rows enter."""


class Pelt(nn.Module):
    """One module of an architecture, hooked into a backbone by `install`.

    Subclasses name in `transient` the attributes that hold activations during a forward pass; they
    are dropped from copies and pickles.
    """

    transient: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        super().__init__()
        self.handles: list[RemovableHandle] = []
        for name in self.transient:
            setattr(self, name, None)

    @classmethod
    def of(
        cls,
        module: Module,
        shapes: Shapes,
        gate: nn.Module | None,
        shared: Mapping[str, nn.Module],
        generator: torch.Generator,
    ) -> Self:
        """Make the module's parameters, initialised from `generator` alone."""
        raise NotImplementedError

    @classmethod
    def networks(
        cls, modules: Sequence[Module], shapes: Shapes, generators: Mapping[str, torch.Generator]
    ) -> dict[str, nn.Module]:
        """Networks that several modules of an architecture share, by name; most have none."""
        return {}

    def install(self, sites: Sites) -> None:
        """Register the hooks."""
        raise NotImplementedError

    def remove(self) -> None:
        """Take the hooks off; the backbone is as before."""
        while self.handles:
            self.handles.pop().remove()

    def deployed(self) -> int:
        """Parameters that remain to ship once reparametrisation networks are folded away."""
        return sum(p.numel() for p in self.parameters())

    def shipped(self) -> dict[str, torch.Tensor]:
        """What remains to ship, by name, with networks folded away; the module is not changed."""
        return dict(self.named_parameters())

    def fold(self) -> None:
        """Replace a reparametrisation network by the values it gives; nothing to do for most."""

    def merge(self, sites: Sites) -> None:
        """Change the backbone's weights as the module changes its outputs, where that is exact.

        The hooks stay until `remove`. To be written by a method whose `not_merged` refuses nothing.
        """
        raise NotImplementedError

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | dict.fromkeys(self.transient)


def normal(generator: torch.Generator, *size: int, std: float) -> nn.Parameter:
    """A parameter drawn from N(0, std²)."""
    return nn.Parameter(torch.empty(*size).normal_(0.0, std, generator=generator))


def uniform(generator: torch.Generator, *size: int, bound: float) -> nn.Parameter:
    """A parameter drawn uniformly from [-bound, bound]."""
    return nn.Parameter(torch.empty(*size).uniform_(-bound, bound, generator=generator))


def zeros(*size: int) -> nn.Parameter:
    """A parameter that starts at zero."""
    return nn.Parameter(torch.zeros(*size))


class Columns(Protocol):
    """What a prefix gives to its attention module."""

    def columns(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Keys and values (B or 1, n, d_kv), and what is added to the scores of their columns.

        That is the gate's logarithm, (B, T or 1, n or 1), or None for nothing.
        """
