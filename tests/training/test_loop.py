"""Training learns, is reproducible to the bit, and leaves the backbone as it found it."""

from pathlib import Path

import pytest
import torch

from autopelt.architecture.architecture import Architecture
from autopelt.methods.module import Module
from autopelt.modules.attachment import attached
from autopelt.study.config import TrainingConfig
from autopelt.tasks import task_from_files
from autopelt.training.context import Workbench
from autopelt.training.loop import EpochResult, release, train_epochs
from autopelt.training.modes import set_training_mode
from autopelt.training.spec import Setup, TrialFailure

TRAINING = TrainingConfig(epochs=2, batch_size=16)
LORA = Architecture((Module("lora", "attention.query", 1, 2),))


@pytest.fixture(scope="module")
def bench(tiny_bert: Path) -> Workbench:
    return Workbench(Setup(str(tiny_bert), "demo", train_examples=64))


def run(bench: Workbench, architecture: Architecture, **changed: float) -> list[EpochResult]:
    training = TRAINING.model_copy(update=changed)
    try:
        return list(train_epochs(bench, architecture, training, random_seed=5))
    finally:
        release(bench)


def test_same_seed_same_numbers_and_backbone_untouched(bench: Workbench) -> None:
    before = {k: v.clone() for k, v in bench.model.base_model.state_dict().items()}
    one, two = run(bench, LORA), run(bench, LORA)
    assert [r.loss for r in one] == [r.loss for r in two]
    assert [r.score for r in one] == [r.score for r in two]
    assert attached(bench.model) is None
    after = bench.model.base_model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[k], after[k]) for k in before)


def test_a_trial_does_not_depend_on_the_one_before(bench: Workbench) -> None:
    alone = run(bench, LORA)
    run(bench, Architecture((Module("sequential_adapter", "ffn", 0, 4),)))
    assert [r.loss for r in run(bench, LORA)] == [r.loss for r in alone]


def test_what_can_be_learned_is_learned(tiny_bert: Path, tmp_path: Path) -> None:
    rows = [f"{'a b' if i % 2 else 'y z'} {'cdef'[i % 4]},{i % 2}" for i in range(120)]
    (tmp_path / "letters.csv").write_text("\n".join(["text,label", *rows]) + "\n")
    task = task_from_files(str(tmp_path / "letters.csv"))
    adapters = Architecture(tuple(Module("sequential_adapter", "ffn", n, 8) for n in (0, 1)))
    results = run(Workbench(Setup(str(tiny_bert), task.spec)), adapters, epochs=30)
    assert results[-1].loss < 0.5 * results[0].loss
    assert results[-1].score == 1.0


def test_the_search_never_loads_the_report_split(bench: Workbench) -> None:
    assert set(bench.splits) == {"train", "selection"}


def test_a_diverging_loss_is_a_failure_with_its_step(bench: Workbench) -> None:
    weight = bench.model.base_model.encoder.layer[0].output.dense.weight
    kept = weight.detach().clone()
    weight.data.fill_(float("nan"))
    try:
        with pytest.raises(TrialFailure, match=r"step \d+ of epoch"):
            run(bench, LORA)
    finally:
        weight.data.copy_(kept)
    assert attached(bench.model) is None


def test_dropout_is_off_below_the_lowest_module(bench: Workbench) -> None:
    from autopelt.modules.attachment import attach, detach

    attach(bench.model, LORA, random_seed=0)
    set_training_mode(bench.model)
    layers = bench.model.base_model.encoder.layer
    assert not bench.model.base_model.embeddings.training
    assert not layers[0].output.dropout.training
    assert layers[1].output.dropout.training
    detach(bench.model)
    attach(bench.model, Architecture((Module("prompt", "embeddings", None, 2),)), random_seed=0)
    set_training_mode(bench.model)
    assert layers[0].output.dropout.training
    detach(bench.model)
    bench.model.eval()


def test_the_best_epochs_weights_stay(bench: Workbench) -> None:
    epochs = train_epochs(bench, LORA, TrainingConfig(epochs=6, batch_size=16), random_seed=1)
    from autopelt.training.loop import score_split

    results = list(epochs)
    best = max(results, key=lambda r: (r.score, -r.epoch))
    assert score_split(bench, "selection")["accuracy"] == best.score
    release(bench)
