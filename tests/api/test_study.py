"""Searches and their results from Python, exports of a study, and events: one small real study."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch
from transformers import PreTrainedModel

import autopelt
from autopelt.cli.main import main
from autopelt.errors import UsageError
from autopelt.study.record import StudyRecord, TrialRecord

pytestmark = pytest.mark.slow


class Quiet:
    def message(self, text: str) -> None: ...

    def started(self, trial: TrialRecord, study: StudyRecord) -> None: ...

    def doing(self, number: int | None, text: str) -> None: ...

    def progressed(self, number: int, result: dict) -> None: ...

    def finished(self, trial: TrialRecord, study: StudyRecord) -> None: ...


@pytest.fixture(scope="module")
def study(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> autopelt.Study:
    made = autopelt.search(
        "demo",
        model=str(tiny_bert),
        space="tiny",
        budget="4%",
        trials=4,
        seeds="head-only,lora-r1",
        epochs=1,
        train_examples=64,
        workers=1,
        tensorboard=True,
        out=tmp_path_factory.mktemp("studies") / "s",
        view=Quiet(),
    )
    return autopelt.open_study(made.folder)


def test_the_front_and_its_trials(study: autopelt.Study) -> None:
    front = study.front()
    assert {study.best.number, study.trial("knee").number} <= set(front.index)
    assert study.plot_front().layout.title.text == "Pareto front"
    assert study.trial(1).label == "lora-r1"
    assert study.record.command.startswith("autopelt.search(task='demo', model=")


def test_trials_are_a_table(study: autopelt.Study) -> None:
    table = study.trials()
    assert isinstance(table, pd.DataFrame)
    assert list(table.index) == [0, 1, 2, 3]
    assert table["score"].max() == max(t.score for t in study.record.trials if t.score is not None)
    assert table["share"].dtype == float
    assert (table["seconds_train"] <= table["seconds"] + 1e-9).all()


def test_the_best_is_an_ordinary_model(study: autopelt.Study) -> None:
    model, tokenizer = study.load(), study.tokenizer()
    assert isinstance(model, PreTrainedModel)
    batch = tokenizer(["the cat"], ["a dog"], return_tensors="pt")
    with torch.no_grad():
        assert model(**batch).logits.shape == (1, 3)
    assert autopelt.attached(model) == study.trial().architecture


def test_another_trial_is_trained_once(study: autopelt.Study) -> None:
    other = next(t for t in study.record.complete if t.number != study.trial().number)
    model = study.load(other.number)
    assert autopelt.attached(model) == other.architecture
    weights = study.folder / "models" / str(other.number) / "weights.safetensors"
    before = weights.stat().st_mtime_ns
    study.load(other.architecture.id)
    assert weights.stat().st_mtime_ns == before
    stored = json.loads((weights.parent / "training.json").read_text())
    assert stored["selection"]["accuracy"] == other.score  # the same training as in the search


def test_a_trial_is_exported_or_it_is_said_what_is_in_the_way(
    study: autopelt.Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """First what the format cannot hold, then weights that were not kept."""
    best, name = study.trial(), str(study.folder)

    def export(trial: object, to: str, out: str = "out") -> str:
        main(["export", f"{name}:{trial}", "--to", to, "--out", str(tmp_path / out)])
        return capsys.readouterr().err.strip()

    assert export("head-only", "peft").startswith("autopelt: cannot export to peft: no module")
    others = [t.number for t in study.record.complete if t.architecture != best.architecture]
    unkept = next(n for n in others if not (study.folder / "models" / str(n)).is_dir())
    message = f"train it first: autopelt train {name}:{unkept} --out {name}/models/{unkept}"
    assert message in export(unkept, "autopelt")
    assert not (tmp_path / "out").exists()
    assert export(best.number, "autopelt", "best") == ""
    assert autopelt.attached(autopelt.load_exported(tmp_path / "best")[0]) == best.architecture


def test_train_takes_any_architecture(study: autopelt.Study, tmp_path: Path) -> None:
    architecture = autopelt.Architecture.from_yaml("prompt: 2")
    epochs: list[int] = []
    made = autopelt.train(
        study,
        architecture,
        out=tmp_path / "t",
        on_epoch=lambda training, result: epochs.append(result.epoch),
    )
    assert epochs == [1]
    assert made["architecture"] == architecture.id
    assert 0 <= made["report"]["accuracy"] <= 1
    model, _ = autopelt.load_exported(made["folder"])
    assert autopelt.attached(model) == architecture


def test_tables_hold_every_trial(study: autopelt.Study, tmp_path: Path) -> None:
    for to in ("csv", "parquet"):
        out = tmp_path / f"trials.{to}"
        assert main(["export", str(study.folder), "--to", to, "--out", str(out)]) == 0
        read = pd.read_csv(out) if to == "csv" else pq.read_table(out).to_pandas()
        assert list(read["trial"]) == list(study.trials().index)
        assert list(read["score"]) == pytest.approx(list(study.trials()["score"]))
        assert main(["export", str(study.folder), "--to", to, "--out", str(out)]) == 2


def test_the_script_runs_by_itself(study: autopelt.Study, tmp_path: Path) -> None:
    out = tmp_path / "experiment"
    assert main(["export", f"{study.folder}:1", "--to", "script", "--out", str(out)]) == 0
    ran = subprocess.run(
        [sys.executable, str(out / "train.py")], capture_output=True, text=True, cwd=tmp_path
    )
    assert ran.returncode == 0, ran.stderr
    assert '"accuracy": ' in ran.stdout.splitlines()[-1]
    text = (out / "architecture.yaml").read_text()
    assert autopelt.Architecture.from_yaml(text) == study.trial(1).architecture
    assert (out / "model" / "weights.safetensors").is_file()
    source = (out / "train.py").read_text()
    assert len(source.splitlines()) < 150
    assert "VALUE>" not in source


def test_wrong_choices_are_named_at_once(tiny_bert: Path) -> None:
    with pytest.raises(UsageError, match=r"budgte.*did you mean 'budget'"):
        autopelt.search("demo", model=str(tiny_bert), budgte="1%", trials=0)
    with pytest.raises(UsageError, match=r"(?s)budget.*trials|trials.*budget"):
        autopelt.search("demo", model=str(tiny_bert), budget="much", trials=0)
