"""Memory that runs out costs a part of the batch, not the trial: for real, and through the loop."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from autopelt.architecture.architecture import Architecture
from autopelt.methods.module import Module
from autopelt.study.config import TrainingConfig
from autopelt.training.context import Context
from autopelt.training.gradient_accumulation import Accumulation
from autopelt.training.loop import release, train_epochs
from autopelt.training.spec import Setup

SIXTEEN = TrainingConfig(epochs=2, batch_size=16, dropout=False, precision="fp32")
CHILD = """
import resource, sys, torch
from autopelt.training.gradient_accumulation import Accumulation

torch.set_num_threads(1)
weight = torch.ones(1, requires_grad=True)
megabytes = 100

def losses_of(indices):  # 100 MB an example, kept for the backward pass
    return {0: (torch.ones(len(indices), megabytes * 250_000) * weight).mean()}

pages = int(open("/proc/self/statm").read().split()[0])
used = pages * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + int(sys.argv[1]) * 10**6,) * 2)
accumulation = Accumulation([weight])
try:
    loss = accumulation.backward(losses_of, range(8))[0]
    print(round(loss, 3), round(weight.grad.item(), 3), accumulation.parts)
except RuntimeError as error:
    print("failed:", "allocate" in str(error))
"""


@pytest.mark.parametrize(
    ("allowed", "printed"),
    [("4000", "1.0 1.0 1"), ("700", "1.0 1.0 4"), ("90", "failed: True")],
)
def test_when_the_system_gives_no_more_memory_the_batch_is_halved_while_it_can_be(
    allowed: str, printed: str
) -> None:
    """The address space is limited by the system: all 8 examples need 1.6 GB, 4 of them 0.8 GB."""
    child = subprocess.run(
        [sys.executable, "-c", CHILD, allowed], capture_output=True, text=True, timeout=250
    )
    assert child.stdout.strip() == printed, child.stderr


def test_halves_sum_to_the_gradient_of_the_whole() -> None:
    inputs, wanted = torch.randn(7, 5), torch.randn(7)
    gradients = []
    for parts in (1, 2):
        weight = torch.full((5,), 0.3, requires_grad=True)
        accumulation = Accumulation([weight])
        accumulation.parts = parts

        def loss_of(indices: Sequence[int], weight: torch.Tensor = weight) -> torch.Tensor:
            rows = list(indices)
            return (inputs[rows] @ weight - wanted[rows]).square().mean()

        value = accumulation.backward(lambda indices: {0: loss_of(indices)}, range(7))[0]
        assert value == pytest.approx(float(loss_of(range(7)).detach()), rel=1e-6)
        assert weight.grad is not None
        gradients.append(weight.grad.clone())
    torch.testing.assert_close(gradients[0], gradients[1])


def test_parts_with_unequal_numbers_of_tokens_sum_to_the_gradient_of_all_tokens() -> None:
    """The mean of two means would weigh the one token of the first half like the six others."""
    tokens, weight = torch.randn(7), torch.ones(1, requires_grad=True)
    examples = [tokens[:1], tokens[:0], tokens[1:3], tokens[3:]]

    def loss_of(indices: Sequence[int]) -> torch.Tensor:
        return (torch.cat([examples[i] for i in indices]) * weight).mean()

    for parts in (1, 2, 4):
        weight.grad = None
        accumulation = Accumulation([weight], lambda some: sum(len(examples[i]) for i in some))
        accumulation.parts = parts
        value = accumulation.backward(lambda indices: {0: loss_of(indices)}, range(4))[0]
        assert value == pytest.approx(float(tokens.mean()), rel=1e-5)
        assert weight.grad is not None
        assert float(weight.grad) == pytest.approx(float(tokens.mean()), rel=1e-5)


def test_a_training_goes_on_with_half_the_batch_and_says_so(tiny_bert: Path) -> None:
    """The error is raised by a hook here, for batches over 8: a GPU is not at hand."""
    context = Context(Setup(str(tiny_bert), "demo", train_examples=64))

    def full(module: torch.nn.Module, arguments: object, named: dict[str, torch.Tensor]) -> None:
        if torch.is_grad_enabled() and len(named["input_ids"]) > limit:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")

    limit = 8
    hook = context.model.register_forward_pre_hook(full, with_kwargs=True)
    lora = Architecture((Module("lora", "attention.query", 0, 2),))
    try:
        results = list(train_epochs(context, lora, SIXTEEN, 0))
        release(context)
        assert [r.epoch for r in results] == [1, 2]
        assert "in 2 parts" in results[0].notes[0]
        thirty_two = SIXTEEN.model_copy(update={"batch_size": 32, "epochs": 1})
        assert "in 4 parts" in next(iter(train_epochs(context, lora, thirty_two, 0))).notes[0]
        release(context)
        limit = 0
        with pytest.raises(torch.OutOfMemoryError):
            list(train_epochs(context, lora, SIXTEEN, 0))
    finally:
        release(context)
        hook.remove()
    whole = list(train_epochs(context, lora, SIXTEEN, 0))
    release(context)
    assert not whole[0].notes
    assert [r.loss for r in results] == pytest.approx([r.loss for r in whole], rel=1e-3)
