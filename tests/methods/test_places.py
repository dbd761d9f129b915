"""Words for several linear maps."""

import pytest

from autopelt.backbones.backbone import LINEAR as KNOWN
from autopelt.errors import UsageError
from autopelt.methods import check
from autopelt.methods.module import Module
from autopelt.methods.places import LINEAR, WORDS, placed
from autopelt.methods.shapes import Shapes

FUSED = Shapes("x", 1, 8, 8, 100, locations=("attention.qkv", "ffn.in", "ffn.out"))
GATED = Shapes("x", 1, 8, 8, 100, locations=("attention.query", "ffn.gate", "ffn.in"))


def test_every_linear_map_of_a_backbone_has_a_word():
    assert set(LINEAR) == set(KNOWN)
    assert set(WORDS["attention.all"]) | set(WORDS["ffn.all"]) == set(WORDS["all-linear"])


@pytest.mark.parametrize(
    ("written", "shapes", "meant"),
    [
        (["attention.all"], FUSED, ["attention.qkv"]),
        (["all-linear", "ffn.in"], FUSED, ["attention.qkv", "ffn.in", "ffn.out"]),
        (["ffn.all"], GATED, ["ffn.in", "ffn.gate"]),
        (["attention.query", "attention.value"], FUSED, ["attention.qkv"]),
        (["attention.query", "attention.value"], GATED, ["attention.query", "attention.value"]),
        (["ffn", "embeddings"], FUSED, ["ffn", "embeddings"]),
    ],
)
def test_words_mean_what_the_backbone_has(written, shapes, meant):
    assert placed(written, shapes) == tuple(meant)


def test_a_word_means_no_map_where_the_method_may_not_sit():
    assert placed(["all-linear"], FUSED, ("ffn.out", "attention.key")) == ("ffn.out",)


def test_a_word_for_nothing_is_refused_by_name():
    bare = Shapes("bare", 1, 8, 8, 100, locations=("attention.query",))
    assert placed(["ffn.all"], bare) == ("ffn.all",)
    with pytest.raises(UsageError, match=r"a bare backbone has no place 'ffn\.all'"):
        check(Module("lora", "ffn.all", 0, 2), bare)
