"""Real searches on a tiny model: seeds first, front, best, resume, interruption, failures."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from small_search import Quiet, plan

from autopelt.architecture.architecture import Architecture
from autopelt.cli.main import main
from autopelt.errors import InfeasibleError, UsageError
from autopelt.samplers import make_sampler, suggest
from autopelt.study.record import StudyRecord
from autopelt.study.storage import StudyStorage
from autopelt.training.context import warm_context
from autopelt.training.final import evaluate_model
from autopelt.training.threads import cpu_threads
from autopelt.workflows.search import _Driver, search
from autopelt.workflows.settings import resolve_config

SEEDS = "head-only,unipelt,pt-unipelt,lora-r1"
"""With the two that are shrunk beside them, six of the eight trials."""


@pytest.fixture(scope="module")
def view() -> Quiet:
    """What was told in the search of `done`."""
    return Quiet()


@pytest.fixture(scope="module")
def done(
    tiny_bert: Path, view: Quiet, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, StudyRecord]:
    folder = tmp_path_factory.mktemp("studies") / "first"
    warm_context.cache_clear()
    return folder, search(plan(tiny_bert, seeds=SEEDS), folder, view)


def test_the_total_is_met_and_every_trial_is_complete(done: tuple[Path, StudyRecord]) -> None:
    _, record = done
    assert [t.number for t in record.trials] == list(range(8))
    assert [t.state for t in record.trials] == ["complete"] * 8
    assert [t.label for t in record.trials][:4] == ["head-only", "unipelt", "pt-unipelt", "lora-r1"]
    assert [t.origin for t in record.trials] == ["seed"] * 6 + ["start", "repeat"]


def test_the_view_is_told_what_happens_now(done: tuple[Path, StudyRecord], view: Quiet) -> None:
    assert (0, "loading the model and the data") in view.busy
    assert (0, "computing 2 frozen layers once for all epochs, then its first epoch") in view.busy
    assert {number for number, text in view.busy if text == "in its first epoch"}
    assert (None, "choosing what to try next") in view.busy
    assert (None, "writing the report") in view.busy


def test_the_frozen_trunk_is_computed_once(done: tuple[Path, StudyRecord]) -> None:
    _, record = done
    alone = record.trials[0]  # head-only: both layers are below
    assert alone.saved["layers"] == 2
    assert alone.saved["trunk"] > 0
    assert {"load", "attach", "trunk", "train", "score"} <= set(alone.seconds)
    proposed = next(t for t in record.trials if not t.label)
    assert proposed.seconds["propose"] == proposed.believed["seconds"]
    for trial in record.trials:
        assert ("trunk" in trial.seconds) == bool(trial.saved)
        assert bool(trial.saved) == (trial.architecture.lowest_layer in (1, None))


def test_only_reference_points_are_over_the_budget(done: tuple[Path, StudyRecord]) -> None:
    _, record = done
    for trial in record.trials:
        assert record.feasible(trial) or trial.label
        assert len(trial.scores) == 2
        assert trial.score == max(trial.scores)


def test_the_folder_holds_everything(done: tuple[Path, StudyRecord]) -> None:
    folder, record = done
    names = {p.name for p in folder.iterdir()}
    assert names >= {"index.html", "study.db", "config.yaml", "trials.csv", "best"}
    assert not names & {".lock", ".lock.owner"}
    assert {p.name for p in (folder / "best").iterdir()} == {
        "architecture.yaml",
        "weights.safetensors",
        "metrics.json",
    }
    metrics = json.loads((folder / "best" / "metrics.json").read_text())
    assert record.best is not None
    trainings = record.trainings_of(record.best)
    assert metrics["trial"] in [t.number for t in trainings]
    assert metrics["selection"]["accuracy"] == max(t.point[1] for t in trainings)
    assert metrics["expected"] == record.expected(record.best)
    assert not list((folder / "trials").iterdir())


def test_best_weights_score_what_the_trial_scored(
    done: tuple[Path, StudyRecord], tiny_bert: Path
) -> None:
    from autopelt.modules.checkpoint import load
    from autopelt.training.context import Context
    from autopelt.training.loop import score_split
    from autopelt.training.precision import precision
    from autopelt.training.spec import Setup

    folder, record = done
    context = Context(Setup.of(StudyStorage.open(folder).config))
    context.precision = precision("auto", context.device)
    load(context.model, folder / "best")
    assert record.best is not None
    reached = max(t.point[1] for t in record.trainings_of(record.best))
    assert score_split(context, "selection")["accuracy"] == reached


def test_more_trials_go_on_and_repeat_nothing(
    done: tuple[Path, StudyRecord], tiny_bert: Path, tmp_path: Path
) -> None:
    before = done[1]
    folder = shutil.copytree(done[0], tmp_path / done[0].name)
    view = Quiet()
    after = search(plan(tiny_bert, trials=11, seeds=SEEDS), folder, view)
    assert len(after.trials) == 11
    assert after.trials[:8] == before.trials
    assert sorted(view.ended) == [8, 9, 10]
    new = [t.architecture.id for t in after.trials if t.origin != "repeat"]
    assert len(set(new)) == len(new) == 9


def test_the_resolved_configuration_runs_again(
    done: tuple[Path, StudyRecord], tiny_bert: Path
) -> None:
    folder, _ = done
    again = resolve_config(str(folder / "config.yaml"), {})
    assert again.differences(plan(tiny_bert, seeds=SEEDS).config) == []
    changed = resolve_config(str(folder / "config.yaml"), {"budget": "5%", "epochs": 3})
    assert changed.differences(again) == [
        'budget: "5%", not "4%"',
        changed.differences(again)[1],
    ]
    assert changed.training.epochs == 3


def test_another_study_in_the_folder_is_refused(
    done: tuple[Path, StudyRecord], tiny_bert: Path
) -> None:
    folder, _ = done
    with pytest.raises(UsageError, match=r'budget: "4%", not "5%"'):
        search(plan(tiny_bert, budget="5%", seeds=SEEDS), folder, Quiet())


def test_one_worker_and_the_same_seed_give_the_same_study(tiny_bert: Path, tmp_path: Path) -> None:
    made = plan(tiny_bert, workers=1, trials=6, seeds="head-only,lora-r1")
    one = search(made, tmp_path / "one", Quiet())
    two = search(made, tmp_path / "two", Quiet())
    assert [(t.architecture.id, t.scores, t.losses) for t in one.trials] == [
        (t.architecture.id, t.scores, t.losses) for t in two.trials
    ]


def test_when_every_trial_fails_for_one_cause_it_stops(tiny_bert: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    broken = tmp_path / "broken-model"
    broken.mkdir()
    for file in tiny_bert.iterdir():
        (broken / file.name).write_bytes(file.read_bytes())
    made = plan(broken, trials=20)  # a model that is broken by then starts no search
    tensors = load_file(broken / "model.safetensors")
    tensors["embeddings.word_embeddings.weight"] = torch.full_like(
        tensors["embeddings.word_embeddings.weight"], float("nan")
    )
    save_file(tensors, broken / "model.safetensors", {"format": "pt"})
    with pytest.raises(InfeasibleError, match="one cause: the loss became nan"):
        search(made, tmp_path / "study", Quiet())
    record = StudyStorage.open(tmp_path / "study").record()
    assert 3 <= len(record.trials) <= 5
    log = (tmp_path / "study" / "trials" / "0" / "log.txt").read_text()
    assert "the loss became nan" in log.splitlines()[-1]
    assert (tmp_path / "study" / "index.html").is_file()


def test_a_trained_best_scores_the_same_in_a_new_process(
    done: tuple[Path, StudyRecord], tmp_path: Path
) -> None:
    folder, _ = done
    out = tmp_path / "trained"
    assert main(["train", str(folder), "--out", str(out)]) == 0
    evaluated = subprocess.run(
        [sys.executable, "-m", "autopelt", "evaluate", str(out), "--json"],
        capture_output=True,
        text=True,
    )
    assert evaluated.returncode == 0, evaluated.stderr
    result = json.loads(evaluated.stdout)
    assert result["report"] == result["stored"] == evaluate_model(out)["report"]


def test_a_proposal_killed_before_it_was_written_is_made_again(
    tiny_bert: Path, tmp_path: Path
) -> None:
    """Parameters stored, architecture not: the same point, and it still counts as space-filling."""
    made = plan(tiny_bert, workers=1, trials=7, seeds="none")

    def sampler() -> Any:
        return make_sampler("pelt", made.space, 0, start=2)

    study = StudyStorage.create(tmp_path / "s", made.config, made.facts, sampler())
    wanted = suggest(study.ask(), made.space)  # and here the process is killed
    again = sampler()
    driver = _Driver(StudyStorage.open(tmp_path / "s", again), made, again, Quiet(), None)
    spec = driver.next()
    assert spec is not None
    assert (spec.number, Architecture.from_json(spec.architecture)) == (0, wanted)
    assert driver.study.record().trials[0].origin == "start"


def test_the_driver_leaves_the_cores_to_the_workers(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def run_trials(source: object, **_: object) -> None:
        seen.append(torch.get_num_threads())

    monkeypatch.setattr("autopelt.execution.run_trials", run_trials)
    with cpu_threads(3), pytest.raises(InfeasibleError, match="none began"):
        search(plan(tiny_bert, seeds=SEEDS), tmp_path / "study", Quiet())
    assert seen == [1]
