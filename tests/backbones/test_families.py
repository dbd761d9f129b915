"""The table of families: that the guide adds one, and what shapes say."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from transformers import AutoConfig, OPTForCausalLM, T5Config, T5EncoderModel

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.counter import ShapeCounter
from autopelt.backbones.families import REGISTERED
from autopelt.backbones.shapes import (
    _hidden,
    config_from_file,
    shapes_from_file,
    shapes_of_model,
)
from autopelt.errors import UnavailableError, UsageError
from autopelt.methods import METHODS
from autopelt.methods.module import Module
from autopelt.modules.attachment import attach, count_attached, detach

GUIDE = Path(__file__).parents[2] / "docs" / "adding-a-family.md"


def test_the_guide_adds_a_family_in_under_30_lines(monkeypatch):
    code = re.search(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL).group(1)
    assert len(code.splitlines()) < 30
    monkeypatch.setitem(REGISTERED, "opt", None)  # taken out again at the end
    exec(code, {})
    assert REGISTERED["opt"].prompt_host == "decoder"
    config = AutoConfig.for_model(
        "opt",
        vocab_size=50,
        hidden_size=32,
        word_embed_proj_dim=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        ffn_dim=48,
        max_position_embeddings=40,
    )
    torch.manual_seed(0)
    model = OPTForCausalLM(config).eval().double()
    ids = torch.randint(5, 50, (2, 8), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(ids)
    mask[1, :3] = 0
    with torch.no_grad():
        before = model(ids, attention_mask=mask).logits
    shapes = shapes_of_model(model)
    everything = [
        Module(name, location, layer, 2 + layer, "auto")
        for name in ("lora", "sequential_adapter", "parallel_adapter", "prefix")
        for location in METHODS[name].locations
        if location in shapes.locations
        for layer in range(2)
    ]
    everything += [Module("prompt", "embeddings", None, 3, "auto")]
    attach(model, Architecture(tuple(everything)), random_seed=0)
    counter = ShapeCounter(shapes)
    assert count_attached(model) == counter.count(Architecture(tuple(everything)))
    with torch.no_grad():
        for parameter in model.autopelt.parameters():
            parameter.add_(torch.randn(parameter.shape) * 0.1)
        texts = [
            model.generate(ids, attention_mask=mask, max_new_tokens=5, use_cache=c).tolist()
            for c in (True, False)
        ]
        assert texts[0] == texts[1]
        detach(model)
        assert torch.equal(model(ids, attention_mask=mask).logits, before)


PUBLISHED = [
    # What the model cards' config.json say, as far as it shapes the backbone.
    ({"model_type": "bert"}, 109_482_240, 12, 768, 768),
    (
        {
            "model_type": "roberta",
            "vocab_size": 50265,
            "max_position_embeddings": 514,
            "type_vocab_size": 1,
        },
        124_645_632,
        12,
        768,
        768,
    ),
    ({"model_type": "gpt2"}, 124_439_808, 12, 768, 768),
    ({"model_type": "distilbert"}, 66_362_880, 6, 768, 768),
    (
        {
            "model_type": "llama",
            "vocab_size": 128256,
            "hidden_size": 2048,
            "intermediate_size": 8192,
            "num_hidden_layers": 16,
            "num_attention_heads": 32,
            "num_key_value_heads": 8,
            "head_dim": 64,
            "tie_word_embeddings": True,
        },
        1_235_814_400,
        16,
        2048,
        512,
    ),
    ({"model_type": "t5"}, 60_506_624, 12, 512, 512),
]


@pytest.mark.parametrize(("config", "parameters", "layers", "hidden", "key_value"), PUBLISHED)
def test_shapes_come_from_config_json_alone(
    tmp_path, config, parameters, layers, hidden, key_value
):
    (tmp_path / "config.json").write_text(json.dumps(config))
    shapes = shapes_from_file(tmp_path / "config.json")
    assert shapes.backbone_parameters == parameters
    assert (shapes.layers, shapes.hidden, shapes.key_value) == (layers, hidden, key_value)


def test_a_model_without_its_decoder_is_counted_as_it_is():
    config = T5Config(
        vocab_size=50, d_model=32, d_kv=8, d_ff=48, num_layers=2, num_decoder_layers=3, num_heads=4
    )
    model = T5EncoderModel(config)
    shapes = shapes_of_model(model)
    assert shapes.layers == 2
    assert shapes.backbone_parameters == sum(p.numel() for p in model.parameters())
    attach(model, Architecture((Module("lora", "ffn.in", 1, 2),)))
    assert shapes_of_model(model) == shapes
    with pytest.raises(UsageError, match="layer 2 does not exist"):
        attach(T5EncoderModel(config), Architecture((Module("lora", "ffn.in", 2, 2),)))


LLAMA = {
    "model_type": "llama",
    "vocab_size": 50,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}


def test_a_gate_is_a_map_of_its_own(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(LLAMA))
    shapes = shapes_from_file(tmp_path / "config.json")
    assert shapes.linear["ffn.gate"] == (32, 48)
    assert "ffn.gate" in shapes.locations
    assert "attention.qkv" not in shapes.locations
    assert "ffn.sublayer" not in shapes.locations


def test_layers_that_differ_are_counted_as_they_are(tmp_path):
    """BART's decoder may have another FFN width than its encoder."""
    config = {
        "model_type": "bart",
        "d_model": 32,
        "encoder_layers": 2,
        "decoder_layers": 1,
        "encoder_attention_heads": 4,
        "decoder_attention_heads": 4,
        "encoder_ffn_dim": 48,
        "decoder_ffn_dim": 40,
        "vocab_size": 50,
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    counter = ShapeCounter(shapes_from_file(tmp_path / "config.json"))
    sizes = [counter.deployed(Module("lora", "ffn.in", layer, 2)) for layer in range(3)]
    assert sizes == [2 * (32 + 48), 2 * (32 + 48), 2 * (32 + 40)]


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("{", UnavailableError, "cannot be read"),
        ("[]", UnavailableError, "no 'model_type'"),
        ("{}", UnavailableError, "no 'model_type'"),
        ('{"model_type": "fnet"}', UsageError, "fnet model are not known and were not found"),
        ('{"model_type": "bert", "num_hidden_layers": 0}', UnavailableError, "no layers"),
        (
            '{"model_type": "bert", "hidden_size": 10, "num_attention_heads": 3}',
            UnavailableError,
            "gives no model",
        ),
        ('{"model_type": "bert", "hidden_size": "wide"}', UnavailableError, "is not valid"),
    ],
)
def test_configs_that_give_no_model_are_refused_in_one_line(tmp_path, text, error, message):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(error, match=message) as caught:
        shapes_from_file(tmp_path / "config.json")
    assert "\n" not in str(caught.value)


def test_numbers_that_json_has_not_are_read_as_transformers_writes_them(tmp_path):
    written = AutoConfig.for_model("falcon_h1")
    written.to_json_file(tmp_path / "config.json", use_diff=False)
    assert config_from_file(tmp_path / "config.json").time_step_limit[1] == float("inf")


def test_a_width_that_nothing_says_is_asked_for():
    """As of `blt`, whose configurations of its parts alone have a width."""
    with pytest.raises(UnavailableError, match="a opt model has no linear map that reads"):
        _hidden(SimpleNamespace(model_type="opt"), {"attention.output": (8, 8)})


def test_a_config_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UnavailableError, match=r"none\.json' cannot be read: No such file"):
        shapes_from_file(tmp_path / "none.json")
