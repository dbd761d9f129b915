"""Read aligned text files: line for line the same, as translations are published."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from autopelt.data.encoding import read_lines
from autopelt.data.readers import FOUND_OUT, Format, Table
from autopelt.errors import UnavailableError


def read_aligned(paths: Sequence[Path], notes: list[str], form: Format = FOUND_OUT) -> Table:
    """Two text files as columns ``source`` and ``target``; pairs with an empty side are left out.

    Raises:
        UnavailableError: as `autopelt.data.encoding.read_lines`; other numbers of lines; no pair.
    """
    source_path, target_path = paths
    source, target = (read_lines(path, notes, form.encoding) for path in paths)
    if len(source) != len(target):
        raise UnavailableError(
            f"'{source_path}' has {len(source)} lines, but '{target_path}' has {len(target)}; "
            "aligned files have one line for each pair."
        )
    pairs = [
        (number, a.strip(), b.strip())
        for number, (a, b) in enumerate(zip(source, target, strict=True), 1)
        if a.strip() and b.strip()
    ]
    if not pairs:
        raise UnavailableError(f"'{source_path}' and '{target_path}' have no pair of texts.")
    if len(pairs) < len(source):
        notes.append(
            f"'{source_path.name}': {len(source) - len(pairs)} of {len(source)} pairs have an "
            "empty side; they are left out."
        )
    columns = {"source": [a for _, a, _ in pairs], "target": [b for _, _, b in pairs]}
    return Table(columns, str(source_path), [number for number, _, _ in pairs])
