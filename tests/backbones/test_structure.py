"""Whose word counts about where things are in a model."""

import json
from dataclasses import replace

import pytest
from transformers import AutoConfig

from autopelt.backbones.families import FAMILIES, REGISTERED, Family, Stack
from autopelt.backbones.shapes import shapes_from_file
from autopelt.backbones.structure import family_for
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


def test_an_unknown_family_lists_those_that_are_and_says_what_a_row_needs():
    with pytest.raises(UsageError) as caught:
        family_for(AutoConfig.for_model("albert"))
    message = str(caught.value)
    assert all(name in message for name in FAMILIES)
    assert "dotted paths of its layers, attention (query, key, value, output), FFN" in message
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
        assert set(shapes.locations) - {"attention"} == set(shapes.linear)
        assert ("attention" in shapes.locations) == (changed is not stack)
        assert (shapes.hidden, shapes.key_value) == (32, 16)
