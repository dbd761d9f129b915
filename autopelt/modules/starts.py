"""Starting values of LoRA that are computed: from the weight (PiSSA) or from its inputs (EVA)."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from autopelt.architecture.architecture import Architecture
from autopelt.backbones.backbone import Backbone
from autopelt.backbones.shapes import shapes_of_model
from autopelt.methods import check
from autopelt.methods.module import EVA, Module

EXACT = 2048
"""Up to this smaller side all singular vectors are worked out; of a larger matrix the wanted ones,
by subspace iteration."""

TOKENS = 1024
"""Of so many inputs of a map the directions are taken, of more where a rank needs more."""

MOST = 64
"""So many directions are kept, or as many as the largest rank asks for."""

Factors = tuple[torch.Tensor, torch.Tensor]


@torch.no_grad()
def leading(matrix: torch.Tensor, rank: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The leading singular values and vectors U (m, r), S (r,), V (n, r) of a matrix (m, n).

    r is `rank`, or the smaller side where that is less. Signs are such that the largest entry of
    each vector of the smaller side is positive, so that they are the same wherever it runs.
    """
    wide = matrix.shape[0] > matrix.shape[1]
    x = (matrix.T if wide else matrix).double()
    rank = min(rank, len(x))
    if len(x) <= EXACT:
        near = torch.linalg.eigh(x @ x.T).eigenvectors.flip(1)[:, :rank]
    else:
        with torch.random.fork_rng(devices=[x.device] if x.is_cuda else []):
            torch.manual_seed(0)
            near = torch.svd_lowrank(x.float(), rank + 8, niter=16)[0][:, :rank].double()
    largest = near.gather(0, near.abs().argmax(dim=0, keepdim=True))
    near = near * largest.sign()
    far = x.T @ near
    values = far.norm(dim=0)
    far = far / values.clamp_min(torch.finfo(torch.float64).tiny)
    return (far, values, near) if wide else (near, values, far)


class _Known:
    """Factors of the weights of warm backbones; a weight that is gone or changed is forgotten."""

    def __init__(self) -> None:
        self._found: dict[Any, tuple[int, int, Factors]] = {}

    def of(self, whole: torch.Tensor, rows: slice, weight: torch.Tensor, rank: int) -> Factors:
        key = (id(whole), rows.start, rows.stop)
        known = self._found.get(key)
        if known is None or known[0] != whole._version or known[1] < rank:
            if known is None:
                weakref.finalize(whole, self._found.pop, key, None)
            rank = max(rank, MOST)
            u, s, v = leading(weight, rank)
            known = (whole._version, rank, ((u * s.sqrt()).float(), (v * s.sqrt()).float()))
            self._found[key] = known
        return known[2]


_known = _Known()


def principal(whole: torch.Tensor, rows: slice, weight: torch.Tensor, rank: int) -> Factors:
    """B (out, r) and A (r, in): their product is the weight's part of its largest singular values.

    ``B = U_r S_r^½``, ``A = S_r^½ V_rᵀ`` (PiSSA, equations 2 and 3). They are kept for the next
    module on the same weight.

    Args:
        whole: the parameter that holds the weight; `rows` of it are the weight (out, in).
    """
    rank = min(rank, *weight.shape)
    u, v = _known.of(whole, rows, weight, rank)
    return u[:, :rank], v[:, :rank].T


# ------------------------------------------------------------------ of inputs
def wanting(architecture: Architecture) -> list[Module]:
    """The modules that start at the directions of their inputs."""
    return [module for module in architecture.modules if module.start == EVA]


@torch.no_grad()
def input_directions(
    model: PreTrainedModel, architecture: Architecture, batches: Iterable[Mapping[str, Any]]
) -> dict[str, torch.Tensor]:
    """For each site that starts at them, the main directions of its map's inputs.

    Principal directions of the inputs at real tokens, less their mean, the largest first; the bare
    backbone is what gives them, without dropout.

    Args:
        model: nothing is attached to it.
        batches: inputs of the model; no more are taken than are needed.

    Returns:
        Rows (r, in) of length 1 by site (``3/ffn.in``); fewer than the rank where the inputs do not
        span more.
    """
    wanted = wanting(architecture)
    if not wanted:
        return {}
    backbone, shapes = Backbone(model), shapes_of_model(model)
    for module in wanted:
        check(module, shapes)
    rank = max(MOST, *(m.size for m in wanted))
    enough = max(TOKENS, 4 * rank)
    seen: dict[str, list[torch.Tensor]] = {m.site: [] for m in wanted}
    now: dict[str, torch.Tensor] = {}

    def keep(site: str, module: nn.Module, args: tuple[torch.Tensor, ...], output: Any) -> None:
        now[site] = args[0]

    handles = []
    for m in wanted:
        assert m.layer is not None
        place = backbone.linear(m.layer, m.location).module
        handles.append(place.register_forward_hook(partial(keep, m.site)))
    training = model.training
    model.eval()
    try:
        for batch in batches:
            model(**batch)
            _keep_real(now, seen, batch.get("attention_mask"))
            if all(sum(map(len, parts)) >= enough for parts in seen.values()):
                break
    finally:
        model.train(training)
        for handle in handles:
            handle.remove()
    found: dict[int, torch.Tensor] = {}
    directions = {}
    for site, parts in seen.items():
        key = id(parts[0])
        if key not in found:
            found[key] = _directions(torch.cat(parts)[:enough], rank)
        directions[site] = found[key]
    return directions


def _keep_real(
    now: Mapping[str, torch.Tensor], seen: Mapping[str, list[torch.Tensor]], mask: Any
) -> None:
    """Add one pass's inputs at real tokens; maps with one input share them."""
    shared: dict[int, torch.Tensor] = {}
    for site, x in now.items():
        if id(x) not in shared:
            real = isinstance(mask, torch.Tensor) and mask.shape == x.shape[:-1]
            rows = x[mask.bool()] if real else x.flatten(end_dim=-2)
            shared[id(x)] = rows.detach()
        seen[site].append(shared[id(x)])


def _directions(x: torch.Tensor, rank: int) -> torch.Tensor:
    x = x.double()
    _, values, v = leading(x - x.mean(dim=0), min(rank, max(1, len(x) - 1)))
    spanned = values > 1e-9 * values[0]
    return v.T[spanned].float()
