"""From rows of YAML or JSON to modules."""

from collections.abc import Mapping
from typing import Any

from autopelt.architecture.layers import parse_layers
from autopelt.errors import UsageError, did_you_mean
from autopelt.methods.module import (
    EMBEDDINGS,
    GATES,
    MAX_SIZE,
    Module,
    shown,
    whole,
)


def modules_of_row(row: Any) -> list[Module]:
    """The modules of one row, a layer each. Raises UsageError for a wrong key or value."""
    if not isinstance(row, Mapping):
        raise UsageError(f"a row of 'modules' is a mapping, not {shown(row)}.")
    allowed = ("layer", "layers", "method", "location", "size", "gate", "alpha", "mlp")
    known(row, allowed, "module row")
    for needed in ("method", "location", "size"):
        if needed not in row:
            raise UsageError(f"module row {shown(dict(row))} lacks '{needed}'.")
    for text in ("method", "location"):
        if not isinstance(row[text], str) or not row[text]:
            raise UsageError(f"'{text}' is {shown(row[text])}; it must be a name.")
    size = whole(row["size"], f"size of {row['method']}", 0, MAX_SIZE)
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
            raise UsageError(f"module row {shown(dict(row))} lacks 'layers'.")
        layers = parse_layers(row.get("layers", row.get("layer")))
    if gate is not None and not isinstance(gate, str):
        raise UsageError(
            f"gate {shown(gate)} of {row['method']} is unknown; "
            f"write true, false, {', '.join(GATES)}."
        )
    return [
        Module(row["method"], row["location"], layer, size, gate, row.get("alpha"), row.get("mlp"))
        for layer in layers
    ]


def known(value: Mapping[Any, Any], allowed: tuple[str, ...], what: str) -> None:
    """Refuse a key that is not allowed. Raises UsageError with what was likely meant."""
    for key in value:
        if key not in allowed:
            raise UsageError(
                f"unknown key '{key}' in the {what}: {did_you_mean(str(key), allowed)}"
            )
