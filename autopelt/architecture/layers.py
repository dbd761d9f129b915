"""Layer ranges as text: ``0-2,5`` and back."""

from collections.abc import Iterable
from typing import Any

from autopelt.errors import UsageError
from autopelt.methods.module import MOST_LAYERS, shown, whole


def parse_layers(value: Any) -> tuple[int, ...]:
    """``"0-2,5"`` or ``5`` or ``[0, 5]`` -> (0, 1, 2, 5)."""
    if isinstance(value, list):
        return tuple(n for item in value for n in parse_layers(item))
    if isinstance(value, int) and not isinstance(value, bool):
        return (whole(value, "layers", 0, MOST_LAYERS - 1),)
    if not isinstance(value, str):
        raise UsageError(f"layers {shown(value)} is not a range; write it like 0-2,5.")
    found: list[int] = []
    for part in value.split(","):
        ends = part.strip().split("-")
        if len(ends) > 2 or not all(e.strip().isascii() and e.strip().isdigit() for e in ends):
            raise UsageError(f"layers {shown(value)} is not a range; write it like 0-2,5.")
        first, last = int(ends[0][:9]), int(ends[-1][:9])
        if last < first or last >= MOST_LAYERS:
            raise UsageError(f"layers {shown(value)}: '{part.strip()}' is not a range of layers.")
        found.extend(range(first, last + 1))
        if len(found) > MOST_LAYERS:
            raise UsageError(f"layers {shown(value)} names more than {MOST_LAYERS:,} layers.")
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
