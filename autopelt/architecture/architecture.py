"""An architecture: which parameter-efficient modules sit where, and how big. An immutable value.

It is canonical: one meaning has one value and one id. A module of size 0 does not exist, so it
carries no gate; modules stand in one fixed order; layers that hold nothing are absent.

In YAML an architecture is a table of rows, each row one kind of module over a range of layers::

    prompt: 10                       # short for a row {method: prompt, location: embeddings}
    learning_rate_multiplier: 1.0
    modules:
      - {layers: 0-5, method: prefix, location: attention, size: 10, gate: true}
      - {layers: 0-5, method: lora, location: attention.query, size: 8}
      - {layers: "2,4-5", method: sequential_adapter, location: ffn, size: 24, gate: masked}
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from autopelt.architecture.layers import format_layers
from autopelt.errors import UsageError
from autopelt.methods import named
from autopelt.methods.module import EMBEDDINGS, OPTIONS, Module, positive, shown
from autopelt.methods.places import WORDS, placed
from autopelt.methods.shapes import Shapes
from autopelt.system.files import read_text
from autopelt.system.notebook import table
from autopelt.system.yaml import load_yaml

_FIELDS = tuple(field.name for field in fields(Module))


@dataclass(frozen=True)
class Architecture:
    """A point of a search space: modules, a learning-rate multiplier, nothing else.

    Attributes:
        modules: in canonical order, at most one of a method at a site.
        learning_rate_multiplier: factor on every method's own default learning rate.
        full: every weight of the backbone is trained as well (full fine-tuning).
    """

    modules: tuple[Module, ...] = ()
    learning_rate_multiplier: float = 1.0
    full: bool = False

    def __post_init__(self) -> None:
        ordered = tuple(sorted(self.modules, key=lambda m: m.key))
        there: dict[tuple[str, str], str] = {}
        for module in ordered:
            trained = named(module.method).ships_as or module.method
            other = there.get((trained, module.site), "")
            if other == module.method:
                raise UsageError(f"{module.method} stands twice at {module.site}; give it once.")
            if other:
                raise UsageError(
                    f"{other} and {module.method} at {module.site} are both {trained} once they "
                    "are trained; give one of them."
                )
            there[trained, module.site] = module.method
        multiplier = positive(self.learning_rate_multiplier, "learning_rate_multiplier")
        object.__setattr__(self, "modules", ordered)
        object.__setattr__(self, "learning_rate_multiplier", multiplier)

    # ------------------------------------------------------------------ identity
    def __hash__(self) -> int:
        # Kept: a study asks for it some hundred times a trial, and it goes through all modules.
        known: int | None = vars(self).get("_hash")
        if known is None:
            known = hash((self.modules, self.learning_rate_multiplier, self.full))
            object.__setattr__(self, "_hash", known)
        return known

    def __getstate__(self) -> dict[str, Any]:
        # Another process hashes texts otherwise.
        return {name: value for name, value in vars(self).items() if name != "_hash"}

    @cached_property
    def id(self) -> str:
        """Stable short id: 8 hexadecimal digits of the SHA-256 of the canonical JSON."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:8]

    def to_json(self) -> str:
        """Canonical JSON: equal text exactly where architectures are equal."""
        rows = [{k: v for k in _FIELDS if (v := getattr(m, k)) is not None} for m in self.modules]
        value: dict[str, Any] = {"modules": rows}
        if self.learning_rate_multiplier != 1.0:
            value["learning_rate_multiplier"] = self.learning_rate_multiplier
        if self.full:
            value["full"] = True
        return json.dumps(value, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "Architecture":
        """Inverse of `to_json`. Raises UsageError for anything that is not such JSON."""
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise UsageError(f"the architecture is not valid JSON: {error}.") from None
        return cls.from_dict(value)

    # ------------------------------------------------------------------ views
    @property
    def prompt(self) -> int:
        """Number of rows inserted at the embeddings."""
        return sum(m.size for m in self.modules if m.layer is None)

    @property
    def lowest_layer(self) -> int | None:
        """Lowest layer where anything is trained: -1 at the embeddings, None if only the head."""
        if self.full:
            return -1
        return min((m.key[0] for m in self.modules), default=None)

    def with_modules(self, modules: Iterable[Module]) -> "Architecture":
        """The same training settings with other modules."""
        return replace(self, modules=tuple(modules))

    def describe(self) -> str:
        """In words and layer ranges: ``lora 8 (query, value) 2,5-9 · adapter 24 8-11``."""
        if self.full:
            return "full fine-tuning"
        parts = _words(_rows(self.modules))
        if self.learning_rate_multiplier != 1.0:
            parts.append(f"learning rate x{self.learning_rate_multiplier:g}")
        return " · ".join(parts) or "head only"

    def _repr_html_(self) -> str:
        """What a notebook shows: a row for each kind of module."""
        rows = [
            (
                named(module.method).words,
                module.location,
                format_layers(layers) if layers else "–",
                module.size,
                ", ".join(f"{k} {v}" for k in OPTIONS if (v := getattr(module, k)) is not None),
            )
            for layers, module in _rows(self.modules)
        ]
        heads = ("method", "at", "layers", "size", "") if rows else ()
        return table(f"Architecture {self.id}: {self.describe()}", rows, heads)

    @property
    def description_length(self) -> int:
        """How many things a person must be told: runs of layers with one method, size and gate.

        The learning rate is not among them: whoever trains sets one in any case.
        """
        if self.full:
            return 1
        return sum(_runs(layers) for layers, _ in _together(_rows(self.modules)))

    def on(self, shapes: Shapes) -> "Architecture":
        """The same with words for several linear maps (`all-linear`) replaced by what is there."""
        words = [m for m in self.modules if m.location in WORDS]
        if not words:
            return self
        return self.with_modules(
            replace(m, location=at)
            for m in self.modules
            for at in placed([m.location], shapes, named(m.method).locations)
        )

    # ------------------------------------------------------------------ YAML
    def to_dict(self) -> dict[str, Any]:
        """Plain values for YAML: rows with merged layer ranges."""
        rows: list[dict[str, Any]] = []
        for layers, module in _rows(self.modules):
            row: dict[str, Any] = {} if module.layer is None else {"layers": format_layers(layers)}
            row |= {"method": module.method, "location": module.location, "size": module.size}
            if module.gate is not None:
                row["gate"] = True if module.gate == "auto" else module.gate
            row |= {
                k: getattr(module, k)
                for k in OPTIONS
                if k != "gate" and getattr(module, k) is not None
            }
            rows.append(row)
        value: dict[str, Any] = {"id": self.id}
        if self.full:
            value["full"] = True
        if self.learning_rate_multiplier != 1.0:
            value["learning_rate_multiplier"] = self.learning_rate_multiplier
        return value | {"modules": rows}

    def to_yaml(self) -> str:
        """YAML text, one row per kind of module."""
        return yaml.safe_dump(self.to_dict(), sort_keys=False, default_flow_style=None, width=100)

    @classmethod
    def from_dict(cls, value: Any) -> "Architecture":
        """Read what `to_dict` and `to_json` write, or what a person wrote.

        Raises:
            UsageError: names every wrong key and value, and what is allowed.
        """
        from autopelt.architecture.parse import read  # pydantic takes longer than all the rest

        file = read(value)
        modules = [module for row in file.modules or () for module in row.modules()]
        if file.prompt:
            modules.append(Module("prompt", EMBEDDINGS, None, file.prompt))
        architecture = cls(tuple(modules), file.learning_rate_multiplier, file.full)
        if file.id not in (None, architecture.id):
            raise UsageError(
                f"the architecture says id {shown(file.id)} but its modules give "
                f"'{architecture.id}': it was edited by hand; delete the 'id' line to accept it."
            )
        return architecture

    @classmethod
    def from_yaml(cls, text: str) -> "Architecture":
        """Parse YAML text. Raises UsageError with the line where it is not YAML at all."""
        return cls.from_dict(load_yaml(text, "architecture"))

    @classmethod
    def from_file(cls, path: Path) -> "Architecture":
        """Parse a YAML file. Raises UsageError, which names it."""
        text = read_text(path, f"'{path}'")
        try:
            return cls.from_yaml(text)
        except UsageError as error:
            raise UsageError(f"'{path}': {error.marked}") from None


def _rows(modules: Iterable[Module]) -> list[tuple[tuple[int, ...], Module]]:
    """Group modules that differ in nothing but the layer."""
    grouped: dict[Module, list[int]] = {}
    for module in modules:
        anchor = module if module.layer is None else replace(module, layer=0)
        grouped.setdefault(anchor, []).extend([] if module.layer is None else [module.layer])
    return [(tuple(layers), anchor) for anchor, layers in grouped.items()]


def _words(rows: list[tuple[tuple[int, ...], Module]]) -> list[str]:
    """Rows in words."""
    return [_row_words(layers, module, at) for (layers, module), at in _together(rows).items()]


def _together(
    rows: list[tuple[tuple[int, ...], Module]],
) -> dict[tuple[tuple[int, ...], Module], list[str]]:
    """Locations of rows that differ in nothing else."""
    grouped: dict[tuple[tuple[int, ...], Module], list[str]] = {}
    for layers, module in rows:
        plain = module if module.layer is None else replace(module, location="")
        grouped.setdefault((layers, plain), []).append(module.location)
    return grouped


def _runs(layers: tuple[int, ...]) -> int:
    """Of consecutive layers; one at the embeddings, which have none."""
    return 1 + sum(after != before + 1 for before, after in pairwise(layers))


def _row_words(layers: tuple[int, ...], module: Module, locations: list[str]) -> str:
    method = named(module.method)
    words = [method.short, *([str(module.size)] if method.size_word else [])]
    if module.layer is not None and locations != [method.usual_location]:
        words.append(f"({', '.join(at.removeprefix('attention.') for at in locations)})")
    if module.gate is not None:
        words.append("gated" if module.gate == "auto" else f"gated:{module.gate}")
    if module.start is not None:
        words.append(f"from {module.start}")
    if layers:
        words.append("at " + format_layers(layers))
    return " ".join(words)
