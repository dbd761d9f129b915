"""Training learns, is reproducible to the bit, and leaves the backbone as it found it."""

from pathlib import Path

import pytest
import torch

from autopelt.architecture.architecture import Architecture
from autopelt.methods.module import Module
from autopelt.modules.attachment import attached
from autopelt.study.config import TrainingConfig
from autopelt.tasks import task_from_files
from autopelt.training.context import Context
from autopelt.training.loop import release, train_epochs
from autopelt.training.modes import set_training_mode
from autopelt.training.results import EpochResult, TrialFailure
from autopelt.training.spec import Setup

TRAINING = TrainingConfig(epochs=2, batch_size=16)
LORA = Architecture((Module("lora", "attention.query", 1, 2),))


@pytest.fixture(scope="module")
def context(tiny_bert: Path) -> Context:
    return Context(Setup(str(tiny_bert), "demo", train_examples=64))


def run(context: Context, architecture: Architecture, **changed: float) -> list[EpochResult]:
    training = TRAINING.model_copy(update=changed)
    try:
        return list(train_epochs(context, architecture, training, random_seed=5))
    finally:
        release(context)


def test_same_seed_same_numbers_and_backbone_untouched(context: Context) -> None:
    before = {k: v.clone() for k, v in context.model.base_model.state_dict().items()}
    one, two = run(context, LORA), run(context, LORA)
    assert [r.loss for r in one] == [r.loss for r in two]
    assert [r.score for r in one] == [r.score for r in two]
    assert attached(context.model) is None
    after = context.model.base_model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[k], after[k]) for k in before)


def test_a_trial_does_not_depend_on_the_one_before(context: Context) -> None:
    alone = run(context, LORA)
    run(context, Architecture((Module("sequential_adapter", "ffn", 0, 4),)))
    assert [r.loss for r in run(context, LORA)] == [r.loss for r in alone]


def test_what_can_be_learned_is_learned(tiny_bert: Path, tmp_path: Path) -> None:
    rows = [f"{'a b' if i % 2 else 'y z'} {'cdef'[i % 4]} {i},{i % 2}" for i in range(120)]
    (tmp_path / "letters.csv").write_text("\n".join(["text,label", *rows]) + "\n")
    task = task_from_files(str(tmp_path / "letters.csv"))
    adapters = Architecture(tuple(Module("sequential_adapter", "ffn", n, 8) for n in (0, 1)))
    results = run(Context(Setup(str(tiny_bert), task.spec)), adapters, epochs=60)
    assert results[-1].loss < 0.5 * results[0].loss
    assert results[-1].score == 1.0


def test_the_search_never_loads_the_report_split(context: Context) -> None:
    assert set(context.splits) == {"train", "selection"}


def test_a_diverging_loss_is_a_failure_with_its_step(context: Context) -> None:
    weight = context.model.base_model.encoder.layer[0].output.dense.weight
    kept = weight.detach().clone()
    weight.data.fill_(float("nan"))
    try:
        with pytest.raises(TrialFailure, match=r"step \d+ of epoch"):
            run(context, LORA)
    finally:
        weight.data.copy_(kept)
    assert attached(context.model) is None


def test_dropout_is_off_below_the_lowest_module(context: Context) -> None:
    from autopelt.modules.attachment import attach, detach

    attach(context.model, LORA, random_seed=0)
    set_training_mode(context.model)
    layers = context.model.base_model.encoder.layer
    assert not context.model.base_model.embeddings.training
    assert not layers[0].output.dropout.training
    assert layers[1].output.dropout.training
    detach(context.model)
    attach(context.model, Architecture((Module("prompt", "embeddings", None, 2),)), random_seed=0)
    set_training_mode(context.model)
    assert layers[0].output.dropout.training
    detach(context.model)
    context.model.eval()


def test_the_best_epochs_weights_stay(context: Context) -> None:
    epochs = train_epochs(context, LORA, TrainingConfig(epochs=6, batch_size=16), random_seed=1)
    from autopelt.training.loop import score_split

    results = list(epochs)
    best = max(results, key=lambda r: (r.score, -r.epoch))
    assert score_split(context, "selection")["accuracy"] == best.score
    release(context)
