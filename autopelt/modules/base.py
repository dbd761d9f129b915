"""What is hooked into a backbone, and the places where it may sit.

Hooks are bound methods of modules, never closures: `copy.deepcopy` and `pickle` then bind them
again to the copy. The backbone's own parameters, modules and names stay as they are.
"""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from autopelt.backbones.backbone import Branch, Linear, PromptPlace, Vectors


class Sites(Protocol):
    """The places of one loaded backbone, found by layer and location."""

    def linear(self, layer: int, location: str) -> Linear:
        """A linear map."""

    def branch(self, layer: int, location: str) -> Branch:
        """A sublayer."""

    def vectors(self, layer: int, location: str) -> list[Vectors]:
        """All biases of a layer, or the weights and biases of its norms."""

    def block(self, layer: int) -> nn.Module:
        """A whole layer."""

    def attention(self, layer: int) -> nn.Module:
        """The module that computes attention."""

    def masked(self, layer: int) -> nn.Module:
        """What is called with the mask of a layer's tokens."""

    def prompt(self) -> PromptPlace:
        """Where prompt rows enter."""


class Hooked(nn.Module):
    """A module with hooks in a backbone, from `install` to `remove`.

    Subclasses name in `transient` the attributes that hold activations during a forward pass; they
    are dropped from copies and pickles.
    """

    transient: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        super().__init__()
        self.handles: list[RemovableHandle] = []
        for name in self.transient:
            setattr(self, name, None)

    def install(self, sites: Sites) -> None:
        """Register the hooks."""
        raise NotImplementedError

    def remove(self) -> None:
        """Take the hooks off; the backbone is as before."""
        while self.handles:
            self.handles.pop().remove()

    def shipped(self) -> dict[str, torch.Tensor]:
        """What remains to ship, by name, with networks folded away; the module is not changed."""
        return dict(self.named_parameters())

    def fold(self) -> None:
        """Replace a reparametrisation network by the values it gives; nothing to do for most."""

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | dict.fromkeys(self.transient)


class Columns(Protocol):
    """What a prefix gives to its attention module."""

    def columns(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Keys and values (B or 1, n, d_kv), and what is added to the scores of their columns.

        That is the gate's logarithm, (B, T or 1, n or 1), or None for nothing.
        """


def first_input(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The states that a layer's part is called with, by position or by name."""
    return args[0] if args else kwargs["hidden_states"]


def normal(generator: torch.Generator, *size: int, std: float) -> nn.Parameter:
    """A parameter drawn from N(0, std²)."""
    return nn.Parameter(torch.empty(*size).normal_(0.0, std, generator=generator))


def uniform(generator: torch.Generator, *size: int, bound: float) -> nn.Parameter:
    """A parameter drawn uniformly from [-bound, bound]."""
    return nn.Parameter(torch.empty(*size).uniform_(-bound, bound, generator=generator))


def zeros(*size: int) -> nn.Parameter:
    """A parameter that starts at zero."""
    return nn.Parameter(torch.zeros(*size))
