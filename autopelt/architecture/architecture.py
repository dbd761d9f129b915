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
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any

import yaml

from autopelt.errors import UsageError, did_you_mean

GATES = ("auto", "mean", "masked", "token")
"""Gate modes. ``auto`` (YAML: true) is ``masked`` on an encoder and ``token`` on a decoder."""

MAX_SIZE = 1_000_000
MAX_DEPTH = 50
"""Of YAML; the parser's time grows with the square of the depth."""
EMBEDDINGS = "embeddings"
"""The one location that belongs to no layer."""


@dataclass(frozen=True)
class Module:
    """One module of an architecture.

    Attributes:
        method: kind of module (``lora``).
        location: where in the layer (``attention.query``, ``ffn``), or ``embeddings``.
        layer: layer index from 0, or None at the embeddings.
        size: bottleneck, rank, or number of rows; at least 1.
        gate: gate mode, or None for no gate.
        alpha: LoRA's numerator of the scale alpha / rank; None means alpha = rank.
        mlp: width of the network that reparametrises a prefix or prompt in training and is folded
            away afterwards; None means flat.
    """

    method: str
    location: str
    layer: int | None
    size: int
    gate: str | None = None
    alpha: float | None = None
    mlp: int | None = None

    def __post_init__(self) -> None:
        where = f"{self.method} at {self.site}"
        _whole(self.size, f"size of {where}", 1, MAX_SIZE)
        if self.layer is not None:
            _whole(self.layer, f"layer of {self.method}", 0, 100_000)
        if (self.layer is None) != (self.location == EMBEDDINGS):
            raise UsageError(
                f"{where}: only the location '{EMBEDDINGS}' has no layer, and it never has one."
            )
        if self.gate is not None and self.gate not in GATES:
            raise UsageError(
                f"gate '{self.gate}' of {where} is unknown: {did_you_mean(str(self.gate), GATES)}"
            )
        if self.alpha is not None and not (_is_number(self.alpha) and self.alpha > 0):
            raise UsageError(f"alpha of {where} is {self.alpha!r}; it must be a number above 0.")
        if self.alpha is not None:
            # alpha = rank is the default: one meaning, one value.
            object.__setattr__(
                self, "alpha", None if self.alpha == self.size else float(self.alpha)
            )
        if self.mlp is not None:
            _whole(self.mlp, f"mlp of {where}", 1, MAX_SIZE)

    @property
    def site(self) -> str:
        """``7/attention.query``, or ``embeddings``."""
        return self.location if self.layer is None else f"{self.layer}/{self.location}"

    @property
    def key(self) -> tuple[int, str, str]:
        """What may exist once in an architecture; also the order of modules."""
        return (-1 if self.layer is None else self.layer, self.location, self.method)


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
        for before, after in pairwise(ordered):
            if before.key == after.key:
                raise UsageError(f"{after.method} stands twice at {after.site}; give it once.")
        multiplier = self.learning_rate_multiplier
        if not (_is_number(multiplier) and multiplier > 0):
            raise UsageError(
                f"learning_rate_multiplier is {multiplier!r}; it must be a number above 0."
            )
        object.__setattr__(self, "modules", ordered)
        object.__setattr__(self, "learning_rate_multiplier", float(multiplier))

    # ------------------------------------------------------------------ identity
    @property
    def id(self) -> str:
        """Stable short id: 8 hexadecimal digits of the SHA-256 of the canonical JSON."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:8]

    def to_json(self) -> str:
        """Canonical JSON: equal text exactly where architectures are equal."""
        rows = [{k: v for k, v in asdict(m).items() if v is not None} for m in self.modules]
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
                k: getattr(module, k) for k in ("alpha", "mlp") if getattr(module, k) is not None
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
            UsageError: names the wrong key or value and what is allowed.
        """
        if not isinstance(value, Mapping):
            raise UsageError(
                f"an architecture is a mapping with the key 'modules', not {_shown(value)}."
            )
        _known(
            value, ("id", "modules", "prompt", "learning_rate_multiplier", "full"), "architecture"
        )
        rows = value.get("modules") or []
        if not isinstance(rows, list):
            raise UsageError(f"'modules' is a list of rows, not {_shown(rows)}.")
        full = value.get("full", False)
        if not isinstance(full, bool):
            raise UsageError(f"'full' is {_shown(full)}; it must be true or false.")
        modules = [m for row in rows for m in _modules_of_row(row)]
        prompt = value.get("prompt", 0)
        if _whole(prompt, "prompt", 0, MAX_SIZE):
            modules.append(Module("prompt", EMBEDDINGS, None, prompt))
        made = cls(tuple(modules), value.get("learning_rate_multiplier", 1.0), full)
        if value.get("id") not in (None, made.id):
            raise UsageError(
                f"the architecture says id {_shown(value['id'])} but its modules give '{made.id}': "
                "it was edited by hand; delete the 'id' line to accept it."
            )
        return made

    @classmethod
    def from_yaml(cls, text: str) -> "Architecture":
        """Parse YAML text. Raises UsageError with the line where it is not YAML at all."""
        return cls.from_dict(load_yaml(text, "architecture"))


def load_yaml(text: str, what: str) -> Any:
    """Safe-load YAML of a bounded size; anchors are refused, so no alias can grow without bound.

    Raises:
        UsageError: not YAML, too large, or with aliases.
    """
    if len(text) > 1_000_000:
        raise UsageError(f"the {what} has {len(text):,} characters; at most 1,000,000 are read.")
    try:
        depth = 0
        for event in yaml.parse(text, yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                raise UsageError(f"the {what} uses YAML aliases (*name); write the values out.")
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                raise UsageError(f"the {what} nests deeper than {MAX_DEPTH} levels; flatten it.")
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" at line {mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or str(error).split("\n", 1)[0]
        raise UsageError(f"the {what} is not valid YAML{line}: {problem}.") from None


def parse_layers(value: Any) -> tuple[int, ...]:
    """``"0-2,5"`` or ``5`` or ``[0, 5]`` -> (0, 1, 2, 5)."""
    if isinstance(value, list):
        return tuple(n for item in value for n in parse_layers(item))
    if isinstance(value, int) and not isinstance(value, bool):
        return (_whole(value, "layers", 0, 100_000),)
    if not isinstance(value, str):
        raise UsageError(f"layers {_shown(value)} is not a range; write it like 0-2,5.")
    found: list[int] = []
    for part in value.split(","):
        ends = part.strip().split("-")
        if len(ends) > 2 or not all(e.strip().isascii() and e.strip().isdigit() for e in ends):
            raise UsageError(f"layers {_shown(value)} is not a range; write it like 0-2,5.")
        first, last = int(ends[0][:9]), int(ends[-1][:9])
        if last < first or last > 100_000:
            raise UsageError(f"layers {_shown(value)}: '{part.strip()}' is not a range of layers.")
        found.extend(range(first, last + 1))
    return tuple(found)


def format_layers(layers: Iterable[int]) -> str:
    """(0, 1, 2, 5) -> ``0-2,5``."""
    runs: list[list[int]] = []
    for layer in sorted(layers):
        if runs and layer == runs[-1][1] + 1:
            runs[-1][1] = layer
        else:
            runs.append([layer, layer])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def _rows(modules: Iterable[Module]) -> list[tuple[tuple[int, ...], Module]]:
    """Group modules that differ in nothing but the layer."""
    grouped: dict[Module, list[int]] = {}
    for module in modules:
        anchor = module if module.layer is None else replace(module, layer=0)
        grouped.setdefault(anchor, []).extend([] if module.layer is None else [module.layer])
    return [(tuple(layers), anchor) for anchor, layers in grouped.items()]


_SHORT = {
    "sequential_adapter": "adapter",
    "parallel_adapter": "parallel",
    "attention.query": "query",
    "attention.key": "key",
    "attention.value": "value",
    "attention.output": "output",
}


def _words(rows: list[tuple[tuple[int, ...], Module]]) -> list[str]:
    """Rows in words; rows that differ in nothing but the location become one."""
    grouped: dict[tuple[tuple[int, ...], Module], list[str]] = {}
    for layers, module in rows:
        plain = module if module.layer is None else replace(module, location="")
        grouped.setdefault((layers, plain), []).append(module.location)
    return [_row_words(layers, module, at) for (layers, module), at in grouped.items()]


def _row_words(layers: tuple[int, ...], module: Module, locations: list[str]) -> str:
    words = [_SHORT.get(module.method, module.method), str(module.size)]
    usual = "attention" if module.method == "prefix" else "ffn"
    if module.layer is not None and locations != [usual]:
        words.append(f"({', '.join(_SHORT.get(at, at) for at in locations)})")
    if module.gate is not None:
        words.append("gated" if module.gate == "auto" else f"gated:{module.gate}")
    if layers:
        words.append("at " + format_layers(layers))
    return " ".join(words)


def _modules_of_row(row: Any) -> list[Module]:
    if not isinstance(row, Mapping):
        raise UsageError(f"a row of 'modules' is a mapping, not {_shown(row)}.")
    allowed = ("layer", "layers", "method", "location", "size", "gate", "alpha", "mlp")
    _known(row, allowed, "module row")
    for needed in ("method", "location", "size"):
        if needed not in row:
            raise UsageError(f"module row {_shown(dict(row))} lacks '{needed}'.")
    for text in ("method", "location"):
        if not isinstance(row[text], str) or not row[text]:
            raise UsageError(f"'{text}' is {_shown(row[text])}; it must be a name.")
    size = _whole(row["size"], f"size of {row['method']}", 0, MAX_SIZE)
    gate = row.get("gate")
    gate = "auto" if gate is True else None if gate is False else gate
    if size == 0:
        if gate is not None:
            raise UsageError(
                f"{row['method']} at {row['location']} has size 0 and a gate: a gate on nothing; "
                "give it a size or leave the row out."
            )
        return []
    layers: tuple[int | None, ...] = (None,)
    if row["location"] != EMBEDDINGS or "layers" in row or "layer" in row:
        if "layers" not in row and "layer" not in row:
            raise UsageError(f"module row {_shown(dict(row))} lacks 'layers'.")
        layers = parse_layers(row.get("layers", row.get("layer")))
    if gate is not None and not isinstance(gate, str):
        raise UsageError(
            f"gate {_shown(gate)} of {row['method']} is unknown; "
            f"write true, false, {', '.join(GATES)}."
        )
    return [
        Module(row["method"], row["location"], layer, size, gate, row.get("alpha"), row.get("mlp"))
        for layer in layers
    ]


def _known(value: Mapping[Any, Any], allowed: tuple[str, ...], what: str) -> None:
    for key in value:
        if key not in allowed:
            raise UsageError(
                f"unknown key '{key}' in the {what}: {did_you_mean(str(key), allowed)}"
            )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _whole(value: Any, what: str, lowest: int, highest: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
        raise UsageError(
            f"{what} is {_shown(value)}; it must be a whole number from {lowest} to {highest:,}."
        )
    return value


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
