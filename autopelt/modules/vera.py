"""The torch module of `autopelt.methods.vera`, where the formula stands."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from typing_extensions import override

from autopelt.methods.module import Module
from autopelt.methods.shapes import Shapes
from autopelt.modules.base import Sites, zeros
from autopelt.modules.linear_delta import Frozen, LinearDelta
from autopelt.modules.peft_forms import PeftForm, is_whole, lora_forms, transposed
from autopelt.modules.pelt import Build

SEED = 0
PROJECTIONS = "vera_projections"


class Projections(nn.Module):
    """A (rank, in), Kaiming uniform, and B (out, rank) in [-1, 1], for the largest map.

    Both are filled rank by rank, so that the first ranks are the same whatever the others are.
    """

    down: torch.Tensor
    up: torch.Tensor

    def __init__(self, rank: int, wide: int, out: int) -> None:
        super().__init__()
        down, up = (
            # The only generator whose numbers NumPy promises to keep.
            torch.from_numpy(np.random.RandomState(SEED + side).uniform(-1, 1, (rank, features)))
            for side, features in enumerate((wide, out))
        )
        self.register_buffer("down", (down * math.sqrt(6 / wide)).float(), persistent=False)
        self.register_buffer("up", up.T.contiguous().float(), persistent=False)


class VeraModule(LinearDelta):
    """One VeRA: b is `outer`, d is `inner`, and B is scaled for inputs of its rank."""

    def __init__(self, build: Build) -> None:
        super().__init__(build)
        self.rank = build.spec.size
        projections = build.networks[PROJECTIONS]
        assert isinstance(projections, Projections)
        self.projections = projections
        self.scale = math.sqrt(6 / self.rank)
        self.outer = zeros(self.out)
        self.inner = nn.Parameter(torch.full((self.rank,), 0.1))

    @classmethod
    @override
    def networks(
        cls,
        modules: Sequence[Module],
        shapes: Shapes,
        generator: Callable[[str], torch.Generator],
    ) -> dict[str, nn.Module]:
        if not modules:
            return {}
        wide, out = (max(sizes) for sizes in zip(*shapes.linear.values(), strict=True))
        return {PROJECTIONS: Projections(max(m.size for m in modules), wide, out)}

    def _maps(self) -> tuple[torch.Tensor, torch.Tensor]:
        """A (r, in) and B (out, r) of this map and rank."""
        shared = self.projections
        return shared.down[: self.rank, : self.wide], shared.up[: self.out, : self.rank]

    @override
    def update(self, x: torch.Tensor, frozen: Frozen) -> torch.Tensor:
        down, up = self._maps()
        return functional.linear(functional.linear(x, down) * self.inner, up) * (
            self.scale * self.outer
        )

    def _as_lora(self) -> tuple[torch.Tensor, torch.Tensor]:
        down, up = self._maps()
        return self.inner[:, None] * down, (self.scale * self.outer)[:, None] * up

    @override
    def delta(self, weight: torch.Tensor) -> torch.Tensor:
        down, up = self._as_lora()
        return up @ down

    @override
    @torch.no_grad()
    def peft_forms(self, sites: Sites) -> Iterator[PeftForm]:
        site = sites.linear(self.layer, self.spec.location)
        if is_whole(site):
            config = {"fan_in_fan_out": transposed(site.module), "save_projection": True}
            yield VeraForm("VERA", site.module, {}, config, {"r": self.rank}, part=self)
        yield from lora_forms(site, *self._as_lora(), self.rank)


@dataclass(frozen=True)
class VeraForm(PeftForm):
    """One VeRA in peft, where all have one rank and the projections are of the largest target."""

    part: VeraModule | None = None

    @override
    @torch.no_grad()
    def among(self, forms: Sequence[PeftForm]) -> PeftForm:
        """With d of the largest rank, zero behind its own, and scaled as B is scaled for it."""
        parts = [form.part for form in forms if isinstance(form, VeraForm) and form.part]
        assert self.part is not None
        rank = max(part.rank for part in parts)
        wide, out = max(part.wide for part in parts), max(part.out for part in parts)
        own, shared = self.part, self.part.projections
        scale = math.sqrt(6 / rank)
        inner = functional.pad(own.inner * (own.scale / scale), (0, rank - own.rank))
        return replace(
            self,
            tensors={"vera_lambda_b": own.outer, "vera_lambda_d": inner},
            own={"r": rank},
            shared={
                "vera_A": shared.down[:rank, :wide],
                "vera_B": shared.up[:out, :rank] * scale,
            },
        )
