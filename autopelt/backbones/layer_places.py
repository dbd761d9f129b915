"""The places of a layer, by what flows where in it: no name of a module means anything."""

from __future__ import annotations

from typing import Any

import torch
from torch.autograd.graph import GradientEdge

from autopelt.backbones.dataflow import (
    SHAPES,
    Attended,
    Branch,
    Call,
    Edge,
    Layer,
    edge_of,
    inputs,
    kind,
)
from autopelt.backbones.families import Stack
from autopelt.backbones.weightless import BATCH


def stack_of(path: str, layers: list[Layer]) -> Stack:
    """The places of the layers of a list; one that differs may lack some."""
    found = [_places(layer) for layer in layers]
    merged: dict[str, Any] = {}
    for places in reversed(found):
        merged |= {name: value for name, value in places.items() if value is not None}
    causal = all(places.get("causal", True) for places in found)
    return Stack(path, **(merged | {"causal": causal}))


def _places(layer: Layer) -> dict[str, Any]:
    """The attributes of `Stack` in one layer."""
    branches = layer.branches()
    if branches is None:
        return {}
    own = [branch for branch in branches if not layer.reads_others(branch.end)]
    mixing = [branch for branch in own if _mixes(layer, branch)]
    within = [branch for branch in own if branch not in mixing]
    places: dict[str, Any] = {}
    if len(mixing) == 1:
        places |= _attention(layer, mixing[0])
    assert layer.left is not None
    # An average over tokens that come first would be one over the batch.
    first = layer.left.shape[0] != BATCH
    places["causal"] = first or not _reaches(layer.left, [layer.start], 0, -1)
    if len(within) == 1:
        places |= _ffn(layer, within[0])
    return places


def _mixes(layer: Layer, branch: Branch) -> bool:
    """Whether a branch's tokens see one another."""
    path = layer.site(branch.end)
    if path is None:
        return bool(layer.products(branch.end))
    given = layer.outputs[path]
    if given.dim() < 3:  # all tokens in one row
        return False
    return _reaches(given, layer.stream, 0, -1) or _reaches(given, layer.stream, -1, 0)


def _reaches(given: torch.Tensor, read: list[Edge], token: int, other: int) -> bool:
    """Whether a token depends on another one of what is read, the nearest of several."""
    axis = 1 if given.shape[0] == BATCH else 0
    gradients = torch.autograd.grad(
        given.select(axis, token).sum(),
        [GradientEdge(*edge) for edge in read],
        retain_graph=True,
        allow_unused=True,
    )
    nearest = next(gradient for gradient in gradients if gradient is not None)
    return bool((nearest.select(axis, other) != 0).any())


def _attention(layer: Layer, branch: Branch) -> dict[str, Any]:
    places: dict[str, Any] = {"attention_out": layer.site(branch.end)}
    output = layer.made_by(branch.end)
    places["output"] = output.pop() if len(output) == 1 else None
    inside = set(layer.walk(branch.end))
    seen = [a for a in layer.attended if a.gave in inside]
    if len(seen) == 1:
        edges = [edge_of(t) for t in (seen[0].query, seen[0].key, seen[0].value)]
    else:
        edges = _scored(layer, branch.end)
    sources = [layer.made_by(edge) for edge in edges]
    if places["output"] in set().union(*sources):
        places["output"] = None  # values that no map follows
    names = ("query", "key", "value")
    for name, source in zip(names, sources, strict=False):
        used = sum(bool(source & other) for other in sources)
        if len(source) == 1 and used == 1:
            places[name] = next(iter(source))
    if len(sources) == 3 and sources[0] == sources[1] == sources[2] and len(sources[0]) == 1:
        fused = next(iter(sources[0]))
        slices = _thirds(layer, fused, seen[0]) if len(seen) == 1 else None
        places |= dict(zip(names, slices, strict=True)) if slices else {"qkv": fused}
    if len(seen) == 1 and _fits_prefix(layer, places, seen[0]):
        places["attention"] = seen[0].path
    return places


def _scored(layer: Layer, end: Edge) -> list[Edge]:
    """Queries, keys and values of an attention that is computed by products; empty: not clear."""

    def weights(edge: Edge) -> bool:
        return any("Softmax" in kind(e) for e in layer.walk(edge))

    for product in layer.products(end):
        if kind(product).startswith("ScaledDotProduct"):
            return inputs(product)[:3]
        factors = layer.factors(product)
        normed = [weights(factor) for factor in factors]
        if normed[0] != normed[1]:
            scores = [
                p
                for p in layer.products(factors[normed.index(True)])
                if not any(map(weights, layer.factors(p)))
            ]
            if scores:
                return [*layer.factors(scores[0]), factors[normed.index(False)]]
    return []


def _thirds(layer: Layer, fused: str, attended: Attended) -> list[str] | None:
    """Three equal slices, where queries, keys and values are such of a fused map."""
    width, edge = layer.outputs[fused].shape[-1], layer.calls[fused].gave
    assert edge is not None
    gave = GradientEdge(*edge)
    found = []
    for part in (attended.query, attended.key, attended.value):
        (gradient,) = torch.autograd.grad(part.sum(), [gave], retain_graph=True)
        rows = gradient.flatten(0, -2).abs().sum(0).nonzero().flatten().tolist()
        found.append((rows[0], rows[-1] + 1, len(rows)))
    third = width // 3
    for first, end, count in found:
        if (end - first, count) != (third, third) or first % third:
            return None
    return [f"{fused}[{first // third}/3]" for first, _, _ in found]


def _fits_prefix(layer: Layer, places: dict[str, Any], attended: Attended) -> bool:
    """Whether keys and values of the width that shapes tell go into the attention."""
    widths = {t.shape[1] * t.shape[3] for t in (attended.key, attended.value)}
    if places.get("key") and "[" not in places["key"]:
        width = layer.outputs[places["key"]].shape[-1]
    elif places.get("key") or places.get("qkv"):
        fused = (places.get("qkv") or places["key"]).partition("[")[0]
        query = attended.query.shape[1] * attended.query.shape[3]
        width = (layer.outputs[fused].shape[-1] - query) // 2
    else:
        return False
    return widths == {width}


def _ffn(layer: Layer, branch: Branch) -> dict[str, Any]:
    places: dict[str, Any] = {"ffn_output": layer.site(branch.end), "ffn_norm": branch.norm}
    maps, last = layer.maps(), layer.made_by(branch.end)
    used = [maps[e] for e in layer.walk(branch.end) if e in maps]
    first = [call for call in used if call.path not in last]
    read = {call.read for call in first}
    if layer.only(branch.end, used) and len(last) == 1 and len(first) in (1, 2) and len(read) == 1:
        places["ffn_out"] = next(iter(last))
        if len(first) == 2:
            first = _ungated_first(layer, branch.end, first)
        if first:
            places["ffn_in"] = first[0].path
            places["ffn_gate"] = first[1].path if len(first) == 2 else None
            ancestors = [
                c for c in layer.calls.values() if f"{first[0].path}.".startswith(f"{c.path}.")
            ]
            places["ffn_input"] = next(c.path for c in ancestors if c.read in read)
    elif places["ffn_output"]:
        places["ffn_input"] = places["ffn_output"]
    return places


def _ungated_first(layer: Layer, end: Edge, pair: list[Call]) -> list[Call]:
    """Of two maps whose results are multiplied, first the one without an activation."""
    for edge in layer.walk(end):
        sides = inputs(edge)
        if kind(edge) == "Mul" and len(sides) == 2:
            plain = [call for call in pair for side in sides if _same(side, call.gave)]
            if len(plain) == 1:
                return [plain[0], *(call for call in pair if call is not plain[0])]
    return []


def _same(edge: Edge, other: Edge | None) -> bool:
    """Whether one is the other in another shape, or shifted."""
    while edge != other:
        below = inputs(edge)
        if len(below) != 1 or kind(edge) not in (*SHAPES, "Add"):
            return False
        edge = below[0]
    return True
