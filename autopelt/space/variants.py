"""What a row of a space may choose once for all its modules: LoRA's scale and its start.

One choice for the model, not one a layer: scores tell the scales of a method apart, hardly those of
its layers.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from autopelt.methods.lora import stabilised
from autopelt.methods.module import Module

Alpha = Literal["rank", "sqrt"] | float


@dataclass(frozen=True)
class Variant:
    """One alpha and one start.

    Attributes:
        alpha: of LoRA, what its scale alpha / rank is: ``rank``: 1; ``sqrt``: sqrt(8 / rank), so
            that large ranks learn at the rates of small ones (rsLoRA, Kalajdzievski 2023); or a
            number.
        start: of `methods.module.STARTS`, or ``random``.
    """

    alpha: Alpha = "rank"
    start: str = "random"

    @property
    def label(self) -> str:
        """As a study keeps it: ``sqrt eva``."""
        return f"{self.alpha if isinstance(self.alpha, str) else f'{self.alpha:g}'} {self.start}"

    def alpha_of(self, size: int) -> float | None:
        """LoRA's alpha at a rank; None means the rank."""
        if self.alpha == "rank":
            return None
        return stabilised(size) if self.alpha == "sqrt" else self.alpha * size

    def module(self, method: str, at: str, layer: int | None, size: int, gated: bool) -> Module:
        """A module of a row."""
        gate = "auto" if gated else None
        return Module(method, at, layer, size, gate, self.alpha_of(size), start=self.start)

    def makes(self, module: Module) -> bool:
        """Whether a module has this alpha and this start."""
        alpha = module.size if module.alpha is None else module.alpha
        own = self.alpha_of(module.size)
        return alpha == (module.size if own is None else own) and (
            self.start == (module.start or "random")
        )


def variants_of(alphas: Sequence[Alpha], starts: Sequence[str]) -> tuple[Variant, ...]:
    """Each alpha with each start; the first is what a row has that offers no choice."""
    return tuple(Variant(*pair) for pair in itertools.product(alphas, starts))
