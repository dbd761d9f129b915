"""Seed architectures: hand-made ones by name, and how one is shrunk to fit a budget.

Sizes follow the papers, scaled to the backbone's width d where the paper gives a reduction factor:

====================  =============================================================================
``unipelt``           UniPELT (Mao et al. 2022): prefix 10 with a network of width 512, sequential
                      adapter d/16, LoRA 8 on query and value, all gated
``unipelt-ap``        UniPELT without LoRA
``pt-unipelt``        UniPELT and a prompt of 10 rows
``mam``               Mix-and-match (He et al. 2022): prefix 30 with a network of width 800,
                      parallel adapter d/2
``adapter-pfeiffer``  sequential adapter d/16 at the FFN (Pfeiffer et al. 2021)
``adapter-houlsby``   sequential adapter d/16 at attention and FFN (Houlsby et al. 2019)
``adapter-parallel``  parallel adapter d/2 (He et al. 2022)
``sapa``              sequential and parallel adapter, d/16 each, on one FFN
``sapa-N``            sapa with N as every size; so adapter-pfeiffer-N, -houlsby-N, -parallel-N
``adapterdrop-K``     adapter-pfeiffer without the lowest K layers (Rücklé et al. 2021)
``head-only``         nothing but the task head
``full``              every weight of the backbone
====================  =============================================================================

And those that a method names as its own (`Method.by_hand`): ``lora-rN``, ``prefix-N``, …
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.counter import ShapeCounter
from autopelt.errors import UsageError, command, did_you_mean
from autopelt.methods import METHODS, Method
from autopelt.methods.by_hand import ByHand
from autopelt.methods.module import EMBEDDINGS, Module
from autopelt.methods.places import placed
from autopelt.methods.shapes import Shapes

_FIXED: Mapping[str, Callable[[Shapes], Architecture]] = {
    "unipelt": lambda s: _unipelt(s, lora=8),
    "unipelt-ap": lambda s: _unipelt(s, lora=0),
    "pt-unipelt": lambda s: _unipelt(s, prompt=10),
    "mam": lambda s: _layers(
        s, ("prefix", "attention", 30, {"mlp": 800}), ("parallel_adapter", "ffn", _part(s, 2), {})
    ),
    "adapter-pfeiffer": lambda s: _layers(s, ("sequential_adapter", "ffn", _part(s, 16), {})),
    "adapter-houlsby": lambda s: _layers(
        s,
        ("sequential_adapter", "attention", _part(s, 16), {}),
        ("sequential_adapter", _houlsby_ffn(s), _part(s, 16), {}),
    ),
    "adapter-parallel": lambda s: _layers(s, ("parallel_adapter", "ffn", _part(s, 2), {})),
    "sapa": lambda s: _layers(
        s,
        ("sequential_adapter", "ffn", _part(s, 16), {}),
        ("parallel_adapter", "ffn", _part(s, 16), {}),
    ),
    "head-only": lambda s: Architecture(),
    "full": lambda s: Architecture(full=True),
}

_SIZED = ("adapter-pfeiffer", "adapter-houlsby", "adapter-parallel", "sapa")

_NUMBERED: Mapping[str, Callable[[Shapes, int], Architecture]] = {
    **{
        f"{name}-": partial(lambda fixed, s, n: _sized(fixed(s), n), _FIXED[name])
        for name in _SIZED
    },
    "adapterdrop-": lambda s, n: _adapterdrop(s, lowest=n),
}

_NUMBER = re.compile(r"(.*-r?)([0-9]{1,6})")


def seed_names() -> tuple[str, ...]:
    """Every kind of seed architecture, the numbered ones with a usual number."""
    return (*_FIXED, "adapterdrop-2", *(name for m in METHODS.values() for name in m.by_hand))


def _makers() -> dict[str, Callable[[Shapes, int], Architecture]]:
    """By name; one that ends in ``-`` or ``-r`` wants a number, the others are given 1."""
    makers: dict[str, Callable[[Shapes, int], Architecture]] = {}
    makers |= {name: partial(lambda made, s, n: made(s), made) for name, made in _FIXED.items()}
    makers |= _NUMBERED
    for method in METHODS.values():
        for name, made in method.by_hand.items():
            number = _NUMBER.fullmatch(name)
            key = number[1] if number else name
            makers[key] = partial(_of_method, made, method)
    return makers


def _of_method(made: ByHand, method: Method, shapes: Shapes, size: int) -> Architecture:
    return Architecture(made.modules(method.name, method.locations, size, shapes))


def seed_architecture(name: str, shapes: Shapes) -> Architecture:
    """The seed architecture of that name for a backbone.

    Raises:
        UsageError: unknown name, or a number that the backbone or the method does not allow.
    """
    makers = _makers()
    number = _NUMBER.fullmatch(name)
    key, size = (number[1], int(number[2])) if number else (name, 1)
    if key not in makers or (not number and _wants_number(key)):
        listed = command("list", "architectures")
        hint = did_you_mean(name, seed_names(), see=listed)
        raise UsageError(f"unknown seed architecture '{name}': {hint}")
    return makers[key](shapes, size)


def is_seed(name: str) -> bool:
    """Whether a seed architecture has that name, whatever the backbone."""
    makers, number = _makers(), _NUMBER.fullmatch(name)
    return number[1] in makers if number else name in makers and not _wants_number(name)


def _wants_number(key: str) -> bool:
    return key.endswith(("-", "-r"))


def shrink(
    architecture: Architecture,
    counter: ShapeCounter,
    limit: int,
    allowed_sizes: Mapping[tuple[str, str], Sequence[int]] | None = None,
) -> Architecture | None:
    """Scale all sizes down by one common factor to the largest architecture that fits.

    Sizes are rounded to whole numbers of at least 1. If even size 1 everywhere is too much,
    modules go, the lowest layer first: there they are missed least and cost a training most (Rücklé
    et al. 2021, AdapterDrop). A prompt goes last. Flat or reparametrised, gates and options stay as
    they are.

    Args:
        architecture: what should fit.
        counter: counts deployed parameters.
        limit: the most deployed parameters allowed.
        allowed_sizes: sizes that a space allows for a (method, location); the largest that is not
            above the scaled size is taken, else the smallest.

    Returns:
        The architecture itself where it fits; None where nothing of it does.
    """
    if architecture.full:
        return architecture if counter.count(architecture).deployed <= limit else None
    if not architecture.modules:
        return architecture

    def fits(candidate: Architecture) -> bool:
        return sum(counter.deployed(m) for m in candidate.modules) <= limit

    def scaled(factor: float) -> Architecture:
        return architecture.with_modules(
            replace(m, size=_size(m, factor, allowed_sizes)) for m in architecture.modules
        )

    if fits(scaled(1.0)):
        return scaled(1.0)
    small = scaled(0.0)
    if not fits(small):
        kept = sorted(small.modules, key=lambda m: m.layer is None)  # stable: lowest layer first
        while kept and not fits(small.with_modules(kept)):
            del kept[0]
        return small.with_modules(kept) if kept else None
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if fits(scaled(middle)) else (low, middle)
    return scaled(low)


def _size(
    module: Module, factor: float, allowed: Mapping[tuple[str, str], Sequence[int]] | None
) -> int:
    size = max(1, int(module.size * factor + 0.5))
    sizes = sorted(n for n in (allowed or {}).get((module.method, module.location), ()) if n > 0)
    if not sizes:
        return size
    return max((n for n in sizes if n <= size), default=sizes[0])


def _sized(architecture: Architecture, size: int) -> Architecture:
    return architecture.with_modules(replace(m, size=size) for m in architecture.modules)


def _part(shapes: Shapes, reduction: int) -> int:
    return max(1, shapes.hidden // reduction)


def _houlsby_ffn(shapes: Shapes) -> str:
    """In a pre-LN model the plain place at the FFN is Houlsby's already."""
    return "ffn.sublayer" if "ffn.sublayer" in shapes.locations else "ffn"


def _layers(
    shapes: Shapes, *kinds: tuple[str, str, int, Mapping[str, Any]], lowest: int = 0
) -> Architecture:
    """The same modules in every layer from `lowest` up; locations stand apart by blanks."""
    return Architecture(
        tuple(
            Module(method, at, layer, size, **options)
            for layer in range(lowest, shapes.layers)
            for method, location, size, options in kinds
            for at in placed(location.split(), shapes)
        )
    )


def _unipelt(shapes: Shapes, lora: int = 8, prompt: int = 0) -> Architecture:
    gated: dict[str, Any] = {"gate": "auto"}
    kinds = [
        ("prefix", "attention", 10, gated | {"mlp": 512}),
        ("sequential_adapter", "ffn", _part(shapes, 16), gated),
    ]
    if lora:
        kinds.append(("lora", "attention.query attention.value", lora, gated))
    made = _layers(shapes, *kinds)
    if prompt:
        made = made.with_modules((*made.modules, Module("prompt", EMBEDDINGS, None, prompt)))
    return made


def _adapterdrop(shapes: Shapes, lowest: int) -> Architecture:
    if lowest >= shapes.layers:
        raise UsageError(
            f"adapterdrop-{lowest} leaves no adapter: the backbone has {shapes.layers} layers; "
            f"at most adapterdrop-{shapes.layers - 1}."
        )
    return _layers(shapes, ("sequential_adapter", "ffn", _part(shapes, 16), {}), lowest=lowest)
