"""No work is done that is not needed: gradients, loading, precision, threads."""

import math
import os
from pathlib import Path

import pytest
import torch
from tiny_context import tiny_context

from autopelt.architecture.architecture import Architecture
from autopelt.methods.module import Module
from autopelt.modules.attachment import frozen_parameters
from autopelt.modules.parameter_groups import parameter_groups
from autopelt.study.config import TrainingConfig
from autopelt.training import context as contexts
from autopelt.training.context import Context
from autopelt.training.loop import release, train_epochs
from autopelt.training.shared_arrays import SharedArrays
from autopelt.training.spec import Setup, TrialSpec
from autopelt.training.trial import run_trial
from autopelt.workflows.plan import default_threads

LORA = Architecture((Module("lora", "attention.query", 1, 2),))


@pytest.fixture(scope="module")
def context(tiny_bert: Path) -> Context:
    return Context(Setup(str(tiny_bert), "demo", train_examples=48))


@pytest.mark.parametrize("cached", [False, True])
def test_backward_ends_at_the_lowest_module_and_scoring_is_inference(
    context: Context, cached: bool, tmp_path: Path
) -> None:
    seen = {"training": 0, "scoring": 0}

    def look(layer: torch.nn.Module, args: tuple[torch.Tensor, ...]) -> None:
        assert not args[0].requires_grad  # nothing below can get a gradient
        assert all(
            p.grad is None and not p.requires_grad
            for p in frozen_parameters(context.model).values()
        )
        if layer.training:
            seen["training"] += 1
            assert torch.is_grad_enabled()
        else:
            seen["scoring"] += 1
            assert torch.is_inference_mode_enabled()

    context.arrays = SharedArrays(tmp_path, 2**24) if cached else None
    handle = context.model.base_model.encoder.layer[1].register_forward_pre_hook(look)
    try:
        for _ in train_epochs(context, LORA, TrainingConfig(epochs=2, batch_size=16), 0):
            pass
    finally:
        handle.remove()
        release(context)
        context.arrays = None
    assert seen["training"] == 2 * 3
    assert seen["scoring"] >= 2


def test_a_second_trial_loads_and_tokenises_nothing(
    tiny_bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contexts.warm_context.cache_clear()
    setup = Setup(str(tiny_bert), "demo", train_examples=48)
    spec = TrialSpec(0, LORA.to_json(), 1, setup, TrainingConfig(epochs=1))
    first = list(run_trial(spec))

    def never(*_: object, **__: object) -> None:
        raise AssertionError("the worker was warm")

    for name in ("load_model", "load_tokenizer", "make_task"):
        monkeypatch.setattr(contexts, name, never)
    second = list(run_trial(spec))
    assert [r.loss for r in second] == [r.loss for r in first]
    contexts.warm_context.cache_clear()


def test_weights_are_written_and_the_time_is_told(tiny_bert: Path, tmp_path: Path) -> None:
    setup = Setup(str(tiny_bert), "demo", train_examples=48)
    spec = TrialSpec(0, LORA.to_json(), 1, setup, TrainingConfig(epochs=1), str(tmp_path / "w"))
    results = list(run_trial(spec))
    assert (tmp_path / "w" / "weights.safetensors").is_file()
    assert results[-1].seconds["save"] > 0
    contexts.warm_context.cache_clear()


@pytest.mark.parametrize("workers", [1, 2, 3, 64])
def test_threads_are_divided(workers: int) -> None:
    cores = len(os.sched_getaffinity(0))
    assert default_threads(workers) >= 1
    assert default_threads(workers) * workers <= max(cores, workers)


@pytest.mark.parametrize(
    ("kind", "family"),
    [
        ("classification", "bert"),
        ("regression", "roberta"),
        ("token_classification", "bert"),
        ("question_answering", "bert"),
        ("multiple_choice", "roberta"),
        ("retrieval", "bert"),
        ("generation", "gpt2"),
    ],
)
def test_every_kind_trains_and_scores_in_bf16(kind: str, family: str, tmp_path: Path) -> None:
    made = tiny_context(kind, family, tmp_path)
    losses, learned = {}, {}
    for wanted in ("fp32", "bf16"):
        training = TrainingConfig(epochs=1, precision=wanted)
        (result,) = train_epochs(made, LORA, training, 0)
        groups = parameter_groups(made.model)
        learned[wanted] = torch.cat([p.detach().flatten() for g in groups for p in g["params"]])
        release(made)
        losses[wanted] = result.loss
        assert math.isfinite(result.score)
        assert all(p.dtype == torch.float32 for p in made.model.parameters())
    assert not torch.equal(learned["bf16"], learned["fp32"])
    assert losses["bf16"] == pytest.approx(losses["fp32"], rel=0.03, abs=0.02)
