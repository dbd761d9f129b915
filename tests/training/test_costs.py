"""Latency and memory of an architecture: what is measured, and that the model is left alone."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from autopelt.architecture.architecture import Architecture
from autopelt.methods.module import Module
from autopelt.modules.attachment import attached
from autopelt.study.config import TrainingConfig
from autopelt.training.context import Context
from autopelt.training.costs import costs, deployed_form, peak_of, training_step
from autopelt.training.results import Doing
from autopelt.training.spec import Cache, Setup, TrialSpec
from autopelt.training.trial import run_together, run_trial

LORA = Module("lora", "attention.query", 1, 2)
GATED = Module("lora", "attention.value", 0, 2, "auto")
ADAPTERS = tuple(Module("sequential_adapter", "ffn", n, 4) for n in (0, 1))


@pytest.fixture(scope="module")
def setup(tiny_bert: Path) -> Setup:
    return Setup(str(tiny_bert), "demo", train_examples=48)


def spec(setup: Setup, architecture: Architecture, *names: str) -> TrialSpec:
    training = TrainingConfig(epochs=1, batch_size=16)
    return TrialSpec(0, architecture.to_json(), 3, setup, training, costs=names)


def test_what_merges_costs_nothing_and_the_model_is_as_before(setup: Setup) -> None:
    context = Context(setup)
    before = {name: p.detach().clone() for name, p in context.model.state_dict().items()}
    assert deployed_form(Architecture((LORA, GATED))).modules == (GATED,)
    both = ("latency", "memory")
    merged = costs(context, Architecture((LORA,)), spec(setup, Architecture((LORA,)), *both))
    assert merged["latency"] == 1.0
    slow = Architecture(ADAPTERS)
    found = costs(context, slow, spec(setup, slow, *both))
    assert 0.5 < found["latency"] < 10
    assert attached(context.model) is None
    assert not context.model.training
    after = context.model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(p, after[name]) for name, p in before.items())


def test_memory_is_counted_alike_and_grows_with_what_is_passed_backwards(setup: Setup) -> None:
    context = Context(setup)

    def memory(*modules: Module) -> float:
        made = Architecture(modules)
        return costs(context, made, spec(setup, made, "memory"))["memory"]

    top, low = ADAPTERS[1], ADAPTERS[0]
    assert memory(top) == memory(top)
    assert memory() < memory(top) < memory(low) < memory(low, top)
    made = Architecture((low, top))
    asked = spec(setup, made, "memory")
    twice = asked.training.model_copy(update={"gradient_checkpointing": True})
    less = costs(context, made, replace(asked, training=twice))["memory"]
    states = 8 * 4 * 16 * context.splits["train"].lengths[0]  # a batch's, of one layer, and more
    assert memory() + states < less < memory(low, top) / 2


class Counter:
    """An allocator: what a step takes and gives back."""

    def __init__(self) -> None:
        self.now = self.peak = 100

    def take(self, amount: int) -> None:
        self.now += amount
        self.peak = max(self.peak, self.now)

    def synchronize(self) -> None:
        pass

    def memory_allocated(self) -> int:
        return self.now

    def max_memory_allocated(self) -> int:
        return self.peak

    def reset_peak_memory_stats(self) -> None:
        self.peak = self.now


def test_the_peak_of_a_gpu_is_of_the_step_alone() -> None:
    memory = Counter()
    memory.take(900)
    memory.take(-950)

    def step() -> None:
        memory.take(70)
        memory.take(-60)
        memory.take(20)

    assert peak_of(step, memory) == 70


@pytest.mark.parametrize("made", [Architecture(ADAPTERS), Architecture(), Architecture(full=True)])
def test_a_step_to_measure_leaves_the_model_as_it_was(setup: Setup, made: Architecture) -> None:
    context = Context(setup)
    before = {name: p.detach().clone() for name, p in context.model.state_dict().items()}
    gradients = {name: p.requires_grad for name, p in context.model.named_parameters()}
    training_step(context, made, spec(setup, made))
    assert attached(context.model) is None
    after = context.model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(p, after[name]) for name, p in before.items())
    assert gradients == {name: p.requires_grad for name, p in context.model.named_parameters()}
    assert all(p.grad is None for p in context.model.parameters())
    assert not context.model.training


def test_measuring_changes_nothing_of_the_training(setup: Setup) -> None:
    made = Architecture((*ADAPTERS, GATED))
    plain = list(run_trial(spec(setup, made)))
    measured = list(run_trial(spec(setup, made, "latency", "memory")))
    assert plain[0].loss == measured[0].loss
    assert plain[0].score == measured[0].score
    assert plain[0].costs == {}
    assert set(measured[0].costs) == {"latency", "memory"}
    assert "costs" not in plain[0].seconds
    assert measured[0].seconds["costs"] > 0


def test_the_trunk_of_the_trainings_precision_is_found_again(setup: Setup, tmp_path: Path) -> None:
    training = TrainingConfig(epochs=1, batch_size=16, precision="bf16")
    cache = Cache(str(tmp_path), 2**28)
    of = TrialSpec(
        0, Architecture((LORA,)).to_json(), 3, setup, training, cache=cache, costs=("memory",)
    )
    told = [[s.text for ((_, s),) in run_together([of]) if isinstance(s, Doing)] for _ in range(2)]
    assert told[0][-1].startswith("computing ")
    assert told[1] == ["measuring its memory", "in its first epoch"]
