"""A space without what a backbone has no place for."""

from dataclasses import replace

import pytest

from autopelt.architecture.counter import ShapeCounter
from autopelt.errors import UsageError
from autopelt.methods.shapes import Shapes
from autopelt.space.bound import BoundSpace
from autopelt.space.fitting import fitted, on_backbone, places_of
from autopelt.space.space import SearchSpace

LINEAR = ("attention.query", "attention.value", "ffn.in")
PLACES = ("attention", "attention.keys", "ffn", *LINEAR, "embeddings")
SHAPES = Shapes("opt", 2, 16, 16, 1000, dict.fromkeys(LINEAR, (16, 16)), PLACES)
SPACE = SearchSpace.load("pelt")


def names(space: SearchSpace | None) -> list[str]:
    assert space is not None
    return [row.name for row in space.modules]


def test_a_space_that_fits_is_itself() -> None:
    assert fitted(SPACE, SHAPES) is SPACE


@pytest.mark.parametrize("row", SPACE.modules, ids=lambda row: row.name)
def test_what_does_not_work_is_left_out(row: object) -> None:
    method, at = row.method, row.location[0]  # type: ignore[attr-defined]
    left = names(fitted(SPACE, replace(SHAPES, unfit=(f"{method}@{at}",))))
    assert not any(name.startswith(f"{method}@") and at in name for name in left)
    assert len(left) >= len(SPACE.modules) - 1


def test_lora_on_all_linear_maps_is_what_remains() -> None:
    space = SearchSpace.parse("modules: [{method: prefix, location: attention, sizes: [0, 2]}]")
    unfit = replace(SHAPES, unfit=("prefix@attention", "lora@ffn.in"))
    assert names(fitted(space, unfit)) == ["lora@attention.query+attention.value"]
    assert fitted(space, replace(unfit, locations=("attention",))) is None


def test_a_fused_map_stands_for_query_and_value_once() -> None:
    text = """
modules:
  - {method: lora, location: attention.query, sizes: [0, 2]}
  - {method: lora, location: attention.value, sizes: [0, 2]}
"""
    fused = replace(SHAPES, locations=("attention.qkv",), linear={"attention.qkv": (16, 48)})
    space = SearchSpace.parse(text)
    assert names(fitted(space, fused)) == ["lora@attention.qkv"]
    assert places_of(space, fused) == [("lora", "attention.qkv")]


def test_words_mean_what_the_backbone_has_and_missing_places_are_refused_or_left_out() -> None:
    text = "modules: [{method: lora, location: all-linear, sizes: [0, 2]}, %s]"
    more = "{method: ia3, location: ffn.out, sizes: [0, 1]}"
    strict = SearchSpace.parse(text % more)
    assert names(on_backbone(strict, SHAPES)) == [
        "lora@attention.query+attention.value+ffn.in",
        "ia3@ffn.out",
    ]
    with pytest.raises(UsageError, match=r"no place 'ffn\.out'"):
        BoundSpace(strict, SHAPES, ShapeCounter(SHAPES), 1000)
    lenient = SearchSpace.parse("skip_missing: true\n" + text % more)
    bound = BoundSpace(lenient, SHAPES, ShapeCounter(SHAPES), 1000)
    assert names(bound.space) == ["lora@attention.query+attention.value+ffn.in"]
    unknown = SearchSpace.parse("skip_missing: true\n" + text % more.replace("ia3", "ia4"))
    with pytest.raises(UsageError, match="unknown method 'ia4'"):
        BoundSpace(unknown, SHAPES, ShapeCounter(SHAPES), 1000)
