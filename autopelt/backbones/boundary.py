"""Start a forward pass at a layer boundary, or stop it there.

Boundary b lies in front of layer b: below it are embeddings and layers 0 to b - 1, above it layers
b and up, what follows the last layer, and the head. The family's own forward makes masks and
position information; layers below the boundary merely hand on, and the last of them hands on the
states that were computed before. Nothing of the model changes but the instance attribute
``forward`` of those layers, which goes away again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from autopelt.backbones.backbone import Backbone


class _Reached(Exception):  # noqa: N818 - it carries a result
    """The boundary's states are there; nothing above is needed."""


class Feed:
    """What the layer below the boundary gives: set `states` before each forward pass.

    Attributes:
        states: (rows, tokens, hidden).
    """

    def __init__(self) -> None:
        self.states: torch.Tensor | None = None


def has_boundaries(backbone: Backbone) -> bool:
    """Whether a pass can start at a layer: not in an encoder-decoder, which has two stacks."""
    family = backbone.family
    return family.boundaries and len(family.stacks) == 1 and bool(backbone.layers)


@contextmanager
def starting_at(backbone: Backbone, boundary: int) -> Iterator[Feed]:
    """While it is open, every forward pass of the model starts at the boundary.

    Args:
        backbone: with hooks on layers `boundary` and up only.
        boundary: 1 to the number of layers.
    """
    feed = Feed()
    below = [layer for _, layer in backbone.layers[:boundary]]
    if not below:
        raise ValueError("there is no layer below boundary 0")
    try:
        for layer in below:
            layer.__dict__["forward"] = _hand_on(layer, feed if layer is below[-1] else None)
        yield feed
    finally:
        for layer in below:
            layer.__dict__.pop("forward", None)


def _hand_on(layer: nn.Module, feed: Feed | None) -> Callable[..., Any]:
    pair = gives_pair(layer)

    def forward(*args: Any, **kwargs: Any) -> Any:
        given = args[0] if args else kwargs["hidden_states"]
        states = given if feed is None else feed.states
        return (states, None) if pair else states

    return forward


def gives_pair(layer: nn.Module) -> bool:
    """Whether a layer returns (states, attention weights); the others return states alone."""
    return type(layer).__name__ == "DebertaV2Layer"


def states_at(backbone: Backbone, boundary: int, run: Callable[[], object]) -> torch.Tensor:
    """The states (rows, tokens, hidden) at a boundary in the pass that `run` makes.

    The pass ends there: nothing above is computed.
    """
    found: list[torch.Tensor] = []

    def stop(layer: nn.Module, args: Any, output: Any) -> None:
        found.append(output[0] if gives_pair(layer) else output)
        raise _Reached

    handle = backbone.layers[boundary - 1][1].register_forward_hook(stop)
    try:
        run()
    except _Reached:
        return found[0]
    finally:
        handle.remove()
    raise RuntimeError(f"no forward pass came to layer {boundary - 1}")
