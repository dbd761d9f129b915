"""The torch module of `autopelt.methods.adalora`, and how its ranks are given out in training.

Notation of the paper: I importance of a weight w with gradient g, smoothed, and U how uncertain it
is; β1 = β2 = `SMOOTH`. Of triplet k of a map, its value λ and its columns P_k and Q_k:

    I = β1 I + (1 - β1) |w g|        U = β2 U + (1 - β2) | |w g| - I |        s(w) = I U
    S_k = s(λ_k) + mean_i s(P_ik) + mean_j s(Q_kj)                             (eq. 7 to 11)

After each step the values of all but the b(t) highest S are set to zero (eq. 12), b(t) falling with
a cube from all triplets to the budget between a tenth and half of the steps; a pruned one may come
back until then. To the loss is added γ times the mean over all P and Q of ‖PᵀP - 1‖² and
‖QQᵀ - 1‖² (eq. 4), Frobenius norms.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from torch import nn
from torch.nn import functional
from typing_extensions import override

from autopelt.methods.adalora import first_ranks
from autopelt.methods.module import Module
from autopelt.modules.base import Sites, zeros
from autopelt.modules.linear_delta import Frozen, LinearDelta
from autopelt.modules.peft_forms import PeftForm, lora_forms
from autopelt.modules.pelt import Build, Pelt
from autopelt.modules.upkeep import Upkeep

SMOOTH = 0.85
ORTHOGONAL = 0.1
"""γ, as in most of the paper's experiments."""
BEGIN, END = 0.1, 0.5
"""Of all steps: when pruning begins, and when it is at the budget for good."""


class AdaLoraModule(LinearDelta):
    """P Λ Q while it is trained, B A once it is folded."""

    down: nn.Parameter | None
    up: nn.Parameter | None

    def __init__(self, build: Build) -> None:
        super().__init__(build)
        ranks = first_ranks(build.spec, build.shapes)
        self.left = nn.Parameter(orthonormal(build.generator, self.out, ranks))
        self.right = nn.Parameter(orthonormal(build.generator, self.wide, ranks).T.contiguous())
        self.values = zeros(ranks)
        self.scale = math.sqrt(self.out / 3)
        self.down = self.up = None

    @override
    def update(self, x: torch.Tensor, frozen: Frozen) -> torch.Tensor:
        if self.down is not None and self.up is not None:
            return functional.linear(functional.linear(x, self.down), self.up)
        return functional.linear(functional.linear(x, self.right), self._up())

    @override
    def delta(self, weight: torch.Tensor) -> torch.Tensor:
        made = self.shipped()
        return made["up"] @ made["down"]

    def _up(self) -> torch.Tensor:
        """s·P Λ (out, k): LoRA's B."""
        return self.left * (self.scale * self.values)

    def kept(self) -> torch.Tensor:
        """Numbers of the triplets that are shipped: of an untrained module the first ones."""
        alive = self.left.detach().any(dim=0).nonzero()[:, 0]
        return alive if self.values.detach().any() else alive[: self.spec.size]

    @override
    @torch.no_grad()
    def shipped(self) -> dict[str, torch.Tensor]:
        if self.down is not None and self.up is not None:
            return {"down": self.down, "up": self.up}
        kept = self.kept()
        return {"down": self.right[kept], "up": self._up()[:, kept]}

    @override
    def as_shipped(self) -> Module | None:
        ranks = len(self.shipped()["down"])
        return Module("lora", self.spec.location, self.spec.layer, ranks) if ranks else None

    @override
    @torch.no_grad()
    def fold(self) -> None:
        if self.down is None:
            made = self.shipped()
            self.down, self.up = nn.Parameter(made["down"].clone()), nn.Parameter(made["up"])
            del self.left, self.right, self.values

    @override
    def peft_forms(self, sites: Sites) -> Iterator[PeftForm]:
        site, made = sites.linear(self.layer, self.spec.location), self.shipped()
        yield from lora_forms(site, made["down"], made["up"], len(made["down"]))

    @classmethod
    @override
    def upkeep(cls, modules: Sequence[Pelt], steps: int) -> Upkeep:
        return Allocation([m for m in modules if isinstance(m, cls)], steps)


def orthonormal(generator: torch.Generator, rows: int, columns: int) -> torch.Tensor:
    """Random orthonormal columns; where there are more than rows, the first ones are."""
    drawn = torch.empty(rows, columns).normal_(generator=generator)
    return torch.cat([torch.linalg.qr(part)[0] for part in drawn.split(rows, dim=1)], dim=1)


class Importance:
    """S of the triplets of one module."""

    def __init__(self, module: AdaLoraModule) -> None:
        self._weights = (module.values, module.left, module.right)
        self._smooth = [torch.zeros_like(w) for w in self._weights]
        self._uncertain = [torch.zeros_like(w) for w in self._weights]

    @torch.no_grad()
    def update(self) -> None:
        """Take the gradients of one step into account."""
        for w, smooth, uncertain in zip(self._weights, self._smooth, self._uncertain, strict=True):
            if w.grad is not None:
                now = (w * w.grad).abs()
                smooth.lerp_(now, 1 - SMOOTH)
                uncertain.lerp_((now - smooth).abs(), 1 - SMOOTH)

    def triplets(self) -> torch.Tensor:
        """(k,) S."""
        parts = zip(self._smooth, self._uncertain, strict=True)
        values, left, right = (smooth * uncertain for smooth, uncertain in parts)
        return values + left.mean(dim=0) + right.mean(dim=1)


class Allocation(Upkeep):
    """Prunes the triplets of all modules of one training to the budget.

    Args:
        modules: not folded.
        steps: of the whole training.
    """

    def __init__(self, modules: Sequence[AdaLoraModule], steps: int) -> None:
        self.modules = modules
        self.step, self.begin, self.end = 0, int(BEGIN * steps), int(END * steps)
        self.importance = [Importance(m) for m in modules]
        self._dead: list[torch.Tensor] = []
        shapes: dict[tuple[int, int], list[int]] = {}
        for number, m in enumerate(modules):
            shapes.setdefault((m.wide, m.out), []).append(number)
        self._groups = list(shapes.values())

    @property
    @override
    def settled(self) -> bool:
        return bool(self._dead)

    def budget(self, first: int, last: int) -> int:
        """Triplets that are left of `first` at this step, `last` at the end (eq. 12)."""
        if self.step >= self.end:
            return last
        part = (self.step - self.begin) / max(1, self.end - self.begin)
        return first if part <= 0 else int(last + (first - last) * (1 - part) ** 3)

    @override
    def before_step(self) -> None:
        with torch.enable_grad():
            (ORTHOGONAL * self.off_orthogonal()).backward()

    def off_orthogonal(self) -> torch.Tensor:
        """Mean squared distance of PᵀP and QQᵀ from the identity; of triplets that are left."""
        distances: list[torch.Tensor] = []
        for number, m in enumerate(self.modules):
            alive = ~self._dead[number] if self._dead else slice(None)
            for rows in (m.left.T[alive], m.right[alive]):
                if len(rows):
                    one = torch.eye(len(rows), dtype=rows.dtype, device=rows.device)
                    distances.append((rows @ rows.T - one).square().sum())
        return torch.stack(distances).mean()

    @override
    @torch.no_grad()
    def after_step(self) -> None:
        self.step += 1
        if not self.settled:
            for importance in self.importance:
                importance.update()
            dead = self._pruned()
            for m, gone in zip(self.modules, dead, strict=True):
                m.values[gone] = 0.0
            if self.step >= self.end:
                self._dead = dead
        if self.settled:
            for m, gone in zip(self.modules, self._dead, strict=True):
                m.values[gone] = 0.0
                m.left[:, gone] = 0.0
                m.right[gone] = 0.0

    def _pruned(self) -> list[torch.Tensor]:
        """Of each module which triplets are beyond the budget."""
        scores = [importance.triplets() for importance in self.importance]
        dead = [torch.zeros_like(s, dtype=torch.bool) for s in scores]
        for group in self._groups:
            together = torch.cat([scores[n] for n in group])
            most = self.budget(len(together), sum(self.modules[n].spec.size for n in group))
            gone = torch.ones_like(together, dtype=torch.bool)
            gone[together.topk(most).indices] = False
            for n, part in zip(group, gone.split([len(scores[n]) for n in group]), strict=True):
                dead[n] = part
        return dead
