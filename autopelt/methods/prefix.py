"""Prefix (Li and Liang 2021, https://arxiv.org/abs/2101.00190): keys and values before a layer's.

``K' = [P_k ; K]``, ``V' = [P_v ; V]`` with P_k, P_v (n, d_kv), the mask widened by n columns that
every query sees. Deployed: 2·n·d_kv per layer. A gate of mode ``mean`` or ``masked`` multiplies P_k
and P_v (UniPELT); ``token`` adds log g(x) to the scores of the prefix columns, so that g -> 0 takes
the prefix away (scaling would leave it exp(0) of softmax mass).

Reparametrised (``mlp`` = w, the paper's form): the layers of an architecture whose prefix has the
same w share ``E (n_max, d) -> Linear(d, w) -> tanh -> Linear(w, 2·L'·d_kv)`` in training, with
n_max their longest prefix and L' their number; a layer takes the first n rows of its slice. It is
folded into flat vectors afterwards. Trained: n_max·d + (w·d + w) + (w·2·L'·d_kv + 2·L'·d_kv).

Start: flat N(0, 0.02²); E from N(0, 1), both linear maps as `torch.nn.Linear`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from typing_extensions import override

from autopelt.architecture.module import Module
from autopelt.architecture.shapes import Shapes
from autopelt.methods.base import Method, Pelt, Sites, normal, uniform
from autopelt.methods.gate import Gate
from autopelt.methods.prefix_attention import carry, uncarry


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

    def __init__(
        self,
        spec: Module,
        key_value: int,
        gate: Gate | None,
        network: PrefixNetwork | None,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.spec = spec
        self.key_value = key_value
        self.gate = gate
        self.__dict__["network"] = network  # not registered here: the layers share it
        self.keys: nn.Parameter | None = None
        self.values: nn.Parameter | None = None
        if network is None:
            self.keys = normal(generator, spec.size, key_value, std=0.02)
            self.values = normal(generator, spec.size, key_value, std=0.02)

    @override
    def install(self, sites: Sites) -> None:
        assert self.spec.layer is not None
        attention = sites.attention(self.spec.layer)
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
        self.seen = args[0] if args else kwargs["hidden_states"]

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
    def deployed(self) -> int:
        gate = 0 if self.gate is None else sum(p.numel() for p in self.gate.parameters())
        return 2 * self.spec.size * self.key_value + gate

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


class Prefix(Method):
    """Prefix; see the head of this file."""

    name = "prefix"
    locations = ("attention",)
    options = frozenset({"gate", "mlp"})
    # Flat vectors alone would take 1e-2, but beside LoRA or adapters that unsettles both; the
    # network, whose output all layers share, needs far smaller steps.
    learning_rate = 3e-3
    network_learning_rate = 1e-4

    @override
    def ungated(self, module: Module, shapes: Shapes) -> int:
        return 2 * module.size * shapes.key_value

    @override
    def trained(self, modules: Sequence[Module], shapes: Shapes) -> int:
        total = sum(self.deployed(module, shapes) for module in modules)
        for width, group in _by_width(modules).items():
            rows, out = max(m.size for m in group), 2 * len(group) * shapes.key_value
            total -= sum(self.ungated(module, shapes) for module in group)
            total += rows * shapes.hidden + (width * shapes.hidden + width) + (width * out + out)
        return total

    @override
    def shared(
        self, modules: Sequence[Module], shapes: Shapes, generators: Mapping[str, torch.Generator]
    ) -> dict[str, nn.Module]:
        return {
            _network_name(width): PrefixNetwork(
                max(m.size for m in group),
                [m.layer for m in group if m.layer is not None],
                shapes,
                width,
                generators[_network_name(width)],
            )
            for width, group in _by_width(modules).items()
        }

    @override
    def build(
        self,
        module: Module,
        shapes: Shapes,
        gate: nn.Module | None,
        shared: Mapping[str, nn.Module],
        generator: torch.Generator,
    ) -> PrefixModule:
        network = None if module.mlp is None else shared.get(_network_name(module.mlp))
        assert gate is None or isinstance(gate, Gate)
        assert network is None or isinstance(network, PrefixNetwork)
        return PrefixModule(module, shapes.key_value, gate, network, generator)


def _network_name(width: int) -> str:
    return f"prefix_network/{width}"


def _by_width(modules: Sequence[Module]) -> dict[int, list[Module]]:
    groups: dict[int, list[Module]] = {}
    for module in modules:
        if module.mlp is not None:
            groups.setdefault(module.mlp, []).append(module)
    return groups
