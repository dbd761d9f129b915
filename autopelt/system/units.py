"""Numbers as people write them: ``300k``, ``1.2M``, ``1%``, ``90s``, ``4GiB``."""

import math
import re
from collections.abc import Mapping

from autopelt.errors import UsageError

_COUNT = {"": 1, "k": 10**3, "M": 10**6, "B": 10**9}
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_BYTES = {
    "": 1,
    "KiB": 2**10,
    "KB": 10**3,
    "MiB": 2**20,
    "MB": 10**6,
    "GiB": 2**30,
    "GB": 10**9,
}
_NUMBER = re.compile(r"\s*([0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?)\s*([A-Za-z%]*)\s*")


def split_number(text: str) -> tuple[float, str] | None:
    """Split ``1.2M`` into ``(1.2, "m")``; None where it is not a finite number with a unit."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    value = float(match.group(1))
    return (value, match.group(2).lower()) if math.isfinite(value) else None


def _scaled(text: str, units: Mapping[str, int], what: str, example: str) -> float:
    parts = split_number(text)
    sizes = {unit.lower(): size for unit, size in units.items()}
    if parts is not None and parts[1] in sizes:
        value = parts[0] * sizes[parts[1]]
        if math.isfinite(value):
            return value
    raise UsageError(f"'{text}' is not {what}; write it like {example}.")


def parse_count(text: str) -> int:
    """``300k`` -> 300000. Raises UsageError for anything that is not a number with k, M or B."""
    return round(_scaled(text, _COUNT, "a count", "300k or 1.2M"))


def format_count(count: int) -> str:
    """300000 -> ``300k``: the shortest form that `parse_count` reads back to the unit."""
    return _written(count, _COUNT)


class Seconds(float):
    """A duration that people write ``90s``, ``5m``, ``2h``."""

    @classmethod
    def parse(cls, text: str) -> "Seconds":
        """Raises UsageError for anything that is not a number of a unit of time."""
        return cls(_scaled(text, _SECONDS | {"": 1, "min": 60}, "a duration", "90s, 5m or 2h"))

    def __str__(self) -> str:
        return _written(float(self), _SECONDS)


class Bytes(int):
    """An amount of memory that people write ``4GiB``, ``500MB``; none is ``off``."""

    @classmethod
    def parse(cls, text: str) -> "Bytes":
        """Raises UsageError for anything that is not a number of a unit of memory."""
        if text == "off":
            return cls(0)
        return cls(round(_scaled(text, _BYTES | {"b": 1}, "an amount of memory", "4GiB or 500MB")))

    def __str__(self) -> str:
        return _written(int(self), _BYTES) if self else "off"


def _written(value: float, units: Mapping[str, int]) -> str:
    """The shortest form, in one of the units, that is the same value to the last digit."""
    forms = {
        f"{value / size:.15g}{unit}": float(f"{value / size:.15g}") * size
        for unit, size in units.items()
    }
    return min((text for text, read in forms.items() if read == value), key=len)


def format_seconds(seconds: float) -> str:
    """Short form for a person: ``8.2 s``, ``3 min 20 s``, ``2 h 05 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def format_bytes(amount: float) -> str:
    """``812 KiB``, ``4.2 GiB``."""
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if amount < 1024 or unit == "TiB":
            break
        amount /= 1024
    return f"{amount:.{1 if amount < 10 and unit != 'B' else 0}f} {unit}"


def format_share(share: float) -> str:
    """A share as percent with three significant digits: 0.01066 -> ``1.07%``."""
    if share <= 0:
        return "0%"
    digits = max(0, 2 - math.floor(math.log10(share * 100)))
    return f"{share * 100:.{min(digits, 6)}f}%"


def format_score(value: float) -> str:
    """Four decimals, or four significant digits where a score is an error in the labels' unit."""
    size = abs(value)
    return f"{value:.4g}" if size >= 1000 or 1e-12 < size < 0.01 else f"{value:.4f}"
