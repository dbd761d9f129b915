"""How two architectures differ, in sentences."""

from collections.abc import Iterable, Mapping

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.layers import format_layers
from autopelt.methods import named
from autopelt.methods.module import Module


def differences(before: Architecture, after: Architecture) -> list[str]:
    """One sentence for each method that changed; none where the two are equal.

    Locations of one method whose layers changed in the same way share a sentence.
    """
    if before.full != after.full:
        return [f"{before.describe()} became {after.describe()}."]
    sentences: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for method, location in _kinds((*before.modules, *after.modules)):
        old, new = _at(before, method, location), _at(after, method, location)
        said = _changes(old, new)
        if said:
            sentences.setdefault((method, tuple(said)), []).append(location)
    made = [
        f"{_name(before, after, method, at)}: {'; '.join(said)}."
        for (method, said), at in sentences.items()
    ]
    a, b = before.learning_rate_multiplier, after.learning_rate_multiplier
    if a != b:
        made.append(f"learning rate: x{a:g} became x{b:g}.")
    return made


def _kinds(modules: Iterable[Module]) -> list[tuple[str, str]]:
    """Every (method, location), the embeddings first."""
    return list(dict.fromkeys((m.method, m.location) for m in sorted(modules, key=lambda m: m.key)))


def _at(architecture: Architecture, method: str, location: str) -> dict[int, Module]:
    found = (m for m in architecture.modules if (m.method, m.location) == (method, location))
    return {-1 if m.layer is None else m.layer: m for m in found}


def _name(before: Architecture, after: Architecture, method: str, at: list[str]) -> str:
    """The method and its locations as `Architecture.describe` writes them, without sizes."""
    sample = [
        Module(m.method, m.location, None if m.layer is None else 0, 1)
        for location in at
        for m in [
            next(iter((_at(after, method, location) or _at(before, method, location)).values()))
        ]
    ]
    words = Architecture(tuple(sample)).describe().split(" ")
    size = 1 if named(method).size_word else None
    return " ".join(w for i, w in enumerate(words) if i != size and w not in ("at", "0"))


def _changes(old: Mapping[int, Module], new: Mapping[int, Module]) -> list[str]:
    gone = {layer: m for layer, m in old.items() if layer not in new}
    came = {layer: m for layer, m in new.items() if layer not in old}
    said: list[str] = []
    if gone and came and _alike(gone) == _alike(came):
        said.append(f"moved from {_layers(gone)} to {_layers(came)}")
    else:
        for words, modules in (("new in", came), ("gone from", gone)):
            for kind, layers in _by_words(modules):
                place = f"{words} {_layers(layers)}" if layers else words.split(" ")[0]
                said.append(f"{place} ({kind})" if kind else place)
    grouped: dict[str, list[int]] = {}
    for layer in sorted(set(old) & set(new)):
        for change in _module_changes(old[layer], new[layer]):
            grouped.setdefault(change, []).append(layer)
    said += [f"{change}{_where(layers)}" for change, layers in grouped.items()]
    return said


def _alike(modules: Mapping[int, Module]) -> list[str]:
    return sorted(_words(m) for m in modules.values())


def _by_words(modules: Mapping[int, Module]) -> list[tuple[str, list[int]]]:
    grouped: dict[str, list[int]] = {}
    for layer, module in modules.items():
        grouped.setdefault(_words(module), []).append(layer)
    return [(words, [n for n in layers if n >= 0]) for words, layers in grouped.items()]


def _words(module: Module) -> str:
    """``rank 8, gated``."""
    size = named(module.method).in_words(module.size)
    parts = [size] if size else []
    parts += [] if module.gate is None else [_gate(module.gate)]
    parts += [] if module.alpha is None else [f"alpha {module.alpha:g}"]
    parts += [] if module.mlp is None else [f"network of width {module.mlp}"]
    parts += [] if module.start is None else [f"from {module.start}"]
    return ", ".join(parts)


def _module_changes(old: Module, new: Module) -> list[str]:
    said = []
    if old.size != new.size:
        said.append(f"{named(new.method).size_word} {old.size} became {new.size}")
    if old.gate != new.gate:
        if old.gate is None or new.gate is None:
            said.append("gate added" if old.gate is None else "gate removed")
        else:
            said.append(f"{_gate(old.gate)} became {_gate(new.gate)}")
    for key, words in (("alpha", "alpha"), ("mlp", "network"), ("start", "start")):
        a, b = getattr(old, key), getattr(new, key)
        if a != b:
            said.append(f"{words} {'none' if a is None else a} became {'none' if b is None else b}")
    return said


def _gate(gate: str | None) -> str:
    return {None: "not gated", "auto": "gated"}.get(gate, f"gated:{gate}")


def _layers(modules: Iterable[int]) -> str:
    layers = list(modules)
    return f"layer{'s' if len(layers) > 1 else ''} {format_layers(layers)}"


def _where(layers: list[int]) -> str:
    shown = [n for n in layers if n >= 0]
    return f" in {_layers(shown)}" if shown else ""
