"""`autopelt status`: what a study is, who works on it, and what to do next."""

import json
import subprocess
import sys
from pathlib import Path

import optuna
import pytest
from study_facts import FACTS

from autopelt.architecture.architecture import Architecture
from autopelt.cli.main import main
from autopelt.methods.module import Module
from autopelt.space.space import SearchSpace
from autopelt.study.config import StudyConfig
from autopelt.study.record import Belief
from autopelt.study.storage import StudyStorage


def create(folder: Path, trials: int) -> StudyStorage:
    space = SearchSpace.load("tiny").model_dump(mode="json")
    config = StudyConfig.build({"task": "demo", "space": space, "trials": trials}, "test")
    return StudyStorage.create(folder, config, FACTS, optuna.samplers.RandomSampler(seed=0))


def begin(study: StudyStorage, rank: int, label: str = "") -> int:
    architecture = Architecture((Module("lora", "attention.query", 0, rank),))
    count = rank * 32
    known = {"architecture": architecture.to_json(), "label": label}
    number = study.add(known | {"trained": count, "deployed": count}, {}, {})
    study.write(number, started=100.0 + number)
    return number


def shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[dict, str]:
    assert main(["status", str(folder), "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert main(["status", str(folder)]) == 0
    return values, capsys.readouterr().out


def test_a_study_that_was_stopped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = create(tmp_path / "s", 8)
    study.complete(begin(study, 1, "lora-r1"), 0.6, 32)
    study.complete(begin(study, 4), 0.7, 128)
    study.fail(begin(study, 2), "the loss became nan")
    begin(study, 3)
    values, text = shown(study.folder, capsys)
    assert values["state"] == "stopped"
    assert values["trials"] == {
        "complete": 2, "failed": 1, "stopped": 0, "running": 0, "total": 8,
    }  # fmt: skip
    assert values["interrupted"] == 1
    assert values["best"]["trial"] == 1
    assert values["best_seed"]["label"] == "lora-r1"
    assert values["front"] == 2
    assert values["next"] == f"autopelt resume {study.folder}"
    assert "stopped, 3 of 8 trials" in text
    assert "2 complete · 1 failed · 1 interrupted, to be run again" in text
    assert "lora 4 (query) at 0" in text
    assert "{" not in text


def test_an_architecture_trained_again_is_told_by_what_is_expected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = create(tmp_path / "s", 3)
    study.complete(begin(study, 1, "lora-r1"), 0.66, 32)
    study.complete(begin(study, 4), 0.7, 128)
    again = begin(study, 4)
    study.write(again, repeats=1)
    study.complete(again, 0.6, 128)
    id = study.record().trials[1].architecture.id
    study.believe({id: Belief(0.67, 0.01, 0.9, 2)})
    values, text = shown(study.folder, capsys)
    best = values["best"]
    assert (best["trial"], best["score"], best["expected"], best["expected_sd"]) == (
        *(1, 0.7, 0.67, 0.01),
    )
    assert best["trainings"] == 2
    assert "trial 1, accuracy expected 0.670 from 2 trainings (observed 0.600 to 0.700)" in text
    seed = values["best_seed"]
    assert (seed["expected"], seed["expected_sd"], seed["trainings"]) == (0.66, None, 1)
    assert "trial 0, accuracy 0.6600 with" in text


def test_a_study_that_is_finished(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = create(tmp_path / "s", 1)
    study.complete(begin(study, 4), 0.7, 128)
    values, text = shown(study.folder, capsys)
    assert values["state"] == "finished"
    assert text.rstrip().endswith(f"autopelt confirm {study.folder}")


def test_a_study_without_anything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = create(tmp_path / "s", 1)
    values, text = shown(study.folder, capsys)
    assert values["best"] is None
    assert "Nothing within the budget yet." in text


def test_who_works_on_it_is_seen_until_it_is_killed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = create(tmp_path / "s", 4)
    code = (
        "import sys, time; from pathlib import Path; from autopelt.system.lock import locked\n"
        "with locked(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(study.folder)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    values, text = shown(study.folder, capsys)
    child.kill()
    child.communicate()
    assert (values["state"], values["process"]) == ("running", child.pid)
    assert f"running (process {child.pid})" in text
    values, _ = shown(study.folder, capsys)
    assert (values["state"], values["process"]) == ("stopped", None)
