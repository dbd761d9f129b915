"""The torch modules of `autopelt.methods.prefix`, where the formula stands."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from typing_extensions import override

from autopelt.methods.module import Module
from autopelt.methods.prefix import by_width, network_name
from autopelt.methods.shapes import Shapes
from autopelt.modules.base import Sites, first_input, normal, uniform
from autopelt.modules.pelt import Build, Pelt
from autopelt.modules.prefix_attention import carry, uncarry


class PrefixNetwork(nn.Module):
    """The reparametrisation network that the layers share."""

    def __init__(
        self,
        rows: int,
        layers: Sequence[int],
        shapes: Shapes,
        width: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.layers = tuple(layers)
        self.key_value = shapes.key_value
        out = 2 * len(self.layers) * shapes.key_value
        self.rows = normal(generator, rows, shapes.hidden, std=1.0)
        bound = 1 / math.sqrt(shapes.hidden)
        self.inner = uniform(generator, width, shapes.hidden, bound=bound)
        self.inner_bias = uniform(generator, width, bound=bound)
        self.outer = uniform(generator, out, width, bound=1 / math.sqrt(width))
        self.outer_bias = uniform(generator, out, bound=1 / math.sqrt(width))

    def forward(self, layer: int, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values (n, d_kv) of one layer."""
        start = 2 * self.key_value * self.layers.index(layer)
        part = slice(start, start + 2 * self.key_value)
        hidden = torch.tanh(functional.linear(self.rows[:size], self.inner, self.inner_bias))
        both = functional.linear(hidden, self.outer[part], self.outer_bias[part])
        keys, values = both.split(self.key_value, dim=-1)
        return keys, values


class PrefixModule(Pelt):
    """The prefix of one layer: flat parameters, or a reference to the shared network."""

    transient = ("seen",)
    seen: torch.Tensor | None
    network: PrefixNetwork | None

    def __init__(self, build: Build) -> None:
        super().__init__(build)
        spec, width = build.spec, build.shapes.key_value
        self.gate = build.gate
        network = None if spec.mlp is None else build.networks[network_name(spec.mlp)]
        self.__dict__["network"] = network  # not registered here: the layers share it
        self.keys: nn.Parameter | None = None
        self.values: nn.Parameter | None = None
        if network is None:
            self.keys = normal(build.generator, spec.size, width, std=0.02)
            self.values = normal(build.generator, spec.size, width, std=0.02)

    @override
    def install(self, sites: Sites) -> None:
        attention = sites.attention(self.layer)
        carry(attention, self)
        self.__dict__["attention"] = attention
        if self.gate is not None:
            self.handles.append(attention.register_forward_pre_hook(self._keep, with_kwargs=True))

    @override
    def remove(self) -> None:
        super().remove()
        attention = self.__dict__.pop("attention", None)
        if attention is not None:
            uncarry(attention)

    def _keep(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.seen = first_input(args, kwargs)

    def flat(self) -> tuple[torch.Tensor, torch.Tensor]:
        """P_k and P_v (n, d_kv), before the gate."""
        if self.network is not None:
            keys, values = self.network(self.spec.layer, self.spec.size)
            return keys, values
        assert self.keys is not None
        assert self.values is not None
        return self.keys, self.values

    def columns(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Keys and values (B or 1, n, d_kv), gate applied; log gate (B, T, 1) in mode ``token``."""
        keys, values = (part.unsqueeze(0) for part in self.flat())
        if self.gate is None:
            return keys, values, None
        x, self.seen = self.seen, None
        assert x is not None
        if self.gate.mode == "token":
            return keys, values, functional.logsigmoid(self.gate.scores(x))
        gate = self.gate(x)
        return gate * keys, gate * values, None

    @override
    @torch.no_grad()
    def shipped(self) -> dict[str, torch.Tensor]:
        keys, values = self.flat()
        return dict(self.named_parameters()) | {"keys": keys, "values": values}

    @override
    @torch.no_grad()
    def fold(self) -> None:
        if self.network is None:
            return
        keys, values = self.flat()
        self.keys, self.values = nn.Parameter(keys.clone()), nn.Parameter(values.clone())
        self.__dict__["network"] = None

    @classmethod
    @override
    def networks(
        cls,
        modules: Sequence[Module],
        shapes: Shapes,
        generator: Callable[[str], torch.Generator],
    ) -> dict[str, nn.Module]:
        return {
            network_name(width): PrefixNetwork(
                max(m.size for m in group),
                [m.layer for m in group if m.layer is not None],
                shapes,
                width,
                generator(network_name(width)),
            )
            for width, group in by_width(modules).items()
        }
