"""A real search with measured costs as objectives."""

import csv
import shutil
from pathlib import Path

import optuna
import pytest

from autopelt.backbones.language_model import load_language_model, save_language_model
from autopelt.backbones.source import resolve
from autopelt.cards.pairs import panels
from autopelt.cli.main import main
from autopelt.study.storage import StudyStorage
from autopelt.training import costs
from autopelt.workflows import search as driver
from autopelt.workflows.confirm import candidates

MINIMIZE = optuna.study.StudyDirection.MINIMIZE


@pytest.fixture
def search(tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(driver, "default_threads", lambda workers: 1)
    command = ["search", "--task", "demo", "--model", str(tiny_bert), "--space", "tiny"]
    command += ["--budget", "4%", "--epochs", "1", "--train-examples", "32", "--workers", "1"]
    return [*command, "--seeds", "head-only,lora-r2", "--out", str(tmp_path / "study")]


@pytest.mark.parametrize(
    ("objectives", "sampler"),
    [("score,params,latency", "pelt"), ("score,params,latency,memory", "tpe")],
)
def test_a_search_with_measured_costs(
    search: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    objectives: str,
    sampler: str,
) -> None:
    folder, names = tmp_path / "study", objectives.split(",")
    wanted = ["--objectives", objectives, "--sampler", sampler, "--trials", "7"]
    assert main([*search, *wanted]) == 0
    assert "latency" in capsys.readouterr().out
    study = StudyStorage.open(folder)
    record = study.record()
    assert study.optuna.directions[1:] == [MINIMIZE] * (len(names) - 1)
    assert study.optuna.metric_names == names
    # Rivals draw ten random architectures first.
    asked = {"seed", "start", "repeat"} | ({"model"} if sampler == "pelt" else set())
    assert {t.origin for t in record.trials} == asked
    for trial, stored in zip(record.complete, study.trials(), strict=True):
        assert [trial.score, trial.count.deployed, *(trial.costs[n] for n in names[2:])] == (
            stored.values
        )
    inside = {
        t.number: (-record.expected(t), *record.costs(t))
        for t in record.architectures
        if record.feasible(t)
    }
    assert {t.number for t in record.front} == {
        n
        for n, mine in inside.items()
        if not any(
            other != mine and all(o <= m for o, m in zip(other, mine, strict=True))
            for other in inside.values()
        )
    }
    means = {t.number: record.expected(t) for t in record.complete}
    found = {t.number for t in record.front if not t.label}
    chosen = [c.trial.number for c in candidates(record, means, 99) if c.role == "found"]
    proposed = [t for t in record.complete if not t.label and record.feasible(t)]
    best_score = max(means[t.number] for t in proposed)
    assert means[chosen[0]] == best_score
    assert set(chosen) == found | {chosen[0]}
    pairs = {(p.x, p.y) for p in panels(record)}
    expected = {("latency", "score"), ("params", "latency")}
    if "memory" in names:
        expected |= {("memory", "score"), ("params", "memory"), ("latency", "memory")}
    assert pairs == expected
    with (folder / "trials.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(r["latency"]) for r in rows] == [t.costs["latency"] for t in record.trials]
    assert main(["show", f"{folder}:1"]) == 0
    assert "latency 1.000x the bare backbone's" in capsys.readouterr().out
    assert main(["status", str(folder)]) == 0


@pytest.fixture
def with_head(tiny_bert: Path, tmp_path: Path) -> Path:
    """The same model as a checkpoint that has its language model."""
    folder = tmp_path / "with-head"
    shutil.copytree(tiny_bert, folder)
    model, _, _ = load_language_model(resolve(str(folder)), 0)
    save_language_model(model, resolve(str(folder)), folder)
    return folder


def test_a_search_against_forgetting(
    search: list[str],
    with_head: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    folder, text = tmp_path / "study", tmp_path / "text.txt"
    text.write_text("the cat sat on the mat\n\na man was not in it\n", encoding="utf-8")
    wanted = ["--objectives", "score,params,forgetting,drift", "--general-text", str(text)]
    command = [*search, "--model", str(with_head), *wanted]
    assert main([*command, "--trials", "6"]) == 0
    shown = capsys.readouterr().out
    assert "forgetting" in shown
    assert "+0.0000" in shown  # of the head alone
    record = StudyStorage.open(folder).record()
    assert all(set(t.costs) == {"forgetting", "drift"} for t in record.complete)
    assert len({t.costs["forgetting"] for t in record.complete}) > 3
    assert all(t.seconds["costs"] > 0 for t in record.complete)
    assert record.costs(record.complete[0])[1:] == (0.0, 0.0)
    pairs = {(p.x, p.y) for p in panels(record)}
    assert {("forgetting", "score"), ("params", "drift")} < pairs
    page = (folder / "index.html").read_text("utf-8")
    assert "loss on general text" in page
    with (folder / "trials.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(r["drift"]) for r in rows] == [t.costs["drift"] for t in record.trials]
    assert main(["show", f"{folder}:1"]) == 0
    assert "nats a token on general text" in capsys.readouterr().out
    text.write_text("the cat sat on the mat\n", encoding="utf-8")
    assert main(["resume", str(folder), "--trials", "7"]) == 2
    assert "task general_text" in capsys.readouterr().err


def test_what_breaks_a_limit_is_no_answer(
    search: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A latency of 1 is that of LoRA without a gate, merged, and of nothing."""
    # Measured on a busy machine, what costs a little may seem to cost nothing.
    monkeypatch.setattr(costs, "pace", lambda *_, **__: costs.Pace(1.0, 1.1, 1.1))
    folder = tmp_path / "study"
    seeds = ["--seeds", "head-only,lora-r2,adapter-pfeiffer"]
    wanted = ["--objectives", "both,latency<1", "--trials", "9", "--repeats", "2"]
    assert main([*search, *seeds, *wanted]) == 0
    shown = capsys.readouterr().out
    assert "latency<1" in shown
    study = StudyStorage.open(folder)
    record = study.record()
    assert study.optuna.metric_names == ["score", "params"]
    slow = [t for t in record.complete if t.costs["latency"] > 1]
    assert slow
    assert all(record.over(t) == "latency<1" for t in slow if t.count.deployed <= record.limit)
    assert record.front
    assert all(t.costs["latency"] == 1 for t in (*record.front, record.best, record.best_seed))
    assert {("latency", "score"), ("params", "latency")} == {(p.x, p.y) for p in panels(record)}
    means = {t.number: record.expected(t) for t in record.complete}
    assert all(c.trial.costs["latency"] == 1 for c in candidates(record, means, 99))
    page = (folder / "index.html").read_text("utf-8")
    assert "over latency&lt;1" in page or "over latency\\u003c1" in page
    assert main(["resume", str(folder), "--trials", "10"]) == 0


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--objectives", "score,params,forgetting"], "has no language-model head"),
        (["--objectives", "score,params,forgeting"], "did you mean 'forgetting'"),
        (["--general-text", "x.txt"], "has no effect with objectives both"),
        (["--objectives", "both,forgetting<0.1"], "has no language-model head"),
        (["--objectives", "both,latency<1.2", "--early-stopping"], "objectives both,latency<1.2"),
        (["--objectives", "both,latency<5ms"], "write it like latency<1.2"),
        (["--objectives", "score,params,drift", "--general-text", "no.txt"], "no.txt"),
    ],
)
def test_what_cannot_be_measured_is_said_before_anything_runs(
    search: list[str], capsys: pytest.CaptureFixture[str], flags: list[str], words: str
) -> None:
    assert main([*search, *flags]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert len(said.strip().splitlines()) == 1


def test_early_stopping_is_refused_with_measured_costs(
    search: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*search, "--objectives", "score,params,latency", "--early-stopping"]) == 2
    assert "early_stopping knows the front of score and params only" in capsys.readouterr().err
    assert main([*search, "--objectives", "score,latency"]) == 2
    assert "score,params,latency" in capsys.readouterr().err
