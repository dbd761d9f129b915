"""The torch module of `autopelt.methods.lokr`, where the formula stands."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional
from transformers.pytorch_utils import Conv1D
from typing_extensions import override

from autopelt.methods.lokr import FACTOR, factors, whole
from autopelt.modules.base import Sites, uniform, zeros
from autopelt.modules.linear_delta import Frozen, LinearDelta
from autopelt.modules.peft_forms import NotInPeftError, PeftForm, is_whole, lora_forms
from autopelt.modules.pelt import Build


class LokrModule(LinearDelta):
    """One LoKr; the Kronecker product is made for merging only.

    Attributes:
        left: C (p, q).
        up, down: B (k, r) and A (r, n); or `right` (k, n), where the large factor is one matrix.
    """

    up: nn.Parameter | None
    down: nn.Parameter | None
    right: nn.Parameter | None

    def __init__(self, build: Build) -> None:
        super().__init__(build)
        (q, n), (p, k) = factors(self.wide), factors(self.out)
        rank, random = build.spec.size, build.generator
        self.left = zeros(p, q)
        self.up = self.down = self.right = None
        if whole(build.spec, build.shapes):
            self.right = uniform(random, k, n, bound=1 / math.sqrt(n))
        else:
            self.up = uniform(random, k, rank, bound=1 / math.sqrt(rank))
            self.down = uniform(random, rank, n, bound=1 / math.sqrt(n))

    @override
    def update(self, x: torch.Tensor, frozen: Frozen) -> torch.Tensor:
        """(C ⊗ D) x is C X Dᵀ for x as the rows of X (q, n)."""
        pieces = x.unflatten(-1, (self.left.shape[1], -1))
        for factor in (self.right, self.down, self.up):
            if factor is not None:
                pieces = functional.linear(pieces, factor)
        return (self.left @ pieces).flatten(-2)

    @override
    def delta(self, weight: torch.Tensor) -> torch.Tensor:
        if self.up is None or self.down is None:
            assert self.right is not None
            return torch.kron(self.left, self.right)
        return torch.kron(self.left, self.up @ self.down)

    @override
    @torch.no_grad()
    def peft_forms(self, sites: Sites) -> Iterator[PeftForm]:
        site, rank = sites.linear(self.layer, self.spec.location), self.spec.size
        own = is_whole(site) and not isinstance(site.module, Conv1D)  # peft has it on these only
        if own:
            names = {"lokr_w1": self.left, "lokr_w2_a": self.up, "lokr_w2_b": self.down}
            tensors = {n: t for n, t in (names | {"lokr_w2": self.right}).items() if t is not None}
            settings = {"decompose_factor": FACTOR, "decompose_both": False}
            yield PeftForm("LOKR", site.module, tensors, settings, {"r": rank, "alpha": rank})
        if self.up is not None and self.down is not None:
            # C ⊗ B A = (C ⊗ B) (1 ⊗ A)
            one = torch.eye(self.left.shape[1]).to(self.left)
            down = torch.kron(one, self.down)
            yield from lora_forms(site, down, torch.kron(self.left, self.up), len(down))
        elif not own:
            raise NotInPeftError("has two whole factors, which peft has on whole nn.Linear only")
