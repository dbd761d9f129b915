"""Starting values of LoRA from the weight (PiSSA) and from its inputs (EVA)."""

import peft
import pytest
import torch
from peft.tuners.lora.eva import initialize_lora_eva_weights
from peft.utils.incremental_pca import IncrementalPCA
from zoo import batch_of, logits_of, make

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.counter import ShapeCounter
from autopelt.backbones.backbone import Backbone
from autopelt.backbones.shapes import shapes_of_model
from autopelt.errors import UsageError
from autopelt.export.peft_folder import write_model
from autopelt.methods.module import Module
from autopelt.modules.attachment import attach, count_attached, detach
from autopelt.modules.checkpoint import load, save
from autopelt.modules.starts import input_directions, leading

RANK, ALPHA = 3, 6
asks_peft = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")
TARGETS = ("attention.query", "ffn.out")


def of_start(start, layers=(0, 2), rank=RANK):
    return Architecture(
        tuple(
            Module("lora", at, layer, rank, alpha=ALPHA, start=start)
            for layer in layers
            for at in TARGETS
        )
    )


def in_peft(model, **config):
    names = [
        name
        for name, _ in model.named_modules()
        if name.endswith(("layer.0.attention.self.query", "layer.2.attention.self.query"))
        or name.endswith(("layer.0.output.dense", "layer.2.output.dense"))
    ]
    return peft.get_peft_model(
        model, peft.LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=names, **config)
    )


def halves(wrapped):
    """(A, B) of each of peft's LoRAs by layer and place, as ours are named."""
    found = {}
    for name, module in wrapped.named_modules():
        if hasattr(module, "lora_A") and "default" in module.lora_A:
            at = "attention/query" if "query" in name else "ffn/out"
            layer = name.split("layer.")[1].split(".")[0]
            found[f"{layer}/{at}/lora"] = (module.lora_A["default"], module.lora_B["default"])
    return found


@pytest.mark.parametrize("size", [(7, 5), (5, 7), (6, 6)])
def test_leading_vectors_are_those_of_the_decomposition(size):
    matrix = torch.randn(*size, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    u, s, v = leading(matrix, 3)
    expected = torch.linalg.svd(matrix)
    torch.testing.assert_close(s, expected.S[:3])
    whole = (expected.U[:, :3] * expected.S[:3]) @ expected.Vh[:3]
    torch.testing.assert_close((u * s) @ v.T, whole)
    torch.testing.assert_close(u.T @ u, torch.eye(3, dtype=torch.float64))
    assert len(leading(matrix, 99)[1]) == min(size)


def test_of_a_large_matrix_only_the_wanted_are_worked_out(monkeypatch):
    monkeypatch.setattr("autopelt.modules.starts.EXACT", 4)
    left = torch.linalg.qr(torch.randn(40, 12, generator=torch.Generator().manual_seed(2)))[0]
    matrix = (left * 0.6 ** torch.arange(12)) @ left[:30].T[:12]
    before = torch.get_rng_state()
    u, s, v = leading(matrix, 4)
    assert torch.equal(torch.get_rng_state(), before)
    expected = torch.linalg.svd(matrix.double())
    torch.testing.assert_close(s, expected.S[:4], rtol=1e-5, atol=1e-7)
    whole = (expected.U[:, :4] * expected.S[:4]) @ expected.Vh[:4]
    torch.testing.assert_close((u * s) @ v.T, whole, atol=1e-5, rtol=0)


@asks_peft
def test_pissa_is_what_peft_makes_of_the_same_weights(tmp_path):
    """peft changes the weight and we do not: the function is the same, after training as well."""
    model, batch = make("bert"), batch_of("bert")
    theirs = in_peft(make("bert"), init_lora_weights="pissa")
    before = logits_of(model, batch)
    attach(model, of_start("pissa"))
    assert torch.equal(logits_of(model, batch), before)
    parts = model.autopelt.parts
    for name, (down, up) in halves(theirs).items():
        product = parts[name].up @ parts[name].down
        torch.testing.assert_close(product, up.weight @ down.weight, atol=1e-6, rtol=0)
        # Where signs differ, theirs are taken, and the same is changed in both.
        with torch.no_grad():
            change = torch.randn(down.weight.shape, generator=torch.Generator().manual_seed(3))
            down.weight.copy_(parts[name].down.add_(0.1 * change))
            up.weight.copy_(parts[name].up.mul_(1.3))
    expected = logits_of(theirs, batch)
    torch.testing.assert_close(logits_of(model, batch), expected, atol=1e-5, rtol=0)
    assert not torch.allclose(expected, before, atol=1e-3)

    count = count_attached(model)
    assert count == ShapeCounter(shapes_of_model(model)).count(of_start("pissa"))
    assert count.deployed == 2 * count.trained
    save(model, tmp_path / "ours")
    again = make("bert")
    load(again, tmp_path / "ours")
    torch.testing.assert_close(logits_of(again, batch), expected, atol=1e-5, rtol=0)
    (tmp_path / "peft").mkdir()
    write_model(model, tmp_path / "peft", "sequence_classification", "tiny")
    plain = peft.PeftModel.from_pretrained(make("bert"), tmp_path / "peft")
    torch.testing.assert_close(logits_of(plain, batch), expected, atol=1e-5, rtol=0)


def test_loading_needs_no_decomposition(tmp_path, monkeypatch):
    model = make("gpt2")
    attach(model, of_start("pissa", layers=(1,)))
    save(model, tmp_path)
    expected = logits_of(model, batch_of("gpt2"))
    detach(model)
    monkeypatch.delattr("autopelt.modules.starts.leading")
    load(model, tmp_path)
    torch.testing.assert_close(logits_of(model, batch_of("gpt2")), expected, atol=1e-5, rtol=0)


def test_a_rank_above_the_weights_own_has_directions_to_spare():
    model, batch = make("bert"), batch_of("bert")
    before = logits_of(model, batch)
    attach(model, Architecture((Module("lora", "attention.key", 1, 10_000, start="pissa"),)))
    assert torch.equal(logits_of(model, batch), before)


def test_a_weight_that_changed_is_decomposed_again():
    model = make("bert")
    one = Architecture((Module("lora", "attention.key", 1, 2, start="pissa"),))
    for factor in (1.0, 2.0):
        weight = Backbone(model).linear(1, "attention.key").module.weight
        with torch.no_grad():
            weight *= factor
        attach(model, one)
        part = model.autopelt.parts["1/attention/key/lora"]
        largest = torch.linalg.svdvals(part.up @ part.down)[0]
        torch.testing.assert_close(largest, torch.linalg.svdvals(weight)[0])
        detach(model)


# ------------------------------------------------------------------ EVA
@asks_peft
@pytest.mark.filterwarnings("ignore:lora with eva initialization")
def test_eva_is_what_peft_makes_of_the_same_batch(monkeypatch):
    exact = lambda **options: IncrementalPCA(**options | {"lowrank": False})  # noqa: E731
    monkeypatch.setattr("peft.tuners.lora.eva.IncrementalPCA", exact)
    batch = {name: value[:, :5] for name, value in batch_of("bert").items()}  # nothing is padded
    assert batch["attention_mask"].all()
    theirs = in_peft(
        make("bert"), init_lora_weights="eva", eva_config=peft.EvaConfig(rho=1.0, tau=1.0)
    )
    initialize_lora_eva_weights(theirs, [batch], show_progress_bar=False)
    model, eva = make("bert"), of_start("eva")
    attach(model, eva, directions=input_directions(model, eva, [batch]))
    assert len(halves(theirs)) == len(eva.modules)
    for name, (down, up) in halves(theirs).items():
        ours = model.autopelt.parts[name]
        assert not ours.up.any()
        assert not up.weight.any()
        signs = (ours.down * down.weight).sum(dim=1, keepdim=True).sign()
        # Theirs is worked out in float32.
        torch.testing.assert_close(ours.down * signs, down.weight, atol=2e-5, rtol=0)


def test_padding_is_no_input_and_maps_with_one_input_have_its_directions():
    model, batch = make("bert"), batch_of("bert")
    assert not batch["attention_mask"].all()
    eva = Architecture(
        tuple(
            Module("lora", f"attention.{at}", 1, 2, start="eva")
            for at in ("query", "value", "output")
        )
    )
    found = input_directions(model, eva, [batch])
    assert found["1/attention.query"] is found["1/attention.value"]
    assert found["1/attention.output"] is not found["1/attention.query"]
    longer = {name: torch.nn.functional.pad(value, (0, 3)) for name, value in batch.items()}
    again = input_directions(model, eva, [longer])
    for site, rows in found.items():
        torch.testing.assert_close(rows[:2], again[site][:2], atol=1e-4, rtol=0)


def test_without_directions_eva_is_refused_and_nothing_is_attached():
    model = make("bert")
    with pytest.raises(UsageError, match=r"lora at 0/attention\.query starts at directions"):
        attach(model, of_start("eva"))
    assert not hasattr(model, "autopelt")
    attach(model, of_start("eva"), directions={})  # at random where there are none
    assert all(part.down.any() for part in model.autopelt.parts.values())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": "piss"}, "start 'piss' of lora at 0/ffn.in is unknown: did you mean 'pissa'"),
        ({"start": "pissa", "gate": "auto"}, "starts at pissa and has a gate"),
    ],
)
def test_what_cannot_start_so_is_refused(options, message):
    with pytest.raises(UsageError, match=message):
        Module("lora", "ffn.in", 0, 2, **options)
    assert Module("lora", "ffn.in", 0, 2, start="random") == Module("lora", "ffn.in", 0, 2)
