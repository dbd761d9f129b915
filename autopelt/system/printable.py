"""Text as a terminal may be given it: what stands in files cannot steer it, nor fill it."""

import re

LONGEST_VALUE, LONGEST_LINE = 200, 1000
"""Characters of a quoted value and of a line; a file's text may have millions."""

_HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters but for line feeds and tabs, separators of lines, turns of the direction of
writing, and halves of characters, which no terminal's encoding has."""

_QUOTED = re.compile(rf"(?<!\w)'[^'\n]{{{LONGEST_VALUE + 1},}}'(?!\w)")


def printable(text: str) -> str:
    """Lines with control characters written out (``\\x1b``), each of a length that one can read."""
    harmless = _HARMFUL.sub(lambda found: found[0].encode("unicode-escape").decode(), text)
    return "\n".join(map(_cut, harmless.split("\n")))


def _cut(line: str) -> str:
    """A line, and each value that it quotes, of a length that one can read."""
    line = _QUOTED.sub(lambda found: f"'{_middle(found[0][1:-1], LONGEST_VALUE)}'", line)
    return _middle(line, LONGEST_LINE)


def _middle(text: str, longest: int) -> str:
    """Text without its middle where it is too long."""
    if len(text) <= longest:
        return text
    return f"{text[: longest * 2 // 3]}…{text[-(longest // 3) + 1 :]}"
