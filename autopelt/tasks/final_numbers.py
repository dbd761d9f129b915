"""The number that a text ends in, as arithmetic answers have it, compared as numbers.

GSM8K (Cobbe et al. 2021, arXiv:2110.14168, section 2) writes the answer behind ``####``. Where a
text has no such mark, what counts is its last number.
"""

from __future__ import annotations

import re
from decimal import Decimal

MARK = "####"
"""Stands before the answer."""

_NUMBER = re.compile(
    r"""
    (?P<sign> (?<![\w.)\]}%]) [-+] [$€£¥]? )?   # behind a digit or a name it subtracts
    (?P<digits>
        \d{1,3} (?: ,\d{3} )+ (?![\d]) (?: \.\d+ )?  # 1,234.5
      | \d+ (?: \.\d+ )?
      | (?<!\d) \.\d+
    )
    (?P<power> [eE] [-+]? \d{1,3} (?!\w) )?
    """,
    re.VERBOSE,
)


def final_number(text: str) -> Decimal | None:
    """The first number behind the last `MARK`; without one, the last number; None if there is none.

    Commas between thousands, a plus sign, currencies and per cent signs do not matter:
    ``$1,200.50`` and ``1200.5`` are equal.
    """
    text = text.replace("\N{MINUS SIGN}", "-")
    _, mark, behind = text.rpartition(MARK)
    if mark and (found := _NUMBER.search(behind)):
        return _value(found)
    numbers = list(_NUMBER.finditer(text))
    return _value(numbers[-1]) if numbers else None


def has_number(text: str) -> bool:
    """Whether there is a final number."""
    return final_number(text) is not None


def _value(found: re.Match[str]) -> Decimal:
    digits = found["digits"].replace(",", "") + (found["power"] or "")
    value = Decimal(digits)
    return -value if (found["sign"] or "").startswith("-") else value
