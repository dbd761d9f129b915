"""One module of an architecture: a method, where it sits, and how big it is."""

import math
import sys
from dataclasses import dataclass
from typing import Any

from autopelt.errors import UsageError, did_you_mean

GATES = ("auto", "mean", "masked", "token")
"""Gate modes. ``auto`` (YAML: true) is ``masked`` on an encoder and ``token`` on a decoder."""

RANDOM, PISSA, EVA = "random", "pissa", "eva"

STARTS = (PISSA, EVA)
"""Starting values other than the method's own, which are random."""

OPTIONS = ("gate", "alpha", "mlp", "start")
"""What a module may be given beside its size, where its method understands it."""

MAX_SIZE = 1_000_000

MOST_LAYERS = 1000
"""More than any model has; what a file names is counted, and must not fill the memory."""

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
        start: LoRA's starting values: ``pissa`` or ``eva``; None means random.
    """

    method: str
    location: str
    layer: int | None
    size: int
    gate: str | None = None
    alpha: float | None = None
    mlp: int | None = None
    start: str | None = None

    def __post_init__(self) -> None:
        where = f"{self.method} at {self.site}"
        whole(self.size, f"size of {where}", 1, MAX_SIZE)
        if self.layer is not None:
            whole(self.layer, f"layer of {self.method}", 0, MOST_LAYERS - 1)
        if (self.layer is None) != (self.location == EMBEDDINGS):
            raise UsageError(
                f"{where}: only the location '{EMBEDDINGS}' has no layer, and it never has one."
            )
        if self.gate is not None and self.gate not in GATES:
            raise UsageError(
                f"gate '{self.gate}' of {where} is unknown: {did_you_mean(str(self.gate), GATES)}"
            )
        if self.alpha is not None:
            alpha = positive(self.alpha, f"alpha of {where}")
            # alpha = rank is the default: one meaning, one value.
            object.__setattr__(self, "alpha", None if alpha == self.size else alpha)
        if self.mlp is not None:
            whole(self.mlp, f"mlp of {where}", 1, MAX_SIZE)
        if self.start == RANDOM:
            object.__setattr__(self, "start", None)
        elif self.start is not None and self.start not in STARTS:
            allowed = (RANDOM, *STARTS)
            raise UsageError(
                f"start {shown(self.start)} of {where} is unknown: "
                f"{did_you_mean(str(self.start), allowed)}"
            )
        if self.start == PISSA and self.gate is not None:
            raise UsageError(
                f"{where} starts at {PISSA} and has a gate, which would take a part of the "
                "backbone's weight away; give one of the two."
            )

    @property
    def site(self) -> str:
        """``7/attention.query``, or ``embeddings``."""
        return self.location if self.layer is None else f"{self.layer}/{self.location}"

    @property
    def key(self) -> tuple[int, str, str]:
        """What may exist once in an architecture; also the order of modules."""
        return (-1 if self.layer is None else self.layer, self.location, self.method)


def positive(value: Any, what: str) -> float:
    """The value, if it is a finite number above 0. Raises UsageError that names both."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 < value < math.inf or value > sys.float_info.max:
        raise UsageError(f"{what} is {shown(value)}; it must be a number above 0.")
    return float(value)


def whole(value: Any, what: str, lowest: int, highest: int) -> int:
    """The value, if it is a whole number within bounds. Raises UsageError that names both."""
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
        raise UsageError(
            f"{what} is {shown(value)}; it must be a whole number from {lowest} to {highest:,}."
        )
    return value


def shown(value: Any) -> str:
    """A value as an error shows it: at most 80 characters."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
