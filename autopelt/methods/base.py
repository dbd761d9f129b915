"""What a method is: its facts, its closed-form counts and what each export can say of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from autopelt.methods.by_hand import ByHand
from autopelt.methods.module import Module
from autopelt.methods.shapes import Shapes

Places = Collection[tuple[int, str, str]]
"""The `Module.key` of all modules of an architecture."""


PATTERNS = ("", "/", "\\", "x", "-", "|", "+", ".")
"""Hatchings as Plotly names them; page.css draws the same. With the hues: looks for 56 methods."""


@dataclass(frozen=True)
class PeftStart:
    """How `peft` begins a module that is not trained yet, so that it trains as ours does.

    Attributes:
        config: its class of configurations, ``LoraConfig``.
        own: settings for which peft has patterns (``r``).
        shared: settings that all modules of a configuration share.
        scales_input: whether the map's input is scaled, which IA3 lists.
        decays: whether peft's parameters may have weight decay, as ours are drawn to the same.
    """

    config: str
    own: Mapping[str, float] = field(default_factory=dict)
    shared: Mapping[str, Any] = field(default_factory=dict)
    scales_input: bool = False
    decays: bool = True


class Method(ABC):
    """A kind of module. What no method says of itself is refused in exports.

    Attributes:
        name: as written in an architecture.
        words: as people say it.
        short: the same in the one line that describes an architecture.
        size_word: what its size is; empty: it has none, so a module of it has size 1.
        colour: CSS variable of the report's page that draws it: one hue for each kind of method.
        pattern: hatching, one of `PATTERNS`, that tells it from others of its hue.
        drawn: its place among the methods, from left to right; tens go by kind: from 0 rows at the
            input, 10 keys and values, 20 changes of a weight, 30 vectors, 40 adapters.
        locations: where it may sit, where the backbone has such a place.
        needs: what else the backbone must have, in the words of `Shapes.locations`.
        usual_location: the location that a description leaves out; empty: it names each.
        options: which of `module.OPTIONS` it understands.
        learning_rate: its own default, before an architecture's multiplier; see `rate`.
        network_learning_rate: of a network that reparametrises it; None: the same.
        falls_with_width: whether it is less on wide decoders: so of matrices that take in or give
            out a layer's features, not of vectors and rows.
        usual_rate: what its users give decoders of some billion parameters, where that is known.
        by_hand: hand-made architectures of this method alone, by name; see `by_hand`.
        tended: whether training does more to its modules than an optimiser does
            (`autopelt.modules.upkeep`), so that no loop but autopelt's own can train them.
        reads_weight: when its modules read the frozen weight itself, and not only what it gives:
            ``in each step``; empty: never, or once at the start.
        ships_as: the method that its modules are once they are trained; empty: the same.
    """

    name: str
    words: str
    short: str
    size_word: str
    colour: str
    pattern: str = ""
    drawn: int
    locations: tuple[str, ...]
    usual_location: str
    options: frozenset[str]
    learning_rate: float
    network_learning_rate: float | None = None
    falls_with_width: bool = False
    usual_rate: float | None = None
    needs: tuple[str, ...] = ()
    by_hand: Mapping[str, ByHand] = MappingProxyType({})
    tended: bool = False
    reads_weight: str = ""
    ships_as: str = ""

    @abstractmethod
    def ungated(self, module: Module, shapes: Shapes) -> int:
        """Deployed parameters of one module without its gate."""

    def gate_width(self, module: Module, shapes: Shapes) -> int:
        """Width of the activations that the gate sees."""
        return shapes.hidden

    def cannot_sit(self, module: Module, shapes: Shapes) -> str | None:
        """Why a module cannot sit on a backbone that has its place; None where it can."""
        return None

    def in_words(self, size: int) -> str:
        """``rank 8``; empty for a method without size."""
        return f"{self.size_word} {size}" if self.size_word else ""

    def deployed(self, module: Module, shapes: Shapes) -> int:
        """Deployed parameters of one module."""
        gate = 0 if module.gate is None else self.gate_width(module, shapes) + 1
        return self.ungated(module, shapes) + gate

    def trained(self, modules: Sequence[Module], shapes: Shapes) -> int:
        """Trained parameters of all modules of this method in one architecture."""
        return sum(self.deployed(module, shapes) for module in modules)

    def misfit(self, module: Module, shapes: Shapes) -> str | None:
        """Why a module's size is none on this backbone, None where it is one."""
        return None

    def rate(self, shapes: Shapes) -> float:
        """The learning rate on a backbone, before an architecture's multiplier."""
        return self.learning_rate * (of_width(shapes) if self.falls_with_width else 1.0)

    # ------------------------------------------------------------------ export
    def not_merged(self, module: Module) -> str | None:
        """Why a module cannot be folded into the backbone's weights; None where it can."""
        return "has no known form in the backbone's weights"

    def not_in_peft(self, module: Module) -> str | None:
        """Why `peft` cannot hold a module; None where it can."""
        return "is of a method that peft does not have"

    def peft_start(self, module: Module) -> PeftStart | str:
        """How peft's own training begins a module; or why it trains otherwise than ours."""
        return "is of a method that peft trains otherwise, or not at all"

    def not_in_adapters(self, module: Module, places: Places) -> str | None:
        """Why `adapters` cannot hold a module among others; None where it can."""
        return "is of a method that is not written for adapters"

    def adapters_config(self, module: Module, hidden: int) -> dict[str, Any]:
        """The configuration of an adapter of `adapters`, where it can hold the module."""
        raise NotImplementedError

    def adapters_tensor(self, module: Module, adapter: str, key: str) -> str:
        """The name in `adapters` of our tensor `key`; tensors of one name become one vector."""
        raise NotImplementedError


NARROW = 768
"""Width of the widest backbones on which the methods' own rates were measured."""


def of_width(shapes: Shapes) -> float:
    """Factor on rates of matrices on a decoder wider than 768: 768 / width.

    Adam's rate of a matrix falls as one over the width (Yang et al. 2022, "Tensor Programs V",
    https://arxiv.org/abs/2203.03466, table 3). LoRA's 1e-3 becomes 1.9e-4 at 4,096 and 9.4e-5 at
    8,192 features, where 2e-4 and 1e-4 are usual (Dettmers et al. 2023, "QLoRA",
    https://arxiv.org/abs/2305.14314, table 9).
    """
    return min(1.0, NARROW / shapes.hidden) if shapes.decoder else 1.0


def count_vectors(module: Module, shapes: Shapes) -> int:
    """Parameters of the backbone's vectors at the module's location; layers may differ."""
    return shapes.vectors.get(module.site) or shapes.vectors[module.location]


def linear_shape(module: Module, shapes: Shapes) -> tuple[int, int]:
    """(in, out) of the linear map at the module's location; layers may differ from one another."""
    return shapes.linear.get(module.site) or shapes.linear[module.location]
