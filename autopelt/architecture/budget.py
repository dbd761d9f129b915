"""Trainable parameters: how many an architecture has, and the bound on them.

Two counts exist and both are always shown. *Trained* is what the optimiser updates, with the
networks that reparametrise a prefix or a prompt. *Deployed* is what remains to ship once these are
folded away; the budget binds this one. The task head is in neither and is shown apart. The
denominator of a share is the backbone without the task head.
"""

import re
from dataclasses import dataclass

from autopelt.errors import UsageError, parameter
from autopelt.system.units import format_count, parse_count, split_number


@dataclass(frozen=True)
class Count:
    """Parameters of one architecture on one backbone."""

    trained: int
    deployed: int
    backbone: int

    @property
    def share(self) -> float:
        """Deployed parameters as a share of the backbone's, 0.01 for 1 %."""
        return self.deployed / self.backbone


@dataclass(frozen=True)
class Budget:
    """Upper bound on deployed trainable parameters: a share of the backbone, or a count."""

    share: float | None = None
    count: int | None = None

    @classmethod
    def parse(cls, text: str | int) -> "Budget":
        """Read ``1%``, ``0.5%``, ``300k``, ``1.2M`` or a whole number.

        Raises:
            UsageError: not a number, zero, or more than the whole backbone.
        """
        text = str(text).strip()
        parts = split_number(text)
        if parts is None:
            raise _not_a_budget(text)
        value, unit = parts
        if value == 0:
            raise UsageError(f"budget '{text}' is zero; nothing could be trained. Try 1% or 300k.")
        if unit == "%":
            if value > 100:
                raise UsageError(f"budget '{text}' is more than the whole backbone; at most 100%.")
            return cls(share=value / 100)
        if unit == "" and value < 1:
            either = f"{value:g}% or {value * 100:g}%" if value >= 0.05 else f"{value * 100:g}%"
            raise UsageError(f"budget '{text}' is less than one parameter; did you mean {either}?")
        try:
            count = parse_count(text)
        except UsageError:
            raise _not_a_budget(text) from None
        if count < 1:
            raise UsageError(f"budget '{text}' is less than one parameter.")
        return cls(count=count)

    def limit(self, backbone_parameters: int) -> int:
        """The largest number of deployed parameters that fits."""
        if self.count is not None:
            return self.count
        assert self.share is not None
        return int(self.share * backbone_parameters + 1e-9)

    def __str__(self) -> str:
        """As `parse` reads it: ``1%``, ``300k``."""
        if self.share is not None:
            return f"{self.share * 100:.15g}%"
        assert self.count is not None
        return format_count(self.count)


def perhaps_a_share(limit: int) -> str:
    """A question behind so few parameters that a share was meant, perhaps; else ""."""
    return f" (did you mean {parameter('budget', f'{limit}%')}?)" if 0 < limit <= 100 else ""


def _not_a_budget(text: str) -> UsageError:
    """The error for what is no budget, with the likely one."""
    words = re.sub(r"\s*(?:percent|per cent|pct|%+)$", "%", text.strip().lower())
    comma = re.sub(r"(?<=[0-9]),(?=[0-9]{3}(?![0-9]))", "", words).replace(",", ".")
    meant = ""
    if (
        comma != text.lower()
        and (parts := split_number(comma))
        and parts[1] in ("", "%", "k", "m", "b")
    ):
        meant = f"did you mean {comma}? "
    return UsageError(
        f"budget '{text}' is no share and no count; {meant}write it like 1%, 0.5%, 300k or 1.2M."
    )
