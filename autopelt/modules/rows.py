"""Several architectures on one backbone at once, each on its own rows of the batch.

K members share a forward pass: their rows stand one behind the other in one batch of K·B rows,
which goes through each frozen matrix as one product. Where modules sit, the batch is split, each
member's hooks see that member's rows alone, and the parts are joined again. A module does not know
of this: it is installed on a `Place` instead of the backbone's own module.

Splitting is `torch.split`, whose gradient is one concatenation; slices would each make a gradient
of the whole batch's size.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from autopelt.backbones.backbone import Branch, Linear, PromptPlace, Vectors
from autopelt.errors import UsageError
from autopelt.modules.base import Sites


@dataclass
class Rows:
    """Who takes part in the running forward pass.

    Attributes:
        members: their numbers in the order of their rows; each has as many rows as the others.
    """

    members: tuple[int, ...] = ()

    def split(self, value: Any, rows: int) -> list[Any]:
        """One part of a tensor (rows, …) for each member; anything else for each as it is."""
        if isinstance(value, torch.Tensor) and value.dim() and value.shape[0] == rows:
            return list(value.split(rows // len(self.members)))
        return [value] * len(self.members)

    def split_call(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], rows: int | None = None
    ) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
        """What each member would call a module with that is called with the batch.

        Args:
            args, kwargs: of the call.
            rows: of the batch; None: those of the first tensor.
        """
        if rows is None:
            tensors = (v for v in (*args, *kwargs.values()) if isinstance(v, torch.Tensor))
            rows = next((len(tensor) for tensor in tensors if tensor.dim()), None)
        if rows is None:
            raise UsageError(
                "a module that several architectures share was called without a tensor."
            )
        named = [dict.fromkeys(kwargs) for _ in self.members]
        for key, value in kwargs.items():
            for own, part in zip(named, self.split(value, rows), strict=True):
                own[key] = part
        ordered = [self.split(value, rows) for value in args]
        return [(tuple(parts[i] for parts in ordered), own) for i, own in enumerate(named)]


@dataclass
class _Hooks:
    before: OrderedDict[int, tuple[Callable[..., Any], bool]] = field(default_factory=OrderedDict)
    after: OrderedDict[int, Callable[..., Any]] = field(default_factory=OrderedDict)


class Crossing:
    """One module of the backbone at which members' hooks are called, each with its rows."""

    def __init__(self, module: nn.Module, rows: Rows) -> None:
        self.module, self.rows = module, rows
        self.hooks: dict[int, _Hooks] = {}
        self._handles = [
            module.register_forward_pre_hook(self._before, with_kwargs=True),
            module.register_forward_hook(self._after),
        ]

    def of(self, member: int) -> _Hooks:
        """The hooks of one member."""
        return self.hooks.setdefault(member, _Hooks())

    def remove(self) -> None:
        """Take the module's own two hooks off."""
        for handle in self._handles:
            handle.remove()

    def _before(
        self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        members = self.rows.members
        if not any(self.hooks[m].before for m in members if m in self.hooks):
            return None
        changed: list[tuple[Any, ...]] = []
        any_changed = False
        calls = self.rows.split_call(args, kwargs)
        for member, (mine, named) in zip(members, calls, strict=True):
            for hook, with_kwargs in self.of(member).before.values():
                given = hook(module, mine, named) if with_kwargs else hook(module, mine)
                if given is not None:
                    mine, any_changed = given, True
            changed.append(mine)
        if not any_changed:
            return None
        joined = []
        for place, whole in enumerate(args):
            parts = [mine[place] for mine in changed]
            same = all(part is own[place] for part, (own, _) in zip(parts, calls, strict=True))
            joined.append(whole if same else torch.cat(parts))
        return tuple(joined), kwargs

    def _after(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> Any:
        if isinstance(output, tuple):  # of a layer: states, and what is not its members'
            states = self._after(module, args, output[0])
            return None if states is None else (states, *output[1:])
        members = self.rows.members
        if not any(self.hooks[m].after for m in members if m in self.hooks):
            return None
        calls = self.rows.split_call((*args, output), {}, output.shape[0])
        outputs = []
        for member, ((*mine, part), _) in zip(members, calls, strict=True):
            for hook in self.of(member).after.values():
                part = hook(module, tuple(mine), part)
            outputs.append(part)
        return torch.cat(outputs)


class Place(nn.Module):
    """A module of the backbone as one member sees it: hooks get that member's rows.

    Attributes:
        real: the backbone's module.
        member: whose place it is.
    """

    crossing: Crossing
    real: nn.Module
    member: int

    def __init__(self, crossing: Crossing, member: int) -> None:
        super().__init__()
        self.__dict__["crossing"] = crossing  # not a submodule: its weights are the backbone's
        self.__dict__["real"] = crossing.module
        self.member = member

    def register_forward_pre_hook(  # type: ignore[override]  # the two forms that modules use
        self, hook: Callable[..., Any], *, with_kwargs: bool = False
    ) -> RemovableHandle:
        """As torch's, for the member's rows; the hook gives None or all arguments."""
        hooks = self.crossing.of(self.member).before
        handle = RemovableHandle(hooks)
        hooks[handle.id] = (hook, with_kwargs)
        return handle

    def register_forward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:  # type: ignore[override]  # likewise
        """As torch's, for the member's rows; the hook gives the output."""
        hooks = self.crossing.of(self.member).after
        handle = RemovableHandle(hooks)
        hooks[handle.id] = hook
        return handle


@dataclass(frozen=True)
class RowwiseSites:
    """`Sites` of one backbone that several members share; `of` gives them as one member sees them.

    Attributes:
        crossings: by the module's id, the same for all members.
    """

    sites: Sites
    rows: Rows
    member: int = 0
    crossings: dict[int, Crossing] = field(default_factory=dict)

    def of(self, member: int) -> RowwiseSites:
        """The places as one member sees them."""
        return replace(self, member=member)

    def linear(self, layer: int, location: str) -> Linear:
        """A linear map."""
        site = self.sites.linear(layer, location)
        return replace(site, module=self._place(site.module))

    def branch(self, layer: int, location: str) -> Branch:
        """A sublayer."""
        site = self.sites.branch(layer, location)
        norm = None if site.norm is None else self._place(site.norm)
        return Branch(self._place(site.input), self._place(site.output), norm)

    def vectors(self, layer: int, location: str) -> list[Vectors]:
        """All biases of a layer, or the weights and biases of its norms."""
        found = self.sites.vectors(layer, location)
        return [replace(vectors, module=self._place(vectors.module)) for vectors in found]

    def block(self, layer: int) -> nn.Module:
        """A whole layer."""
        return self._place(self.sites.block(layer))

    def attention(self, layer: int) -> nn.Module:
        """The module that computes attention."""
        return self._place(self.sites.attention(layer))

    def masked(self, layer: int) -> nn.Module:
        """What is called with the mask of a layer's tokens, as the member sees it."""
        return self._place(self.sites.masked(layer))

    def prompt(self) -> PromptPlace:
        """Never: rows of different lengths cannot stand in one batch. Raises UsageError."""
        raise UsageError("an architecture with a prompt cannot share a batch; train it alone.")

    def remove(self) -> None:
        """Take every member's hooks off the backbone."""
        while self.crossings:
            self.crossings.popitem()[1].remove()

    def _place(self, module: nn.Module) -> Place:
        if id(module) not in self.crossings:
            self.crossings[id(module)] = Crossing(module, self.rows)
        return Place(self.crossings[id(module)], self.member)


class RowwiseHead:
    """The task head of several members: each head sees its member's rows."""

    def __init__(self, heads: Sequence[nn.Module], rows: Rows) -> None:
        self.heads, self.rows = heads, rows

    def __call__(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        """As the head's own forward pass, for all rows."""
        calls = self.rows.split_call(args, kwargs)
        return torch.cat(
            [
                self.heads[member](*mine, **named)
                for member, (mine, named) in zip(self.rows.members, calls, strict=True)
            ]
        )
