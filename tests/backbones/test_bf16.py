"""Frozen weights in bf16: who keeps them, what stays in fp32, and that all else works as before."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModel
from zoo import CONFIGS, SEQ2SEQ, batch_of, make

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.seeds import seed_architecture
from autopelt.backbones.bf16 import is_kept_in_bf16, keep_in_bf16
from autopelt.backbones.head import head_of
from autopelt.backbones.load import load_model
from autopelt.backbones.shapes import shapes_of_model
from autopelt.errors import UsageError
from autopelt.methods import METHODS
from autopelt.methods.module import EMBEDDINGS
from autopelt.modules.attachment import attach, detach
from autopelt.modules.probe import failures
from autopelt.study.config import StudyConfig, TrainingConfig
from autopelt.training.context import Context
from autopelt.training.final import evaluate_model, train_model
from autopelt.training.loop import release, train_epochs
from autopelt.training.spec import Setup


@pytest.mark.parametrize("family", [f for f in CONFIGS if f != "t5"])  # whose logits are chaotic
def test_a_family_computes_nearly_the_same_in_fp32(family: str) -> None:
    model, batch = make(family, generates=family in SEQ2SEQ), batch_of(family)
    with torch.no_grad():
        before = model(**batch).logits
        size = sum(p.nbytes for p in model.parameters())
        keep_in_bf16(model)
        after = model(**batch).logits
    assert sum(p.nbytes for p in model.parameters()) < 0.6 * size
    assert after.dtype == torch.float32
    assert not torch.equal(after, before)
    torch.testing.assert_close(after, before, rtol=0, atol=0.02 * float(before.abs().max()))


@pytest.mark.parametrize("family", ["llama", "gpt2", "bert", "t5"])
def test_every_method_works_and_comes_off_bit_for_bit(family: str) -> None:
    model = AutoModel.from_config(make(family).config).eval()
    keep_in_bf16(model)
    there = (*shapes_of_model(model).locations, EMBEDDINGS)
    places = [(name, at) for name, m in METHODS.items() for at in m.locations if at in there]
    assert failures(model, places) == {}


def test_head_and_modules_are_fp32_and_full_is_refused() -> None:
    model = make("llama")
    keep_in_bf16(model)
    assert is_kept_in_bf16(model)
    attach(model, seed_architecture("unipelt", shapes_of_model(model)))
    trained = [*head_of(model).values(), *model.autopelt.parameters()]  # type: ignore[operator, union-attr]
    assert {p.dtype for p in trained} == {torch.float32}
    detach(model)
    with pytest.raises(UsageError, match="full trains every weight, but with precision='bf16'"):
        attach(model, Architecture(full=True))


def test_a_study_says_it_and_a_worker_loads_so(tiny_bert: Path) -> None:
    for precision in ("auto", "fp32", "bf16"):
        training = TrainingConfig(precision=precision)  # type: ignore[arg-type]
        config = StudyConfig(task="demo", model=str(tiny_bert), training=training)
        assert Setup.of(config).bf16 == (precision == "bf16")
    assert not is_kept_in_bf16(Context(Setup(str(tiny_bert), "demo", train_examples=8)).model)


def test_trained_saved_and_evaluated_alike(tiny_bert: Path, tmp_path: Path) -> None:
    setup = Setup(str(tiny_bert), "demo", train_examples=32, bf16=True)
    training = TrainingConfig(epochs=1, precision="bf16")
    shapes = shapes_of_model(load_model(setup.source, "none", 1, 0))
    folder = tmp_path / "trained"
    train_model(setup, seed_architecture("sapa", shapes), training, 0, folder, lambda _: None)
    found = evaluate_model(folder)
    assert found["report"] == found["stored"]


def test_weights_rounded_beforehand_train_as_products_in_bf16_do(tiny_bert: Path) -> None:
    """Both multiply rounded weights; they differ in the tokens' embeddings alone."""
    losses = []
    for bf16 in (False, True):
        context = Context(Setup(str(tiny_bert), "demo", train_examples=32, bf16=bf16))
        architecture = seed_architecture("lora-r2", shapes_of_model(context.model))
        training = TrainingConfig(epochs=1, precision="bf16", dropout=False)
        losses += [r.loss for r in train_epochs(context, architecture, training, random_seed=0)]
        release(context)
    assert losses[0] == pytest.approx(losses[1], rel=0.01)
