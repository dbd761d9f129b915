"""Several trials in one worker: each is told of and ends on its own."""

from pathlib import Path
from typing import Any

import pytest
from in_process import run_in_process

from autopelt.architecture.architecture import Architecture
from autopelt.execution import Outcome, run_trials
from autopelt.methods.module import Module
from autopelt.study.config import TrainingConfig
from autopelt.training.spec import Setup, TrialSpec

PLACES = {
    1: Module("lora", "attention.value", 0, 2),
    2: Module("prompt", "embeddings", None, 2),  # cannot share
    3: Module("lora", "attention.value", 9, 2),  # no such layer
    4: Module("sequential_adapter", "ffn", 1, 2),
    5: Module("prefix", "attention", 0, 2),
}


class Source:
    """Five trials, three at a time."""

    def __init__(self, model: Path, folder: Path) -> None:
        self.model, self.folder = model, folder
        self.started = 0
        self.epochs: dict[int, list[dict[str, Any]]] = {}
        self.outcomes: dict[int, Outcome] = {}
        self.busy: list[tuple[int, str]] = []

    def next(self) -> TrialSpec | None:
        if self.started == len(PLACES):
            return None
        self.started += 1
        return TrialSpec(
            self.started,
            Architecture((PLACES[self.started],)).to_json(),
            random_seed=self.started,
            setup=Setup(str(self.model), "demo", train_examples=64),
            training=TrainingConfig(epochs=2, dropout=False, precision="fp32"),
            weights=str(self.folder / str(self.started)),
            order_seed=7,
        )

    def doing(self, number: int, text: str) -> None:
        assert number not in self.epochs
        self.busy.append((number, text))

    def progressed(self, number: int, result: dict[str, Any]) -> None:
        assert number not in self.outcomes
        self.epochs.setdefault(number, []).append(result)

    def stops(self, number: int) -> str:
        raise AssertionError("a trial that shares its batch is not asked about")

    def finished(self, number: int, outcome: Outcome) -> None:
        assert number not in self.outcomes
        self.outcomes[number] = outcome


@pytest.fixture(scope="module")
def runs(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Source, Source]:
    """Three at a time by a worker, and one at a time."""
    together = Source(tiny_bert, tmp_path_factory.mktemp("together"))
    run_trials(together, workers=1, threads=1, together=3)
    alone = Source(tiny_bert, tmp_path_factory.mktemp("alone"))
    alone.stops = lambda number: ""  # type: ignore[method-assign]
    run_in_process(alone, workers=1, threads=1)
    return together, alone


def test_every_trial_of_a_group_ends_once_with_its_own_outcome(
    runs: tuple[Source, Source],
) -> None:
    for source in runs:
        assert set(source.outcomes) == set(PLACES)
        assert "layer 9" in source.outcomes[3].failed
        assert {n: o.failed for n, o in source.outcomes.items() if o.failed and n != 3} == {}


def test_a_group_is_told_what_it_does_before_its_first_epoch(runs: tuple[Source, Source]) -> None:
    together, _ = runs
    assert {n for n, text in together.busy if text == "in its first epoch"} == set(PLACES)


def test_a_group_learns_what_trials_learn_one_at_a_time(runs: tuple[Source, Source]) -> None:
    together, alone = runs
    assert {n: [e["epoch"] for e in epochs] for n, epochs in together.epochs.items()} == {
        n: [1, 2] for n in (1, 2, 4, 5)
    }
    for number, epochs in together.epochs.items():
        expected = [e["loss"] for e in alone.epochs[number]]
        assert [e["loss"] for e in epochs] == pytest.approx(expected, abs=1e-4)
        assert (together.folder / str(number) / "weights.safetensors").is_file()
