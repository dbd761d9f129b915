"""Learning rates that a space offers: factors on each method's own, as a list or as a range.

A range stands for the continuum between its ends on a log scale. Points of a bound space are
vectors of indices, so it becomes a grid of quarter octaves (factors of 2**0.25, about 1.19): rates
less than a fifth apart cannot be told apart by scores. Values are rounded to three digits, so that
a person can read and write them.
"""

import math
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    model_serializer,
    model_validator,
)

OWN = 1.0
"""The factor that leaves every method's own learning rate as it is."""

STEPS = 4
"""Values of the grid in an octave."""

USUAL = 1.5
"""Octaves from a method's own rate to where good ones lie: a standard deviation."""

Factor = Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)]
End = Annotated[float, Field(ge=0.001, le=1000, allow_inf_nan=False)]


class RateRange(BaseModel):
    """Every factor between two ends: ``{from: 0.125, to: 8}``.

    Attributes:
        writing: the upper end where a decoder learns to write, for which the best rates lie
            higher; None: the same.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    low: End = Field(alias="from")
    high: End = Field(alias="to")
    writing: End | None = None

    @model_validator(mode="after")
    def _grows(self) -> "RateRange":
        if self.low >= self.high:
            raise ValueError(f"from {self.low:g} must be below to {self.high:g}")
        if self.writing is not None and self.low >= self.writing:
            raise ValueError(f"from {self.low:g} must be below writing {self.writing:g}")
        return self

    @model_serializer
    def _plain(self) -> dict[str, float]:
        more = {} if self.writing is None else {"writing": self.writing}
        return {"from": self.low, "to": self.high, **more}

    def of(self, *, writing: bool) -> "RateRange":
        """The range that counts for a decoder that learns to write, or for any other model."""
        high = self.writing if writing and self.writing is not None else self.high
        return RateRange.model_validate({"from": self.low, "to": high})

    @property
    def grid(self) -> tuple[float, ...]:
        """Quarter octaves from one end to the other, both included, growing.

        They are counted from 1 where the lower end is one of them, else from the lower end; the
        upper end stands in for a value that lies nearer to it than half a step.
        """
        first = STEPS * math.log2(self.low)
        if abs(first - round(first)) < 0.02:
            first = round(first)
        count = STEPS * math.log2(self.high) - first
        inner = (2 ** ((first + k) / STEPS) for k in range(1, math.floor(count + 0.5)))
        between = (float(f"{value:.3g}") for value in inner)
        return (self.low, *(v for v in between if self.low < v < self.high), self.high)


def _kind(value: Any) -> str:
    return "range" if isinstance(value, dict | RateRange) else "values"


Rates = Annotated[
    Annotated[tuple[Factor, ...], Field(min_length=1), Tag("values")]
    | Annotated[RateRange, Tag("range")],
    Discriminator(_kind),
]
"""What a space may say: a list of factors, or a range."""


def nearest(factor: float, offered: Sequence[float]) -> float:
    """The offered factor that is nearest on a log scale, the lower of two."""
    return min(offered, key=lambda value: (round(abs(math.log2(value / factor)), 6), value))


def odds(rates: "tuple[float, ...] | RateRange") -> tuple[float, ...]:
    """How often each factor is drawn; they sum to 1.

    Of a list each alike; of a range a normal distribution of the logarithm round the method's own.
    """
    if not isinstance(rates, RateRange):
        return (1 / len(rates),) * len(rates)
    weights = [math.exp(-0.5 * (math.log2(value / OWN) / USUAL) ** 2) for value in rates.grid]
    return tuple(weight / sum(weights) for weight in weights)
