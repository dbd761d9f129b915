"""Whose word counts about where things are in a model, and what is found where nobody says."""

import json
import resource
from dataclasses import fields, replace
from pathlib import Path

import pytest
import yaml
from families import FOUND, config_of
from transformers import AutoConfig
from zoo import CONFIGS

from autopelt.backbones import structure
from autopelt.backbones.backbone import LINEAR, PLACES
from autopelt.backbones.families import FAMILIES, REGISTERED, Family, Stack
from autopelt.backbones.shapes import shapes_from_file
from autopelt.backbones.structure import family_for, find
from autopelt.errors import UsageError

PHI3 = {
    "model_type": "phi3",
    "vocab_size": 50,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "pad_token_id": 0,
}


GOLDEN = yaml.safe_load((Path(__file__).parent / "places.yaml").read_text(encoding="utf-8"))
"""Read off each family's module by a person, or compared with one who did."""


def told(value):
    """What a family or a stack says beyond the defaults."""
    own = {f.name: getattr(value, f.name) for f in fields(value) if f.name != "stacks"}
    return {
        name: v for name, v in own.items() if v != type(value).__dataclass_fields__[name].default
    }


@pytest.mark.parametrize("family", CONFIGS | FOUND)
def test_the_places_of_a_family_are_found(family):
    found = find(config_of(family))
    assert [told(stack) for stack in found.stacks] == GOLDEN[family]["stacks"]
    assert told(found) == {k: v for k, v in GOLDEN[family].items() if k != "stacks"}


@pytest.mark.parametrize("family", sorted(set(FAMILIES) - {"deberta-v2"}))
def test_a_row_of_the_table_says_what_is_found(family):
    """All but DeBERTa's, whose attention carries a prefix by a forward of ours."""
    row = FAMILIES[family]
    for said, found in zip(row.stacks, find(config_of(family)).stacks, strict=True):
        for name, path in told(said).items():
            alternatives = path.split("|") if isinstance(path, str) else [path]
            assert getattr(found, name) in alternatives, name
        assert set(told(found)) == set(told(said))


BIG = [
    ("llama", {}),  # 7B
    ("mixtral", {"num_hidden_layers": 32}),  # 47B
    ("deepseek_v3", {}),  # 671B
]


@pytest.mark.parametrize(("family", "options"), BIG)
def test_a_large_model_takes_no_more_memory_than_a_small_one(family, options):
    config = AutoConfig.for_model(family, **options)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    stack = find(config).stacks[0]
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 200 * 1024  # KiB; one of its matrices alone would be 67 MB
    assert stack.output == "self_attn.o_proj"


def test_what_was_found_is_remembered_by_configuration(monkeypatch):
    config = config_of("olmo2")
    first = family_for(config)
    monkeypatch.setattr(structure, "find", None)
    config.id2label = {0: "no", 1: "yes", 2: "maybe"}  # of the head, not of the backbone
    assert family_for(config) is first
    config.num_hidden_layers = 3
    with pytest.raises(TypeError, match="not callable"):
        family_for(config)


def test_slices_of_a_fused_map_are_told_where_heads_allow():
    equal = config_of("phi3")
    equal.num_key_value_heads = equal.num_attention_heads
    stack = find(equal).stacks[0]
    assert (stack.query, stack.value) == ("self_attn.qkv_proj[0/3]", "self_attn.qkv_proj[2/3]")
    assert stack.qkv is None
    grouped = find(config_of("phi3")).stacks[0]
    assert (grouped.query, grouped.qkv) == (None, "self_attn.qkv_proj")


def test_a_module_that_is_called_twice_is_no_place():
    """phi has one dropout module behind attention and FFN: a hook on it would hit both."""
    stack = find(config_of("phi")).stacks[0]
    assert (stack.attention_out, stack.ffn_output) == ("self_attn.dense", "mlp")


REFUSED = [
    ("fnet", "the layers in 'encoder.layer' do not add"),
    ("squeezebert", "no list of layers of which each reads what another gives"),
    ("funnel", "it cannot be tried"),
]


@pytest.mark.parametrize(("family", "why"), REFUSED)
def test_what_cannot_be_found_is_refused_in_one_line(family, why):
    with pytest.raises(UsageError) as caught:
        family_for(AutoConfig.for_model(family))
    message = str(caught.value)
    assert f"the places of a {family} model are not known and were not found: " in message
    assert why in message
    assert "docs/adding-a-family.md" in message
    assert "\n" not in message


def test_a_description_may_leave_places_out(tmp_path, monkeypatch):
    """One that the user registered wins over the row, and shapes are not remembered wrongly."""
    (tmp_path / "config.json").write_text(json.dumps(PHI3))
    stack = Stack("layers", qkv="self_attn.qkv_proj", output="self_attn.o_proj", ffn_output="mlp")
    for changed in (stack, replace(stack, attention="self_attn", attention_out="self_attn.o_proj")):
        monkeypatch.setitem(REGISTERED, "phi3", Family((changed,), "embed_tokens"))
        shapes = shapes_from_file(tmp_path / "config.json")
        assert shapes.linear == {"attention.qkv": (32, 32 + 16 + 16), "attention.output": (32, 32)}
        assert set(shapes.locations) & {*LINEAR, *PLACES, "embeddings"} == {
            *shapes.linear,
            *(["attention", "attention.keys"] if changed is not stack else []),
            "embeddings",
        }
        assert (shapes.hidden, shapes.key_value) == (32, 16)


def test_one_window_a_layer_is_read_where_layers_are_few():
    """Windows of attention, one a layer, once were as many as of a deep model."""
    windows = {"attention_window": [8, 8], "encoder_layers": 2, "decoder_layers": 2}
    assert find(AutoConfig.for_model("led", **windows)).stacks[0].layers == "encoder.layers"
