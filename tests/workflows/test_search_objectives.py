"""A real search with latency, memory or both as objectives."""

import csv
from pathlib import Path

import optuna
import pytest

from autopelt.cards.pairs import panels
from autopelt.cli.main import main
from autopelt.study.storage import StudyStorage
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


def test_early_stopping_is_refused_with_measured_costs(
    search: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*search, "--objectives", "score,params,latency", "--early-stopping"]) == 2
    assert "early_stopping knows the front of score and params only" in capsys.readouterr().err
    assert main([*search, "--objectives", "score,latency"]) == 2
    assert "score,params,latency" in capsys.readouterr().err
