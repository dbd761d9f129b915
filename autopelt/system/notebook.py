"""What a notebook shows of a value: a small table that is readable on any background.

Everything that is shown is escaped: names and reasons come from files and models of others.
"""

from collections.abc import Iterable, Sequence
from html import escape

from autopelt.system.printable import printable

_CELL = "padding:.15em .8em .15em 0;text-align:left;vertical-align:top"
_TABLE = "border-collapse:collapse;margin:.3em 0;background:none;color:inherit;font:inherit"
_LINE = "border-bottom:1px solid rgba(128,128,128,.4)"
_QUIET = "opacity:.75"


def table(
    title: str,
    rows: Iterable[Sequence[object]],
    heads: Sequence[str] = (),
    notes: Iterable[str] = (),
) -> str:
    """HTML of a title, rows of cells, and lines below; colours are the notebook's own.

    Args:
        heads: names of the columns, or none.
        notes: sentences below the table.
    """
    parts = [f'<div style="max-width:60em;overflow-x:auto"><b>{_text(title)}</b>']
    parts.append(f'<table style="{_TABLE}">')
    if heads:
        cells = "".join(f'<th style="{_CELL};{_QUIET};{_LINE}">{_text(h)}</th>' for h in heads)
        parts.append(f"<thead><tr>{cells}</tr></thead>")
    parts.append("<tbody>")
    for row in rows:
        *short, last = map(_text, row)
        cells = "".join(f'<td style="{_CELL};white-space:nowrap">{text}</td>' for text in short)
        cells += f'<td style="{_CELL};min-width:14em">{last}</td>'
        parts.append(f'<tr style="background:none">{cells}</tr>')
    parts.append("</tbody></table>")
    parts += [f'<div style="{_QUIET}">{_text(note)}</div>' for note in notes]
    return "".join(parts) + "</div>"


def _text(value: object) -> str:
    return escape(printable(str(value)))
