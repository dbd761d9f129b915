"""Where modules of start `eva` begin, in a trial."""

from pathlib import Path

import pytest
import torch

from autopelt.architecture.architecture import Architecture
from autopelt.methods.module import Module
from autopelt.modules.attachment import detach
from autopelt.study.config import TrainingConfig
from autopelt.training import directions as here
from autopelt.training.context import Context
from autopelt.training.loop import train_epochs
from autopelt.training.population import Population
from autopelt.training.spec import Setup
from autopelt.training.trainee import single

TRAINING = TrainingConfig(epochs=1, batch_size=8)


def eva(*places: str, size: int = 2) -> Architecture:
    return Architecture(tuple(Module("lora", at, 1, size, start="eva") for at in places))


@pytest.fixture
def context(tiny_bert: Path) -> Context:
    return Context(Setup(str(tiny_bert), "demo", train_examples=64))


def begun(context: Context, architecture: Architecture, random_seed: int = 3) -> torch.Tensor:
    """A of the FFN's first map as a trial begins with it."""
    single(context, architecture, TRAINING, random_seed)
    down: torch.Tensor = context.model.autopelt.parts["1/ffn/in/lora"].down.detach().clone()  # type: ignore[index,union-attr]
    detach(context.model)
    return down


def test_a_trial_begins_the_same_whichever_came_before_it(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was found serves later trials; neither their random seed nor their rank changes it."""
    alone = begun(context, eva("ffn.in"))
    context.directions.clear()
    passes = []
    real = here.input_directions
    monkeypatch.setattr(here, "input_directions", lambda *a: passes.append(a[1].id) or real(*a))
    more = begun(context, eva("attention.query", "ffn.in", size=4), random_seed=9)
    again = begun(context, eva("ffn.in"), random_seed=4)
    assert len(passes) == 1
    torch.testing.assert_close(again, alone, atol=1e-6, rtol=0)
    torch.testing.assert_close(more[:2], alone, atol=1e-6, rtol=0)
    torch.testing.assert_close(alone @ alone.T, torch.eye(2), atol=1e-5, rtol=0)


def test_a_population_begins_as_its_members_alone(context: Context) -> None:
    made = eva("ffn.in")
    alone = begun(context, made)
    members = Population(context, [(made, 5), (made, 6)], TRAINING, 0)
    for own in members.members:
        assert any(torch.equal(p, alone) for p in own.own)


@pytest.mark.parametrize("start", ["eva", "pissa"])
def test_it_trains_from_there(context: Context, start: str) -> None:
    made = Architecture((Module("lora", "ffn.in", 1, 2, start=start),))
    (epoch,) = train_epochs(context, made, TRAINING, 5)
    assert epoch.loss > 0
    part = context.model.autopelt.parts["1/ffn/in/lora"]  # type: ignore[index,union-attr]
    assert part.up.any()
    assert part.down.grad is None
    detach(context.model)
