"""Whose weights are kept: best/ follows what is believed, and a kill at any moment is put right."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from study_facts import FACTS, attributes, config

from autopelt.architecture.architecture import Architecture
from autopelt.methods.module import Module
from autopelt.study.record import Belief
from autopelt.study.storage import StudyStorage
from autopelt.workflows import best as best_module
from autopelt.workflows.best import CONTENDERS, BestFolder


def architecture(size: int) -> Architecture:
    return Architecture((Module("lora", "attention.query", 0, size),))


class Trials:
    """A study whose trials end at once, with weights that name them."""

    def __init__(self, folder: Path) -> None:
        sampler = optuna.samplers.RandomSampler(seed=0)
        self.study = StudyStorage.create(folder, config(), FACTS, sampler)
        self.best = BestFolder(self.study)
        self.folder = folder

    def begin(self, size: int, **changed: object) -> int:
        made = attributes(architecture=architecture(size).to_json(), label="", **changed)
        number = self.study.add(made, {}, {})
        self.weigh(number, architecture(size))
        return number

    def weigh(self, number: int, made: Architecture) -> None:
        weights = Path(self.best.place(number, "weights"))
        weights.mkdir(parents=True)
        (weights / "weights.safetensors").write_text(str(number))
        (weights / "architecture.yaml").write_text(made.to_yaml())

    def end(self, number: int, score: float) -> None:
        self.study.write(number, metrics={"accuracy": score}, best_epoch=1)
        self.study.complete(number, score, 64)

    def trained(self, size: int, score: float, **changed: object) -> int:
        number = self.begin(size, **changed)
        self.end(number, score)
        self.keep(number)
        return number

    def keep(self, number: int) -> None:
        record = self.study.record()
        self.best.keep(record, record.trials[number])

    def believe(self, means: dict[int, float]) -> None:
        self.study.believe(
            {architecture(size).id: Belief(m, 0.01, 1.0, 1) for size, m in means.items()}
        )

    @property
    def held(self) -> tuple[int, int]:
        """The trial that best/ says it holds, and the one whose weights it holds."""
        best = self.folder / "best"
        known = json.loads((best / "metrics.json").read_text())
        return known["trial"], int((best / "weights.safetensors").read_text())

    @property
    def kept(self) -> list[int]:
        """Trials whose weights lie in their own folder."""
        found = sorted(int(p.parent.name) for p in (self.folder / "trials").glob("*/weights"))
        assert [
            int((self.folder / f"trials/{n}/weights/weights.safetensors").read_text())
            for n in found
        ] == found
        return found


@pytest.fixture
def made(tmp_path: Path) -> Trials:
    return Trials(tmp_path / "s")


def test_best_follows_what_is_believed_there_and_back(made: Trials) -> None:
    made.trained(1, 0.9)
    made.trained(2, 0.8)
    assert (made.held, made.kept) == ((0, 0), [1])
    made.believe({1: 0.7, 2: 0.78})
    made.trained(3, 0.5)
    assert (made.held, made.kept) == ((1, 1), [0, 2])
    made.believe({1: 0.85, 2: 0.78})
    made.trained(4, 0.4)
    assert (made.held, made.kept) == ((0, 0), [1, 2, 3])
    assert made.best.end() == ""
    assert (made.held, made.kept) == ((0, 0), [])
    assert sorted(p.name for p in (made.folder / "best").iterdir()) == [
        "architecture.yaml",
        "metrics.json",
        "weights.safetensors",
    ]


def test_best_is_what_the_study_says_also_where_another_one_is_expected_to_be_higher(
    made: Trials,
) -> None:
    two = Architecture(tuple(Module("lora", "attention.query", at, 2 - at) for at in (0, 1)))
    number = made.study.add(attributes(architecture=two.to_json(), label=""), {}, {})
    made.weigh(number, two)
    made.end(number, 0.8)
    made.keep(number)
    made.study.believe(
        {two.id: Belief(0.8, 0.1, 1.0, 1), architecture(1).id: Belief(0.795, 0.1, 1, 1)}
    )
    simple = made.trained(1, 0.79)
    record = made.study.record()
    assert (record.best, record.ranked[0]) == (record.trials[simple], record.trials[number])
    assert (made.held, made.kept) == ((simple, simple), [number])


def test_of_several_trainings_the_one_with_the_highest_score_is_kept(made: Trials) -> None:
    first = made.trained(1, 0.8)
    made.trained(1, 0.7, repeats=first)
    made.believe({1: 0.79})
    higher = made.trained(1, 0.85, repeats=first)
    assert (made.held, made.kept) == ((higher, higher), [])
    known = json.loads((made.folder / "best" / "metrics.json").read_text())
    assert (known["expected"], known["sd"], known["trainings"]) == (0.79, 0.01, 1)
    assert known["selection"] == {"accuracy": 0.85}
    made.believe({})
    made.keep(higher)
    known = json.loads((made.folder / "best" / "metrics.json").read_text())
    assert (known["expected"], known["sd"], known["trainings"]) == (
        pytest.approx(2.35 / 3),
        None,
        3,
    )


def test_only_so_many_contenders_keep_their_weights(made: Trials) -> None:
    for size in range(1, 12):
        made.trained(size, size / 20)
    assert made.held == (10, 10)
    assert made.kept == list(range(10, 10 - CONTENDERS, -1))[::-1][:-1]


def test_a_running_trial_and_a_log_are_left_alone(made: Trials) -> None:
    running = made.begin(9)
    (made.folder / "trials/0/log.txt").write_text("a line")
    made.trained(1, 0.8)
    made.study.fail(made.begin(2), "no")
    made.keep(2)
    assert (made.held, made.kept) == ((1, 1), [running])
    made.best.repair()  # the process that trained it is gone
    assert made.kept == []
    assert [p.name for p in (made.folder / "trials").glob("*/*")] == ["log.txt"]


def test_without_the_weights_of_the_best_the_next_best_is_taken(made: Trials) -> None:
    made.trained(1, 0.8)
    made.trained(2, 0.7)
    made.best.end()  # the weights of trial 1 are gone
    made.believe({1: 0.6, 2: 0.7})
    made.trained(3, 0.5)
    assert made.study.record().best == made.study.record().trials[1]
    assert (made.held, made.kept) == ((0, 0), [2])
    assert "best/ holds trial 0: the weights of trial 1, now the best" in made.best.end()


def test_where_there_are_no_weights_at_all_nothing_happens(made: Trials) -> None:
    number = made.study.add(attributes(), {}, {})
    made.end(number, 0.8)
    made.keep(number)
    made.best.repair()
    assert not (made.folder / "best").exists()


class KilledError(Exception):
    """Stands for SIGKILL."""


@pytest.mark.parametrize("call", range(1, 11))
def test_killed_between_any_two_steps_it_is_put_right(
    made: Trials, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    for size, score in ((1, 0.9), (2, 0.8), (3, 0.7)):
        made.trained(size, score)
    made.believe({1: 0.7, 2: 0.6, 3: 0.65, 4: 0.99})
    number = made.begin(4)
    made.end(number, 0.6)
    steps = []

    def deadly(original: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any) -> Any:
            steps.append(original)
            if len(steps) == call:
                raise KilledError
            return original(*arguments)

        return wrapped

    with monkeypatch.context() as patched:
        for owner, name in (
            *((best_module, name) for name in ("replace_directory", "write_text")),
            (best_module.shutil, "copytree"),
            (Path, "rename"),
        ):
            patched.setattr(owner, name, deadly(getattr(owner, name)))
        with pytest.raises(KilledError):
            made.keep(number)
    if (made.folder / "best").exists():
        assert made.held[0] == made.held[1]  # whatever best/ is, it is whole
    BestFolder(StudyStorage.open(made.folder)).repair()
    assert (made.held, made.kept) == ((3, 3), [0, 1, 2])
    assert json.loads((made.folder / "best/metrics.json").read_text())["expected"] == 0.99
    assert not list(made.folder.glob("trials/*/[cd]*"))
    assert not list(made.folder.glob(".best*"))
