"""The torch module of `autopelt.methods.lora`, where the formula stands."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch.nn import functional
from typing_extensions import override

from autopelt.methods.module import EVA, PISSA
from autopelt.modules.base import Sites, uniform, zeros
from autopelt.modules.linear_delta import Frozen, LinearDelta
from autopelt.modules.peft_forms import PeftForm, lora_forms
from autopelt.modules.pelt import Build
from autopelt.modules.starts import principal


class LoraModule(LinearDelta):
    """One LoRA.

    Attributes:
        down0, up0: of start ``pissa``, what A and B began at, once the module is installed; None
            for other starts.
    """

    down0: torch.Tensor | None
    up0: torch.Tensor | None

    def __init__(self, build: Build) -> None:
        super().__init__(build)
        rank, alpha = build.spec.size, build.spec.alpha
        self.scale = 1.0 if alpha is None else alpha / rank
        # Kaiming uniform with a = sqrt(5): bound 1 / sqrt(in).
        self.down = uniform(build.generator, rank, self.wide, bound=1 / math.sqrt(self.wide))
        self.up = zeros(self.out, rank)
        if build.spec.start == EVA and (found := build.directions.get(build.spec.site)) is not None:
            with torch.no_grad():
                self.down[: len(found)] = found[:rank]
        self.begun = build.spec.start != PISSA
        self.register_buffer("down0", None)
        self.register_buffer("up0", None)

    @override
    def install(self, sites: Sites) -> None:
        super().install(sites)
        if not self.begun:
            self._begin(self._frozen(sites))

    @torch.no_grad()
    def _begin(self, frozen: Frozen) -> None:
        """Set A and B to A₀ and B₀; ranks beyond the weight's own have none, and B = 0."""
        whole = frozen.module.weight
        assert isinstance(whole, torch.Tensor)
        up, down = principal(whole, frozen.rows, frozen.weight, len(self.down))
        self.down[: len(down)] = down.to(self.down) / math.sqrt(self.scale)
        self.up[:, : len(down)] = up.to(self.up) / math.sqrt(self.scale)
        self.down0, self.up0 = self.down.detach().clone(), self.up.detach().clone()
        self.begun = True

    def _as_one(self) -> tuple[torch.Tensor, torch.Tensor]:
        """A and B, and what they began at, as one LoRA."""
        if self.down0 is None or self.up0 is None:
            return self.down, self.up
        return torch.cat([self.down, self.down0]), torch.cat([self.up, -self.up0], dim=1)

    @override
    def shipped(self) -> dict[str, torch.Tensor]:
        return dict(self.named_parameters()) | dict(self.named_buffers())

    @override
    def fold(self) -> None:
        if not self.begun:  # it is read from a folder, which has these values as well
            self.down0, self.up0 = torch.zeros_like(self.down), torch.zeros_like(self.up)
            self.begun = True

    @override
    def update(self, x: torch.Tensor, frozen: Frozen) -> torch.Tensor:
        update = functional.linear(functional.linear(x, self.down), self.up)
        if self.down0 is not None and self.up0 is not None:
            # Two equal products at the start, so that the difference is 0 to the bit.
            update = update - functional.linear(functional.linear(x, self.down0), self.up0)
        return update if self.scale == 1.0 else update * self.scale

    @override
    def delta(self, weight: torch.Tensor) -> torch.Tensor:
        down, up = self._as_one()
        return self.scale * (up @ down)

    @override
    def peft_forms(self, sites: Sites) -> Iterator[PeftForm]:
        site, (down, up) = sites.linear(self.layer, self.spec.location), self._as_one()
        yield from lora_forms(site, down, up, self.scale * len(down))
