"""What the first trials of two real studies scored, as observations of the sampler.

MiniLM, 600 training examples, 400 selection examples, three epochs, 2026-11-30:
``autopelt search --task sst2 --budget 1% --train-examples 600 --selection-examples 400 --epochs 3``
and the same of stsb. What was made by hand, by name with the factor on its own learning rate.
"""

from collections.abc import Mapping
from dataclasses import replace

from closed_form import shapes_of

from autopelt.architecture.counter import ShapeCounter
from autopelt.architecture.seeds import seed_architecture, shrink
from autopelt.samplers.history import Observation
from autopelt.space.bound import BoundSpace
from autopelt.space.space import SearchSpace

SST2 = {
    "unipelt": 0.835, "pt-unipelt": 0.795, "adapter-pfeiffer": 0.855, "adapter-pfeiffer x4": 0.85,
    "head-only": 0.5625, "ia3 x4": 0.85, "sapa x4": 0.84, "sapa": 0.825, "lora-r8": 0.8375,
    "lora-r8 x4": 0.8525, "layer-norm x4": 0.84, "adapter-pfeiffer-1 x4": 0.825,
    "adapter-pfeiffer x8": 0.8225, "lora-r8 x8": 0.8425, "ia3 x8": 0.8325,
}  # fmt: skip
"""Accuracy."""

STSB = {
    "unipelt": 0.7294, "pt-unipelt": 0.3217, "adapter-pfeiffer": 0.7263,
    "adapter-pfeiffer x4": 0.7716, "head-only": 0.1935, "ia3 x4": 0.7767, "sapa x4": 0.7512,
    "sapa": 0.7271, "lora-r8": 0.6789, "lora-r8 x4": 0.7702, "layer-norm x4": 0.7239,
    "adapter-pfeiffer-1 x4": 0.7081, "ia3 x8": 0.1402, "adapter-pfeiffer x8": 0.733,
    "sapa x8": 0.2496,
}  # fmt: skip
"""Mean of Pearson's and Spearman's correlation; at eight times its rate two of three collapsed."""


def mixed_space() -> BoundSpace:
    """The space of both, on MiniLM's shapes, within their budget of 1 %."""
    shapes = shapes_of(6, 384)
    places = (*shapes.locations, "norms")
    shapes = replace(shapes, vectors={"norms": 4 * 384}, locations=places)
    limit = shapes.backbone_parameters // 100
    return BoundSpace(SearchSpace.load("mixed"), shapes, ShapeCounter(shapes), limit)


def observed(space: BoundSpace, scores: Mapping[str, float]) -> list[Observation]:
    """The trials in their order; what is over the budget is shrunk to it, as a search does."""
    found = []
    for number, (name, score) in enumerate(scores.items()):
        plain, _, rate = name.partition(" x")
        whole = seed_architecture(plain, space.shapes)
        made = shrink(whole, space.counter, space.limit)
        assert made is not None
        made = replace(made, learning_rate_multiplier=float(rate or 1))
        size = space.counter.count(made).deployed
        found.append(Observation(number, made, size, None, score))
    return found
