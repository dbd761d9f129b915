"""What flows where in a layer: the sums of its residual stream, and what each branch is made of.

Read off autograd's graph of one forward pass. An edge is an output of an operation; the layer's
input is a leaf of the graph. The residual stream is the way from the layer's output back to its
input through sums, norms and what only changes shape or scale. What is added on the way is a
branch.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.autograd.graph import get_gradient_edge
from transformers.pytorch_utils import Conv1D

Edge = tuple[Any, int]
"""An operation of the graph, and which of its outputs."""

SHAPES = (
    "View",
    "UnsafeView",
    "ReshapeAlias",
    "Transpose",
    "T",
    "Permute",
    "Squeeze",
    "Unsqueeze",
)
_PLAIN = (*SHAPES, "Expand", "ToCopy", "Clone", "Alias", "Mul", "Div", "Add", "Clamp")
"""Operations that leave one input what it is, if the others are constants or parameters."""

_PRODUCTS = ("Bmm", "Baddbmm")


def edge_of(tensor: torch.Tensor) -> Edge:
    """Where a tensor comes from."""
    edge = get_gradient_edge(tensor)
    return edge.node, edge.output_nr


def inputs(edge: Edge) -> list[Edge]:
    """What an operation reads, without parameters and constants."""
    return [
        (node, index)
        for node, index in edge[0].next_functions
        if node is not None and not isinstance(getattr(node, "variable", None), nn.Parameter)
    ]


def kind(edge: Edge) -> str:
    """The name of an operation: ``Add``."""
    name: str = edge[0].name().rpartition("::")[2]
    return name.partition("Backward")[0]


@dataclass
class Call:
    """What a module read and gave in one pass of its layer.

    Attributes:
        path: inside the layer.
        read, gave: its first tensor and its result; None where there is none, or no single one.
        shape: of the result.
        times: how often it was called.
        order: when it was done.
    """

    path: str
    module: nn.Module
    read: Edge | None = None
    gave: Edge | None = None
    shape: tuple[int, ...] = ()
    times: int = 0
    order: int = 0

    @property
    def linear(self) -> bool:
        """Whether it is a linear map."""
        return isinstance(self.module, nn.Linear | Conv1D)

    @property
    def norm(self) -> bool:
        """Whether it may be a norm: keeps the shape and mixes nothing."""
        return (
            not self.linear
            and next(self.module.children(), None) is None
            and all(p.dim() < 2 for p in self.module.parameters())
        )


@dataclass
class Attended:
    """One attention through `AttentionInterface`: its module, and its tensors."""

    path: str
    query: torch.Tensor
    key: torch.Tensor
    value: torch.Tensor
    gave: Edge


@dataclass
class Branch:
    """What is added to the stream.

    Attributes:
        end: the summand.
        norm: path of the norm behind the sum, None without one.
    """

    end: Edge
    norm: str | None


@dataclass
class Layer:
    """One pass of one layer.

    Attributes:
        index: the layer's number in its list.
        entered, left: the states that it read and gave.
        alone: whether it gave nothing but states.
        others: other states that it may look at, an encoder's.
        calls, outputs: its modules, and what they gave, by path.
        attended: its attentions through `AttentionInterface`.
        stream: the residual stream from end to start, once `branches` has followed it.
    """

    index: int
    entered: torch.Tensor
    left: torch.Tensor | None = None
    alone: bool = True
    others: list[Edge] = field(default_factory=list)
    calls: dict[str, Call] = field(default_factory=dict)
    attended: list[Attended] = field(default_factory=list)
    outputs: dict[str, torch.Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.start = edge_of(self.entered)
        self.stream: list[Edge] = []

    # ------------------------------------------------------------------ the residual stream
    def branches(self) -> list[Branch] | None:
        """The summands from the first to the last; None where the stream cannot be followed."""
        assert self.left is not None
        norms = {c.gave: c for c in self.calls.values() if c.norm and c.gave != c.read}
        edge, norm, found = edge_of(self.left), None, list[Branch]()
        while edge != self.start:
            self.stream.append(edge)
            below = inputs(edge)
            call = norms.get(edge)
            if call is not None and call.read is not None:
                norm, edge = call.path, call.read
            elif len(below) == 1 and kind(edge) in _PLAIN:
                edge = below[0]
            elif kind(edge) == "Add" and len(below) == 2:
                sides = [self._streams(side, norms) for side in below]
                if sides[0] == sides[1]:
                    return None
                branch = below[sides.index(False)]
                found += [Branch(end, norm) for end in self._summands(branch)]
                norm, edge = None, below[sides.index(True)]
            else:
                return None
        self.stream.append(edge)
        return found[::-1]

    def _streams(self, edge: Edge, norms: dict[Any, Call]) -> bool:
        """Whether the layer's input comes here by sums and norms alone."""
        if edge == self.start:
            return True
        below = inputs(edge)
        call = norms.get(edge)
        if call is not None and call.read is not None:
            return self._streams(call.read, norms)
        if kind(edge) not in _PLAIN or (len(below) > 1 and kind(edge) != "Add"):
            return False
        return any(self._streams(side, norms) for side in below)

    def _summands(self, edge: Edge) -> list[Edge]:
        """Parallel branches that are added to one another first; a module's sum is its own."""
        below = inputs(edge)
        own = any(c.gave == edge for c in self.calls.values())
        if own or kind(edge) != "Add" or len(below) != 2:
            return [edge]
        return [end for side in below[::-1] for end in self._summands(side)]

    # ------------------------------------------------------------------ inside a branch
    def walk(self, edge: Edge) -> Iterator[Edge]:
        """All that a branch is made of, down to the stream."""
        stop = {*self.stream, *self.others}
        seen, front = {edge}, [edge]
        while front:
            edge = front.pop()
            yield edge
            for below in inputs(edge):
                if below not in seen and below not in stop:
                    seen.add(below)
                    front.append(below)

    def reads_others(self, edge: Edge) -> bool:
        """Whether a branch looks at states that are not the layer's own."""
        return any(below in self.others for e in self.walk(edge) for below in inputs(e))

    def maps(self) -> dict[Edge, Call]:
        """The linear maps by what they give."""
        return {c.gave: c for c in self.calls.values() if c.linear and c.gave is not None}

    def only(self, end: Edge, used: Collection[Call]) -> bool:
        """Whether a branch has no weights of several dimensions but those of these linear maps."""
        own = {id(call.module.weight) for call in used}
        gave = {call.gave for call in used}
        for edge in self.walk(end):
            variables = (getattr(node, "variable", None) for node, _ in edge[0].next_functions)
            foreign = (v for v in variables if isinstance(v, nn.Parameter) and v.dim() > 1)
            if any(id(v) not in own for v in foreign):
                return False
            if kind(edge) == "_Any" and edge not in gave:
                return False
        return True

    def made_by(self, edge: Edge) -> set[str]:
        """The linear maps that something is made from directly, with no other map between."""
        return {call.path for call in self._sources(edge, self.maps())}

    def _sources(self, edge: Edge, maps: dict[Edge, Call]) -> list[Call]:
        stop = {*self.stream, *self.others}
        seen, front, found = {edge}, [edge], []
        while front:
            edge = front.pop()
            if edge in maps:
                found.append(maps[edge])
                continue
            for below in inputs(edge):
                if below not in seen and below not in stop:
                    seen.add(below)
                    front.append(below)
        return found

    def products(self, end: Edge) -> list[Edge]:
        """Products of two things that both depend on what the layer reads, the last first."""
        return [e for e in self.walk(end) if kind(e) in _PRODUCTS and len(self.factors(e)) == 2]

    def factors(self, product: Edge) -> list[Edge]:
        """The two factors of a product that depend on what the layer reads."""
        return [f for f in inputs(product)[-2:] if self._lives(f)]

    def _lives(self, edge: Edge) -> bool:
        stop = {*self.stream, *self.others}
        return edge in stop or any(below in stop for e in self.walk(edge) for below in inputs(e))

    def site(self, end: Edge) -> str | None:
        """The last module that gives a branch's end as its only result, called once."""
        assert self.left is not None
        while True:
            calls = [c for c in self.calls.values() if c.gave == end and c.times == 1]
            calls = [c for c in calls if _alike(c.shape, tuple(self.left.shape))]
            if calls:
                return max(calls, key=lambda c: c.order).path
            below = inputs(end)
            if len(below) != 1 or kind(end) not in _PLAIN:
                return None
            end = below[0]


def _alike(shape: tuple[int, ...], states: tuple[int, ...]) -> bool:
    """Whether a result has the shape of states, or of their tokens in one row."""
    return shape == states or (len(shape) == 2 and math.prod(shape) == math.prod(states))
