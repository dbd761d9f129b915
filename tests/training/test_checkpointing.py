"""Layers that are computed twice give what they give once, and keep little in between."""

from pathlib import Path

import pytest
import torch
from tiny_context import tiny_context
from tiny_decoder import decoder

from autopelt.architecture.architecture import Architecture
from autopelt.backbones.backbone import Backbone
from autopelt.methods import METHODS
from autopelt.methods.module import Module
from autopelt.modules.attachment import attach, detach
from autopelt.study.config import TrainingConfig
from autopelt.training.checkpointing import checkpointed
from autopelt.training.context import Context
from autopelt.training.loop import release, train, train_epochs
from autopelt.training.population import Population
from autopelt.training.results import EpochResult


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Context:
    return decoder("llama", tmp_path_factory.mktemp("llama"))


def losses(context: Context, architecture: Architecture, **other: object) -> list[float]:
    """Of each epoch; all of one training depend on all gradients before."""
    made = {"epochs": 2, "batch_size": 8, "learning_rate_factor": 3.0, "precision": "fp32"}
    training = TrainingConfig(**made | other)
    try:
        return [r.loss for r in train_epochs(context, architecture, training, 1)]
    finally:
        release(context)


@pytest.mark.parametrize(
    ("kind", "family", "precision"),
    [("", "gpt2", "bf16"), ("generation", "t5", "fp32"), ("classification", "bert", "bf16")],
)
def test_with_dropout_and_either_precision_a_training_is_the_same(
    kind: str, family: str, precision: str, tmp_path: Path
) -> None:
    context = tiny_context(kind, family, tmp_path) if kind else decoder(family, tmp_path)
    for layer in (m for m in context.model.modules() if isinstance(m, torch.nn.Dropout)):
        layer.p = 0.2
    lora = Architecture((Module("lora", "attention.value", 0, 2),))
    plain = losses(context, lora, precision=precision)
    assert losses(context, lora, precision=precision, dropout=False) != plain
    twice = losses(context, lora, precision=precision, gradient_checkpointing=True)
    assert twice == pytest.approx(plain, rel=1e-6)


@pytest.mark.parametrize("method", [m for m in METHODS if m != "bitfit"])  # Llama has no biases
def test_every_method_gets_the_same_gradients(method: str, llama: Context) -> None:
    facts = METHODS[method]
    place, size = facts.locations[0], 2 if facts.size_word else 1
    layer = None if place == "embeddings" else 1
    gate = "auto" if "gate" in facts.options else None
    attach(llama.model, Architecture((Module(method, place, layer, size, gate=gate),)))
    wanted = [p for p in llama.model.parameters() if p.requires_grad]
    batch = llama.batch("train", range(6))
    found = []
    try:
        for context in (None, checkpointed(Backbone(llama.model), layer or 0, llama.autocast)):
            if context is not None:
                context.__enter__()
            loss = llama.task.loss(llama.model(**llama.inputs(batch), use_cache=False), batch)
            found.append(torch.autograd.grad(loss, wanted))
            if context is not None:
                context.__exit__(None, None, None)
    finally:
        detach(llama.model)
    for once, twice in zip(*found, strict=True):
        torch.testing.assert_close(once, twice, rtol=1e-6, atol=1e-8)
    assert all("forward" not in layer.__dict__ for _, layer in Backbone(llama.model).layers)


def test_packing_the_trunk_and_checkpointing_go_together(llama: Context) -> None:
    lora = Architecture((Module("lora", "attention.value", 1, 2), Module("lora", "ffn.in", 2, 2)))
    plain = losses(llama, lora)
    assert losses(llama, lora, packing="on", gradient_checkpointing=True) == pytest.approx(
        plain, rel=1e-4
    )


def test_members_of_one_batch_are_checkpointed_too(tmp_path: Path) -> None:
    context = tiny_context("classification", "gpt2", tmp_path)
    members = [
        (Architecture((Module("lora", "attention.value", 0, 2),)), 1),
        (Architecture((Module("parallel_adapter", "ffn", 1, 2),)), 2),
    ]
    found = []
    for twice in (False, True):
        training = TrainingConfig(
            epochs=2, batch_size=4, precision="fp32", gradient_checkpointing=twice
        )
        told = list(train(Population(context, members, training, 0), training))
        found.append(
            [entry.loss for step in told for entry in step if isinstance(entry, EpochResult)]
        )
    assert len(found[0]) == 4
    assert found[1] == pytest.approx(found[0], rel=1e-6)


def test_only_inputs_of_layers_are_kept(llama: Context) -> None:
    kept = []
    attach(llama.model, Architecture((Module("lora", "attention.value", 0, 2),)))
    batch = llama.batch("train", range(8))
    for lowest in (len(Backbone(llama.model).layers), 0):
        sizes: list[int] = []

        def keep(x: torch.Tensor, sizes: list[int] = sizes) -> torch.Tensor:
            sizes.append(x.nbytes)
            return x

        with (
            checkpointed(Backbone(llama.model), lowest, llama.autocast),
            torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x),
        ):
            llama.model(**llama.inputs(batch), use_cache=False)
        kept.append(sum(sizes))
    detach(llama.model)
    assert kept[1] < kept[0] / 4
