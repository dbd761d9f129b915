"""The formulas agree with `adapters` 1.3.0; see tests/fixtures/make_adapters_parity.py."""

import importlib.util
import json
from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertModel

from autopelt.architecture.architecture import Architecture
from autopelt.methods.module import Module
from autopelt.modules.attachment import attach, count_attached

FIXTURES = Path(__file__).parent.parent / "fixtures"
_spec = importlib.util.spec_from_file_location("maker", FIXTURES / "make_adapters_parity.py")
maker = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(maker)
EXPECTED = json.loads((FIXTURES / "adapters_parity.json").read_text())
LAYERS = range(maker.CONFIG["num_hidden_layers"])


def _layers(*kinds):
    return [
        Module(method, location, layer, size, **options)
        for layer in LAYERS
        for method, location, size, options in kinds
    ]


_SEQUENTIAL = ("sequential_adapter", "ffn", 4, {})
_PARALLEL = ("parallel_adapter", "ffn", 8, {})
_NETWORK = ("prefix", "attention", 3, {"mlp": 12})
_PROMPT = Module("prompt", "embeddings", None, 4)
_MEAN = {"gate": "mean"}
_UNIPELT = _layers(
    ("prefix", "attention", 3, {"mlp": 12} | _MEAN),
    ("sequential_adapter", "ffn", 4, _MEAN),
    ("lora", "attention.query", 2, _MEAN),
    ("lora", "attention.value", 2, _MEAN),
)
KITS = {
    "pfeiffer": _layers(_SEQUENTIAL),
    "houlsby": _layers(
        ("sequential_adapter", "attention", 4, {}), ("sequential_adapter", "ffn.sublayer", 4, {})
    ),
    "parallel": _layers(_PARALLEL),
    "mam": _layers(_NETWORK, _PARALLEL),
    "lora": _layers(
        *(
            ("lora", location, 3, {"alpha": 6})
            for location in (
                "attention.query",
                "attention.key",
                "attention.value",
                "ffn.in",
                "ffn.out",
            )
        )
    ),
    "prefix": _layers(("prefix", "attention", 3, {})),
    "prefix-network": _layers(_NETWORK),
    "prompt": [_PROMPT],
    "unipelt": _UNIPELT,
    "pt-unipelt": [*_UNIPELT, _PROMPT],
}
_LINEAR = {"ffn/in": "intermediate.dense", "ffn/out": "output.dense"}
_BOTTLENECK = {
    "bottleneck.down": "adapter_down.0.weight",
    "bottleneck.down_bias": "adapter_down.0.bias",
    "bottleneck.up": "adapter_up.weight",
    "bottleneck.up_bias": "adapter_up.bias",
}
_POOL = "encoder.layer.0.attention.self.prefix_tuning.pool.prefix_tunings.a.self_prefix"
_NETWORK_NAMES = {
    "rows": "wte.weight",
    "inner": "control_trans.0.weight",
    "inner_bias": "control_trans.0.bias",
    "outer": "control_trans.2.weight",
    "outer_bias": "control_trans.2.bias",
}


def their_name(part, key):
    """The name in `adapters` of our parameter `key` of the part `part`."""
    if part.startswith("prefix_network"):
        return f"{_POOL}.{_NETWORK_NAMES[key]}"
    if part == "embeddings/prompt":
        return "prompt_tuning.prompt_tunings.a.prompt_embedding.weight"
    layer, *place, method = part.split("/")
    place, block = "/".join(place), f"encoder.layer.{layer}"
    if method == "lora":
        linear = _LINEAR.get(place, place.replace("attention/", "attention.self."))
        key = {"down": "lora_A", "up": "lora_B"}.get(key, key)
        return f"{block}.{linear}.loras.a.{key}"
    if method == "prefix":
        return f"{block}.attention.self.prefix_tuning.prefix_gates.a.{key.removeprefix('gate.')}"
    where = "attention.output" if place == "attention" else "output"
    return f"{block}.{where}.adapters.a.{_BOTTLENECK.get(key, key)}"


def fill_flat_prefix(parts):
    """`adapters` keeps all flat prefixes in one vector: (n, layers · 2, d)."""
    flat = maker.fill(f"{_POOL}.control_trans", (3 * len(LAYERS) * 2 * 32,))
    flat = flat.view(3, len(LAYERS) * 2, 32)
    for layer in LAYERS:
        part = parts[f"{layer}/attention/prefix"]
        part.keys.copy_(flat[:, 2 * layer])
        part.values.copy_(flat[:, 2 * layer + 1])


@pytest.mark.parametrize("implementation", ["eager", "sdpa"])
@pytest.mark.parametrize("kit", KITS)
def test_outputs_agree_with_adapters(kit, implementation):
    model = (
        BertModel(BertConfig(**maker.CONFIG, attn_implementation=implementation)).eval().double()
    )
    maker.fill_all(model)
    attach(model, Architecture(tuple(KITS[kit])), random_seed=0)
    parts = model.autopelt.parts
    with torch.no_grad():
        for name, part in parts.items():
            for key, parameter in part.named_parameters():
                if kit != "prefix":
                    parameter.copy_(maker.fill(their_name(name, key), parameter.shape))
        if kit == "prefix":
            fill_flat_prefix(parts)
        hidden = model(
            torch.tensor(maker.IDS), attention_mask=torch.tensor(maker.MASK)
        ).last_hidden_state
    assert count_attached(model).trained == EXPECTED[kit]["parameters"]
    expected = torch.tensor(EXPECTED[kit]["hidden"], dtype=torch.float64)
    found = torch.tensor(maker.shown(hidden), dtype=torch.float64)
    assert (found - expected).abs().max() < 1e-9


def test_every_configuration_of_the_fixture_is_compared():
    assert set(EXPECTED) - {"versions"} == set(KITS)
    assert EXPECTED["versions"]["adapters"] == "1.3.0"
