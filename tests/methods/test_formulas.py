"""Formulas by hand, where no other library can be asked."""

import pytest
import torch
from transformers import BertConfig, BertModel

from autopelt.architecture.architecture import Architecture
from autopelt.methods.module import Module
from autopelt.modules.attachment import attach
from autopelt.modules.gate import Gate, real_tokens
from autopelt.modules.prompt import insert


@pytest.fixture
def model():
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=40,
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=4,
        intermediate_size=48,
        max_position_embeddings=24,
    )
    return BertModel(config).eval().double()


def put(model, *modules):
    attach(model, Architecture(modules), random_seed=0)
    with torch.no_grad():
        for parameter in model.autopelt.parameters():
            parameter.normal_(0, 0.3, generator=torch.Generator().manual_seed(parameter.numel()))
    return model.autopelt.parts


IDS = torch.tensor([[5, 9, 12, 33, 7], [8, 30, 11, 1, 1]])
MASK = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])


def run(model):
    with torch.no_grad():
        return model(IDS, attention_mask=MASK).last_hidden_state


def test_sequential_and_parallel_on_one_ffn_are_autopefts_block(model):
    """LN(h + x + S(LN(h + x)) + P(x))."""
    parts = put(
        model, Module("sequential_adapter", "ffn", 0, 3), Module("parallel_adapter", "ffn", 0, 5)
    )
    seen = {}
    layer = model.encoder.layer[0]
    layer.intermediate.register_forward_pre_hook(lambda m, args: seen.update(x=args[0]))
    layer.output.dropout.register_forward_hook(lambda m, args, out: seen.update(h=out))
    found = run(model)
    h, x, norm = seen["h"], seen["x"], layer.output.LayerNorm.forward

    def bottleneck(name, z):
        b = parts[f"0/ffn/{name}"].bottleneck
        return torch.relu(z @ b.down.T + b.down_bias) @ b.up.T + b.up_bias

    update = bottleneck("sequential_adapter", norm(h + x)) + 4 * bottleneck("parallel_adapter", x)
    assert torch.allclose(found, norm(h + x + update), atol=1e-12)


def test_lora_adds_alpha_over_rank_times_the_product(model):
    part = put(model, Module("lora", "ffn.out", 0, 4, alpha=6.0))["0/ffn/out/lora"]
    seen = {}
    linear = model.encoder.layer[0].output.dense
    linear.register_forward_hook(lambda m, args, out: seen.update(x=args[0], out=out))
    run(model)
    expected = linear.forward(seen["x"]) + 1.5 * seen["x"] @ part.down.T @ part.up.T
    assert torch.allclose(seen["out"], expected, atol=1e-12)


def test_a_prefix_is_n_more_keys_and_values_in_front(model):
    part = put(model, Module("prefix", "attention", 0, 3))["0/attention/prefix"]
    attention, seen = model.encoder.layer[0].attention.self, {}
    attention.register_forward_hook(lambda m, args, out: seen.update(x=args[0], out=out[0]))
    run(model)
    x = seen["x"]

    def heads(rows):
        return rows.view(*rows.shape[:-1], 4, 8).transpose(1, 2)

    keys = torch.cat([part.keys.expand(2, -1, -1), attention.key(x)], dim=1)
    values = torch.cat([part.values.expand(2, -1, -1), attention.value(x)], dim=1)
    scores = heads(attention.query(x)) @ heads(keys).transpose(-1, -2) / 8**0.5
    visible = torch.cat([torch.ones(2, 3), MASK], dim=1).bool()
    scores = scores.masked_fill(~visible[:, None, None], -torch.inf)
    expected = (scores.softmax(-1) @ heads(values)).transpose(1, 2).flatten(2)
    assert torch.allclose(seen["out"], expected, atol=1e-12)


def test_gate_modes_average_what_they_say():
    gate = Gate(3, "mean").double()
    with torch.no_grad():
        gate.weight.copy_(torch.tensor([[0.5, -1.0, 2.0]]))
        gate.bias.fill_(0.1)
    x = torch.randn(2, 5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    each = torch.sigmoid(x @ gate.weight.T + 0.1)
    assert torch.allclose(gate(x), each.mean(1, keepdim=True))
    gate.mode = "masked"
    expected = torch.stack([each[0].mean(0), each[1, :3].mean(0)])[:, None]
    assert torch.allclose(gate(x, MASK.bool()), expected)
    assert torch.allclose(gate(x), each.mean(1, keepdim=True))
    gate.mode = "token"
    assert torch.allclose(gate(x), each)


@pytest.mark.parametrize("kind", ["2-D", "boolean", "additive", "0/1"])
def test_real_tokens_are_read_from_every_kind_of_mask(kind):
    full = (MASK[:, None, None, :] * MASK[:, None, :, None]).bool()
    mask = {
        "2-D": MASK,
        "boolean": full,
        "additive": torch.where(full, 0.0, torch.finfo(torch.float32).min),
        "0/1": full.long(),
    }[kind]
    assert torch.equal(real_tokens(mask, 5), MASK.bool())
    assert real_tokens(None, 5) is None


def test_rows_go_in_front_of_their_place_in_every_row():
    sequence = torch.tensor([[1, 2, 3], [4, 5, 6]])
    rows = torch.tensor([[-1, -2], [-3, -4]])
    found = insert(sequence, rows, torch.tensor([[1], [3]]))
    assert found.tolist() == [[1, -1, -2, 2, 3], [4, 5, 6, -3, -4]]
