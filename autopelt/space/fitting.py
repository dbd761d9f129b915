"""A search space without what a backbone has no place for."""

from __future__ import annotations

from collections.abc import Callable

from autopelt.methods import EVERYWHERE, METHODS, fits
from autopelt.methods.places import LINEAR, placed
from autopelt.methods.shapes import Shapes
from autopelt.space.space import Row, SearchSpace

RANKS = [0, 1, 2, 4, 8, 16]
"""Of what stands in for a space of which nothing works; 0 is absent."""


def places_of(space: SearchSpace, shapes: Shapes) -> list[tuple[str, str]]:
    """Methods and locations that a space has on a backbone, each once, and what may stand in."""
    last = [(EVERYWHERE, at) for at in LINEAR if at in shapes.locations]
    named = [(row.method, at) for row in space.modules for at in _meant(row, shapes)]
    return list(dict.fromkeys(last + named))


def on_backbone(space: SearchSpace, shapes: Shapes) -> SearchSpace:
    """The space with the locations that its words mean here; each place stands in one row."""
    if space.skip_missing:
        return fitted(space, shapes) or space
    rows = _rows(space, shapes, lambda method, location: True)
    same = rows == list(space.modules)
    return space if same else space.model_copy(update={"modules": tuple(rows)})


def fitted(space: SearchSpace, shapes: Shapes) -> SearchSpace | None:
    """The space without what does not fit; where nothing is left, LoRA on all linear maps.

    Returns:
        The space itself where all fits; None where nothing does.
    """
    rows = _rows(space, shapes, lambda method, location: _fits(method, location, shapes))
    if rows == list(space.modules):
        return space
    if not rows:
        maps = tuple(at for at in LINEAR if _fits(EVERYWHERE, at, shapes))
        everywhere = {"method": EVERYWHERE, "location": list(maps), "sizes": RANKS}
        rows = [Row.model_validate(everywhere)] if maps else []
    switched = space.layer_switch and any(row.per == "model" for row in rows)
    changed = space.model_copy(update={"modules": tuple(rows), "layer_switch": switched})
    return changed if rows else None


def _rows(space: SearchSpace, shapes: Shapes, wanted: Callable[[str, str], bool]) -> list[Row]:
    """Its rows with the locations that they mean here and that are wanted, each in one row."""
    seen: set[tuple[str, str]] = set()
    rows: list[Row] = []
    for row in space.modules:
        places = [(row.method, at) for at in _meant(row, shapes) if wanted(row.method, at)]
        kept = tuple(at for method, at in places if (method, at) not in seen)
        seen.update(places)
        if kept:
            rows.append(row if kept == row.location else _at(row, kept))
    return rows


def _at(row: Row, locations: tuple[str, ...]) -> Row:
    return row.model_copy(update={"location": locations})


def _meant(row: Row, shapes: Shapes) -> tuple[str, ...]:
    method = METHODS.get(row.method)
    return placed(row.location, shapes, () if method is None else method.locations)


def _fits(method: str, location: str, shapes: Shapes) -> bool:
    known = METHODS.get(method)
    if known is None:
        return True  # `methods.check` refuses it by name
    return fits(known, location, shapes)
