"""Several architectures on one backbone at once, each on its own rows of the batch.

K members share a forward pass: their rows stand one behind the other in one batch of K·B rows,
which goes through each frozen matrix as one product. Where modules sit, the batch is split, each
member's hooks see that member's rows alone, and the parts are joined again. A module does not know
of this: it is installed on a `Place` instead of the backbone's own module.

Splitting is `torch.split`, whose gradient is one concatenation; slices would each make a gradient
of the whole batch's size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from autopelt.errors import UsageError
from autopelt.modules.base import BranchSite, LinearSite, PromptSite, Sites


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


@dataclass(frozen=True)
class _Registered:
    """What `torch` returns for a hook; `remove` takes it off again."""

    hooks: list[Any]
    entry: Any

    def remove(self) -> None:
        """Take the hook off."""
        self.hooks.remove(self.entry)


@dataclass
class _Hooks:
    before: list[tuple[Callable[..., Any], bool]] = field(default_factory=list)
    after: list[Callable[..., Any]] = field(default_factory=list)


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
        rows = batch_rows(args, kwargs)
        split_args = [self.rows.split(value, rows) for value in args]
        split_kwargs = {key: self.rows.split(value, rows) for key, value in kwargs.items()}
        changed: list[tuple[Any, ...]] = []
        any_changed = False
        for i, member in enumerate(members):
            mine = tuple(parts[i] for parts in split_args)
            named = {key: parts[i] for key, parts in split_kwargs.items()}
            for hook, with_kwargs in self.of(member).before:
                made = hook(module, mine, named) if with_kwargs else hook(module, mine)
                if made is not None:
                    mine, any_changed = made, True
            changed.append(mine)
        if not any_changed:
            return None
        joined = tuple(
            torch.cat([mine[place] for mine in changed])
            if any(mine[place] is not parts[i] for i, mine in enumerate(changed))
            else args[place]
            for place, parts in enumerate(split_args)
        )
        return joined, kwargs

    def _after(self, module: nn.Module, args: tuple[Any, ...], output: torch.Tensor) -> Any:
        members = self.rows.members
        if not any(self.hooks[m].after for m in members if m in self.hooks):
            return None
        rows = output.shape[0]
        split_args = [self.rows.split(value, rows) for value in args]
        made = []
        for i, (member, part) in enumerate(
            zip(members, self.rows.split(output, rows), strict=True)
        ):
            mine = tuple(parts[i] for parts in split_args)
            for hook in self.of(member).after:
                part = hook(module, mine, part)
            made.append(part)
        return torch.cat(made)


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
    ) -> _Registered:
        """As torch's, for the member's rows; the hook gives None or all arguments."""
        hooks = self.crossing.of(self.member).before
        hooks.append((hook, with_kwargs))
        return _Registered(hooks, (hook, with_kwargs))

    def register_forward_hook(self, hook: Callable[..., Any]) -> _Registered:  # type: ignore[override]  # likewise
        """As torch's, for the member's rows; the hook gives the output."""
        hooks = self.crossing.of(self.member).after
        hooks.append(hook)
        return _Registered(hooks, hook)


@dataclass(frozen=True)
class _LinearPlace:
    module: nn.Module
    start: int


@dataclass(frozen=True)
class _BranchPlace:
    input: nn.Module
    output: nn.Module
    norm: nn.Module | None


class SharedSites:
    """The places of one backbone for several members; `of` gives those of one."""

    def __init__(self, sites: Sites, rows: Rows) -> None:
        self.sites, self.rows = sites, rows
        self._crossings: dict[int, Crossing] = {}

    def of(self, member: int) -> MemberSites:
        """The places as one member sees them."""
        return MemberSites(self, member)

    def place(self, module: nn.Module, member: int) -> Place:
        """One member's view of a module."""
        crossing = self._crossings.get(id(module))
        if crossing is None:
            crossing = self._crossings[id(module)] = Crossing(module, self.rows)
        return Place(crossing, member)

    def remove(self) -> None:
        """Take every hook off the backbone."""
        for crossing in self._crossings.values():
            crossing.remove()
        self._crossings.clear()


@dataclass(frozen=True)
class MemberSites:
    """`Sites` for one member's modules."""

    shared: SharedSites
    member: int

    def linear(self, layer: int, location: str) -> LinearSite:
        """A linear map."""
        site = self.shared.sites.linear(layer, location)
        return _LinearPlace(self._place(site.module), site.start)

    def branch(self, layer: int, location: str) -> BranchSite:
        """A sublayer."""
        site = self.shared.sites.branch(layer, location)
        norm = None if site.norm is None else self._place(site.norm)
        return _BranchPlace(self._place(site.input), self._place(site.output), norm)

    def attention(self, layer: int) -> nn.Module:
        """The module that computes attention."""
        return self._place(self.shared.sites.attention(layer))

    def prompt(self) -> PromptSite:
        """Never: rows of different lengths cannot stand in one batch. Raises UsageError."""
        raise UsageError("an architecture with a prompt cannot share a batch; train it alone.")

    def _place(self, module: nn.Module) -> Place:
        return self.shared.place(module, self.member)


class RowwiseHead:
    """The task head of several members: each head sees its member's rows."""

    def __init__(self, heads: Sequence[nn.Module], rows: Rows) -> None:
        self.heads, self.rows = heads, rows

    def __call__(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        """As the head's own forward pass, for all rows."""
        rows = batch_rows(args, kwargs)
        split_args = [self.rows.split(value, rows) for value in args]
        split_kwargs = {key: self.rows.split(value, rows) for key, value in kwargs.items()}
        return torch.cat(
            [
                self.heads[member](
                    *(parts[i] for parts in split_args),
                    **{key: parts[i] for key, parts in split_kwargs.items()},
                )
                for i, member in enumerate(self.rows.members)
            ]
        )


def batch_rows(args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    """Rows of the batch that a module is called with: those of its first tensor."""
    for value in (*args, *kwargs.values()):
        if isinstance(value, torch.Tensor) and value.dim():
            return int(value.shape[0])
    raise UsageError("a module that several architectures share was called without a tensor.")
