"""Packed rows give the loss and the gradients of padded ones, whatever is attached."""

from pathlib import Path

import pytest
import torch
from tiny_decoder import decoder

from autopelt.architecture.architecture import Architecture
from autopelt.methods import METHODS
from autopelt.methods.module import Module
from autopelt.modules.attachment import attach, attachment, detach
from autopelt.study.config import TrainingConfig
from autopelt.tasks.padding import IGNORED
from autopelt.training.batches import scoring_batches
from autopelt.training.context import Context
from autopelt.training.loop import release, score_split, train_epochs
from autopelt.training.packing import (
    NOT_HERE,
    NOT_THIS,
    Layout,
    Packing,
    cost,
    learned_places,
    packed,
    packs,
    shared_rows,
)
from autopelt.training.shared_arrays import SharedArrays
from autopelt.training.spec import Setup

LORA = Architecture((Module("lora", "attention.query", 1, 2), Module("lora", "ffn.in", 1, 2)))


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Context:
    return decoder("llama", tmp_path_factory.mktemp("llama"))


def loss_and_gradients(
    context: Context, packing: Packing, whole: bool = False
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Of the first nine examples; `whole`: as they are padded, with all tokens through the head."""
    model, indices, layout = context.model, range(9), Layout(context, packing)
    wanted = [p for p in model.parameters() if p.requires_grad]
    if whole:
        batch = context.batch("train", indices)
        loss = context.task.loss(model(**context.inputs(batch)), batch)
    else:
        with layout.installed():
            laid = layout.lay("train", indices)
            assert ("position_ids" in laid.batch) == (packing == "on")
            loss = context.task.loss(model(**context.inputs(laid.batch)), laid.batch)
    return loss.detach(), list(torch.autograd.grad(loss, wanted, allow_unused=True))


def same(context: Context) -> None:
    """Padded, padded with the head on learned tokens only, and packed."""
    whole, wanted = loss_and_gradients(context, "off", whole=True)
    assert any(g is not None and g.abs().max() > 0 for g in wanted)
    for packing in ("off", "on"):
        loss, gradients = loss_and_gradients(context, packing)
        torch.testing.assert_close(loss, whole, rtol=1e-5, atol=1e-5)
        for gradient, right in zip(gradients, wanted, strict=True):
            torch.testing.assert_close(gradient, right, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("family", ["llama", "qwen3", "gpt2", "gemma3_text", "mistral"])
def test_loss_and_gradients_are_those_of_the_padded_batch(
    family: str, attention: str, tmp_path: Path
) -> None:
    """GPT-2 has learned positions; of Gemma and Mistral the windows are shorter than the texts."""
    context = decoder(family, tmp_path, attention)
    attach(
        context.model, Architecture(tuple(Module("lora", "attention.value", n, 2) for n in (0, 1)))
    )
    moved(context)
    assert packs(context)
    same(context)


def moved(context: Context) -> None:
    """What is attached, away from its start."""
    noise = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for p in attachment(context.model).parameters():
            p.add_(0.1 * torch.randn(p.shape, generator=noise))


@pytest.mark.parametrize("method", [m for m in METHODS if m != "bitfit"])  # Llama has no biases
def test_every_method_is_packed_or_known_not_to_be(method: str, llama: Context) -> None:
    facts = METHODS[method]
    place = facts.locations[0]
    layer = None if place == "embeddings" else 1
    gates = (None, "auto", "mean", "masked") if "gate" in facts.options else (None,)
    for gate in gates:
        size = 2 if facts.size_word else 1
        attach(llama.model, Architecture((Module(method, place, layer, size, gate=gate),)))
        try:
            goes = layer is not None and gate in (None, "auto")
            before = [p.clone() for p in attachment(llama.model).parameters()]
            assert packs(llama) == goes
            assert all(map(torch.equal, before, attachment(llama.model).parameters()))
            if goes:
                moved(llama)
                same(llama)
        finally:
            detach(llama.model)


@pytest.mark.parametrize("family", ["bloom", "falcon"])
def test_a_family_that_counts_positions_itself_is_not_packed(family: str, tmp_path: Path) -> None:
    context = decoder(family, tmp_path)
    attach(context.model, Architecture((Module("parallel_adapter", "ffn", 0, 2),)))
    assert not packs(context)


def training(packing: Packing, **other: object) -> TrainingConfig:
    made = {"epochs": 2, "batch_size": 9, "dropout": False, "precision": "fp32"} | other
    return TrainingConfig(packing=packing, **made)


def test_a_training_comes_out_the_same_with_its_trunk_cached_too(
    llama: Context, tmp_path: Path
) -> None:
    found = []
    for packing, arrays in (
        ("off", None),
        ("on", None),
        ("on", SharedArrays(tmp_path / "cache", 2**30)),
    ):
        llama.arrays = arrays
        results = list(train_epochs(llama, LORA, training(packing), 3))
        found.append([(r.loss, r.score) for r in results])
        assert bool(results[0].saved) == (arrays is not None)
        assert not results[0].notes
        scored = score_split(llama, "selection")["loss"]
        assert -scored == pytest.approx(max(r.score for r in results), rel=1e-5)
        release(llama)
    llama.arrays = None
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            assert two == pytest.approx(one, rel=1e-4)
    assert llama.model.config.use_cache


def test_weights_in_bf16_are_packed_and_checkpointed_too(tmp_path: Path) -> None:
    context = decoder("llama", tmp_path, bf16=True)
    attach(context.model, LORA)
    assert packs(context)
    detach(context.model)
    told = {}
    for packing, twice in (("off", False), ("on", False), ("on", True)):
        asked = training(packing, precision="bf16", gradient_checkpointing=twice)
        told[packing, twice] = [r.loss for r in train_epochs(context, LORA, asked, 3)]
        release(context)
    assert told["on", True] == told["on", False]
    assert told["on", False] == pytest.approx(told["off", False], rel=1e-3)
    attach(context.model, Architecture((Module("prompt", "embeddings", None, 2),)))
    assert not packs(context)


@pytest.mark.parametrize(
    ("architecture", "packing", "notes"),
    [
        (Architecture((Module("prompt", "embeddings", None, 2),)), "on", [NOT_HERE]),
        (Architecture((Module("prompt", "embeddings", None, 2),)), "auto", []),
        (LORA, "on", []),
    ],
)
def test_who_asked_for_packing_is_told_why_there_is_none(
    architecture: Architecture, packing: Packing, notes: list[str], llama: Context
) -> None:
    results = list(train_epochs(llama, architecture, training(packing, epochs=1), 0))
    release(llama)
    assert results[0].notes == notes


def test_a_classifier_is_not_packed(tiny_bert: Path) -> None:
    context = Context(Setup(str(tiny_bert), "demo", train_examples=32))
    lora = Architecture((Module("lora", "attention.query", 0, 2),))
    for packing, notes in (("on", [NOT_THIS]), ("auto", [])):
        results = list(train_epochs(context, lora, training(packing, epochs=1), 0))
        release(context)
        assert results[0].notes == notes


def test_predictions_stay_with_their_examples(llama: Context) -> None:
    indices = next(scoring_batches(llama.splits["selection"].lengths, 8))
    batch = llama.batch("selection", indices)
    with torch.inference_mode():
        wanted = llama.task.predictions(llama.model(**llama.inputs(batch)), batch)
        layout = Layout(llama, "on")
        with layout.installed():
            laid = layout.lay("selection", indices)
            found = laid.predictions(llama.task, llama.model(**llama.inputs(laid.batch)))
    assert list(laid.indices) != list(indices)
    ordered = dict(zip(laid.indices, found, strict=True))
    for i, right in zip(indices, wanted, strict=True):
        assert ordered[i] == pytest.approx(right, rel=1e-5)


# ---------------------------------------------------------------------- rows
def test_rows_hold_every_example_once_and_no_more_than_they_need() -> None:
    lengths = [100, 70, 30, 20, 50, 50, 10, 70]
    rows = shared_rows(lengths, 4)  # so narrow a model that attention is what counts
    assert sorted(i for row in rows for i in row) == list(range(8))
    assert max(sum(lengths[i] for i in row) for row in rows) == 100
    assert len(rows) == 4
    assert shared_rows(lengths, 10**6, in_one=True) == [list(range(8))]
    wide = shared_rows(lengths, 10**6)  # so wide a model that only room left over counts
    width = max(sum(lengths[i] for i in row) for row in wide)
    assert len(wide) * width == 400
    assert cost(4, 100, 4) < cost(2, 200, 4)


def test_a_packed_row_by_hand() -> None:
    """The first token of an example is nothing that the one in front could have told."""
    batch = {
        "input_ids": torch.tensor([[5, 6, 7, 0], [8, 9, 10, 11], [12, 0, 0, 0]]),
        "attention_mask": torch.tensor([[1, 1, 1, 0], [1, 1, 1, 1], [1, 0, 0, 0]]),
        "labels": torch.tensor(
            [[5, 6, 7, IGNORED], [IGNORED, IGNORED, 10, 11], [12, *[IGNORED] * 3]]
        ),
    }
    made = packed(batch, [[1], [0, 2]])
    assert made["input_ids"].tolist() == [[8, 9, 10, 11], [5, 6, 7, 12]]
    assert made["position_ids"].tolist() == [[0, 1, 2, 3], [0, 1, 2, 0]]
    assert made["attention_mask"].tolist() == [[1, 1, 1, 1], [1, 1, 1, 1]]
    assert made["labels"].tolist() == [[IGNORED, IGNORED, 10, 11], [IGNORED, 6, 7, IGNORED]]
    assert learned_places(made).tolist() == [1, 2, 4, 5]
    assert learned_places(batch).tolist() == [0, 1, 5, 6]


def test_auto_leaves_a_batch_of_like_lengths_as_it_is(llama: Context) -> None:
    lengths = llama.splits["train"].lengths
    alike = [i for i, n in enumerate(lengths) if n == lengths[0]][:3]
    unlike = [lengths.index(min(lengths)), lengths.index(max(lengths)), *alike[:1]]
    layout = Layout(llama, "auto")
    with layout.installed():
        assert "position_ids" not in layout.lay("train", alike).batch
        assert "position_ids" in layout.lay("train", unlike).batch
