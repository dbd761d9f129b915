"""Scales and starts that a row of a space chooses from; in points they are tested with `bound`."""

import pytest

from autopelt.methods.module import Module
from autopelt.space.variants import Variant, variants_of


def test_each_scale_goes_with_each_start() -> None:
    made = variants_of(("rank", 2, "sqrt"), ("random", "eva"))
    labels = ["rank random", "rank eva", "2 random", "2 eva", "sqrt random", "sqrt eva"]
    assert [v.label for v in made] == labels
    assert variants_of(("rank",), ("random",)) == (Variant(),)


@pytest.mark.parametrize(
    ("alpha", "wanted"), [("rank", {}), ("sqrt", {"alpha": 16.0}), (2.0, {"alpha": 64.0})]
)
@pytest.mark.parametrize("start", ["random", "eva"])
def test_a_variant_makes_its_modules_and_knows_them(
    alpha: float, wanted: dict[str, float], start: str
) -> None:
    variant = Variant(alpha, start)
    module = variant.module("lora", "ffn.in", 2, 32, gated=False)
    assert module == Module("lora", "ffn.in", 2, 32, start=start, **wanted)  # type: ignore[arg-type]
    assert variant.makes(module)
    others = variants_of(("rank", "sqrt", 2.0), ("random", "eva"))
    assert [v for v in others if v.makes(module)] == [variant]
