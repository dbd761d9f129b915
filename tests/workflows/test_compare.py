"""A comparison: names, equal effort, resuming, cost, the page; on a tiny model, in this process."""

import csv
import json
import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autopelt.architecture.budget import Budget
from autopelt.cards.comparison_rows import (
    Row,
    at_the_end,
    best_row,
    constant_of,
    learned_nothing,
)
from autopelt.cli.main import main
from autopelt.errors import InfeasibleError, UsageError
from autopelt.study.config import StudyConfig
from autopelt.study.ledger import Constant, Training
from autopelt.system.signals import Stopped
from autopelt.training import profile
from autopelt.training.profile import measure, measured
from autopelt.views.tables import comparison_table
from autopelt.workflows import compare
from autopelt.workflows.compare import RUNS, Comparison
from autopelt.workflows.compared import find_methods
from autopelt.workflows.settings import resolve_config


def config(model: Path, **changed: Any) -> StudyConfig:
    flags = {"task": "demo", "model": str(model), "epochs": 2, "train_examples": 48, "workers": 1}
    return resolve_config(None, flags | changed)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure in this process, and no more than must be."""
    monkeypatch.setattr(profile, "BATCHES", {1: (2, 1), 32: (2, 1)})
    monkeypatch.setattr(profile, "STEPS", 2)
    monkeypatch.setattr(compare, "measured", measure)


def comparison(model: Path, folder: Path, names: str, seeds: int = 1) -> Comparison:
    made = config(model)
    methods = find_methods(names.split(","), made, None)
    return Comparison(folder, made, tuple(methods), seeds, (0.5, 1.0), "autopelt compare")


def test_equal_effort_resuming_and_the_page(tiny_bert: Path, tmp_path: Path, here: None) -> None:
    folder = tmp_path / "comparison"
    said: list[str] = []
    comparison(tiny_bert, folder, "head-only,lora-r2").run(said.append)
    lines = [json.loads(line) for line in (folder / RUNS).read_text().splitlines()]
    for kind, each in (("rate", 2), ("seed", 1), ("cost", 1)):
        methods = [ln["method"] for ln in lines if ln["kind"] == kind]
        assert {methods.count(m) for m in methods} == {each}
        assert len(set(methods)) == 2
    seeds = {}
    for ln in lines:
        if ln["kind"] == "seed":
            seeds.setdefault(ln["method"], []).append(ln["random_seed"])
            tried = {
                r["rate"]: r["selection"]
                for r in lines
                if r["kind"] == "rate" and r["method"] == ln["method"]
            }
            assert tried[ln["rate"]] == max(tried.values())
    assert len({tuple(s) for s in seeds.values()}) == 1

    # One more method and one more seed: only these are trained.
    again = comparison(tiny_bert, folder, "head-only,lora-r2,full", seeds=2)
    again.run(said.append)
    after = [json.loads(line) for line in (folder / RUNS).read_text().splitlines()]
    assert after[: len(lines)] == lines
    assert sorted(ln["kind"] for ln in after[len(lines) :]) == sorted(
        ["seed"] * 2 + ["rate"] * 2 + ["seed"] * 2 + ["cost"]
    )

    rows = again.rows()
    assert [r.name for r in rows] == ["head-only", "lora-r2", "full"]
    assert all(len(r.scored) == 2 and r.seconds for r in rows)
    assert all(r.cost["latency_32"] > 0 and r.cost["peak_bytes"] > 1e6 for r in rows)
    # LoRA is merged, head-only and full have nothing beside the backbone.
    assert all(r.cost["times_bare_1"] == r.cost["times_bare_32"] == 1.0 for r in rows)
    page = (folder / "index.html").read_text()
    assert "Score against parameters" in page
    assert "Score against time" in page
    with (folder / "table.csv").open() as file:
        table = {line["method"]: line for line in csv.DictReader(file)}
    assert table["full"]["deployed"] == str(rows[2].count.backbone)
    chosen_by = [float(line["selection"]) for line in table.values()]
    assert chosen_by == sorted(chosen_by, reverse=True)
    constant = rows[0].trainings[0].constant
    assert constant is not None
    assert float(table["full"]["above_constant"]) == pytest.approx(
        rows[2].mean.mean - constant.score
    )
    assert float(table["lora-r2"]["score"]) == pytest.approx(rows[1].mean.mean)
    assert len(comparison_table(rows).rows) == 3

    other = config(tiny_bert, epochs=3)
    with pytest.raises(UsageError, match="another training"):
        Comparison(folder, other, again.methods, 2, (1.0,), "").run(said.append)


def test_names_of_methods(tiny_bert: Path) -> None:
    made = config(tiny_bert)
    methods = find_methods(
        ["unipelt~", "full", "lora-r1", f"lora-r1@{tiny_bert}"], made, Budget.parse("4%")
    )
    assert [m.name for m in methods] == ["unipelt~", "full", "lora-r1"]  # the same twice is one
    assert methods[0].count.deployed <= 0.04 * methods[0].count.backbone
    with pytest.raises(InfeasibleError, match=r"over the budget of 4%: unipelt \("):
        find_methods(["unipelt", "full"], made, Budget.parse("4%"))


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ("nonsense", "unknown seed architecture"),
        ("adapterdrop-9", "leaves no adapter"),
        ("unipelt~", "no --budget"),
        (",", "--methods is empty"),
    ],
)
def test_methods_that_do_not_fit_are_one_line(
    names: str, words: str, tiny_bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["compare", "--task", "demo", "--model", str(tiny_bert), "--methods", names]
    assert main([*command, "--out", str(tmp_path / "x")]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--seeds", "0"], "--seeds 0"),
        (["--rates", "a"], "--rates"),
        (["--rates", "0"], "--rates"),
        (["--rate-seeds", "0"], "--rate-seeds 0"),
    ],
)
def test_wrong_numbers_are_one_line(
    flags: list[str],
    words: str,
    tiny_bert: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = ["compare", "--task", "demo", "--model", str(tiny_bert), "--methods", "lora-r1"]
    assert main([*command, *flags, "--out", str(tmp_path / "x")]) == 2
    assert words in capsys.readouterr().err


def test_the_selection_split_chooses_the_best_row(tiny_bert: Path) -> None:
    (method,) = find_methods(["lora-r1"], config(tiny_bert), None)

    def row(name: str, selection: float, report: float) -> Row:
        training = Training(0, report, selection)
        return Row(name, method.architecture, method.count, 1.0, (training,), {})

    rows = [row("lucky", 0.5, 0.9), row("better", 0.6, 0.5)]
    assert best_row(rows) is rows[1]
    assert best_row([]) is None


def test_the_mean_over_random_seeds_chooses_the_rate(
    tiny_bert: Path, tmp_path: Path, here: None
) -> None:
    first = comparison(tiny_bert, tmp_path / "c", "lora-r2")
    first.run(lambda text: None)
    more = replace(first, rate_seeds=3)
    said: list[str] = []
    more.run(said.append)
    assert said[0] == "choosing learning rates: 4 trainings to go"  # of 6: two are there
    lines = [json.loads(line) for line in (tmp_path / "c" / RUNS).read_text().splitlines()]
    tried = [ln for ln in lines if ln["kind"] == "rate"]
    assert len({ln["random_seed"] for ln in tried}) == 3
    means = {
        rate: sum(ln["selection"] for ln in tried if ln["rate"] == rate) for rate in first.rates
    }
    (method,) = more.methods
    chosen = more.sweep.chosen(method.key, more.ledger.lines())
    assert means[chosen] == max(means.values())

    # A rate that failed once is not chosen while another one never failed.
    def line(rate: float, seed: int, **rest: float) -> compare.Line[compare.Run]:
        own = {"kind": "rate", "method": method.key, "rate": rate}
        return more.ledger.line({**own, "random_seed": tried[seed]["random_seed"], **rest})

    seeds = [line(0.5, 0, selection=0.1), line(1.0, 0, selection=0.9)]
    assert first.sweep.chosen(method.key, seeds) == 1.0
    assert more.sweep.chosen(method.key, [*seeds, line(1.0, -1)]) == 0.5
    assert more.sweep.chosen(method.key, [line(0.5, 0), line(1.0, 0)]) is None


def test_rates_at_the_end_of_what_was_tried_are_named(tiny_bert: Path) -> None:
    (method,) = find_methods(["lora-r1"], config(tiny_bert), None)

    def row(name: str, rate: float | None, *rates: float) -> Row:
        return Row(name, method.architecture, method.count, rate, (), {}, rates=rates)

    assert at_the_end([row("a", 1, 0.5, 1, 2), row("b", None, 1, 2), row("c", 1, 1)]) == ""
    words = at_the_end([row("a", 2, 0.5, 1, 2), row("b", 0.5, 0.5, 1, 2), row("c", 1, 1, 3)])
    assert "× 0.5 of b; × 2 of a." in words
    assert "c" not in words.split(":")[1].split(".")[1]


def test_rows_that_learned_nothing_are_named(tiny_bert: Path) -> None:
    (method,) = find_methods(["lora-r1"], config(tiny_bert), None)

    def row(name: str, right: int) -> Row:
        """Of 40 examples so many are right, of the constant answers 20: others for each seed."""
        trainings = []
        for seed in range(3):
            own = np.roll(np.arange(40) < right, 7 * seed)
            same = np.arange(40) % 2 == 0
            without, of_same = [tuple((x.sum() - x) / 39) for x in (own, same)]
            constant = Constant(same.mean(), of_same)
            trainings.append(Training(seed, own.mean(), without=without, constant=constant))
        return Row(name, method.architecture, method.count, 1.0, tuple(trainings), {})

    good, bad = row("good", 38), row("bad", 20)
    assert constant_of([good, bad]) == 0.5
    assert learned_nothing([good]) == ""
    assert learned_nothing([good, bad]) == (
        "Not surely above the best constant answer (0.500): bad."
    )
    assert learned_nothing([bad]).startswith("No method is surely above the best constant answer")


def test_a_signal_while_it_measures_loses_nothing(
    tiny_bert: Path, tmp_path: Path, here: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "comparison"
    compared = comparison(tiny_bert, folder, "head-only,lora-r2")
    known = measure

    def interrupted(*asked: Any) -> dict[str, Any]:
        if (folder / RUNS).read_text().count('"cost"'):  # while the second is measured
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(10)
        return known(*asked)

    monkeypatch.setattr(compare, "measured", interrupted)
    with pytest.raises(Stopped):
        compared.run(lambda _: None)
    assert "Score against parameters" in (folder / "index.html").read_text()
    assert [bool(row.cost) for row in compared.rows()] == [True, False]
    monkeypatch.setattr(compare, "measured", known)
    said: list[str] = []
    compared.run(said.append)
    assert said == ["measuring lora-r2, alone"]
    assert all(row.cost for row in compared.rows())


@pytest.mark.slow
def test_a_process_of_its_own_measures(tiny_bert: Path) -> None:
    (method,) = find_methods(["unipelt"], config(tiny_bert), None)
    training = config(tiny_bert).training
    made = measured(method.architecture.to_json(), method.setup, training, 1, 0)
    assert made["step_seconds"] > 0
    assert made["steps_an_epoch"] == 6
    assert 0 < made["latency_1"] < made["latency_32"] * 10
    assert 0.5 < made["times_bare_1"] < 50


def test_a_process_that_fails_to_measure_says_why(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = tmp_path / "python"
    failing.write_text("#!/bin/sh\ncat >/dev/null\necho 'ValueError: rubbish' >&2\nexit 1\n")
    failing.chmod(0o700)
    monkeypatch.setattr("sys.executable", str(failing))
    (method,) = find_methods(["unipelt"], config(tiny_bert), None)
    made = measured("{}", method.setup, config(tiny_bert).training, 1, 0)
    assert made == {"reason": "could not be measured: ValueError: rubbish"}


def test_rates_go_on_beyond_an_end_that_is_the_best(tiny_bert: Path, tmp_path: Path) -> None:
    compared = replace(comparison(tiny_bert, tmp_path / "c", "lora-r2"), further=3, rate_seeds=2)
    (method,) = compared.methods
    seeds = list(compared._rate_seeds.values())

    def lines(**scores: float | None) -> list[compare.Line[compare.Run]]:
        made = []
        for rate, score in scores.items():
            own = {"kind": "rate", "method": method.key, "rate": float(rate[1:].replace("_", "."))}
            rest = {} if score is None else {"selection": score}
            made += [compared.ledger.line({**own, "random_seed": seed, **rest}) for seed in seeds]
        return made

    def offered(**scores: float | None) -> tuple[float, ...]:
        return compared.sweep.offered(method.key, lines(**scores))

    assert offered() == (0.5, 1.0)
    assert offered(x1=0.8) == (0.5, 1.0)  # one is not tried yet
    assert compared.sweep.offered(method.key, lines(x0_5=0.7, x1=0.8)[:-1]) == (0.5, 1.0)
    up = {"x0_5": 0.7, "x1": 0.8}
    assert offered(**up) == (0.5, 1.0, 2.0)
    assert offered(**up, x2=0.75) == (0.5, 1.0, 2.0)
    assert offered(**up, x2=None) == (0.5, 1.0, 2.0)  # it failed
    assert offered(**up, x2=0.81) == (0.5, 1.0, 2.0, 4.0)
    steep = {**up, "x2": 0.81, "x4": 0.82, "x8": 0.83, "x16": 0.84}
    assert offered(**steep) == (0.5, 1.0, 2.0, 4.0, 8.0)
    assert compared.sweep.chosen(method.key, lines(**steep)) == 8.0
    assert offered(x0_5=0.8, x1=0.7) == (0.25, 0.5, 1.0)
    assert offered(x0_5=0.8, x1=0.7, x0_25=0.9)[0] == 0.125
    assert replace(compared, further=0).sweep.offered(method.key, lines(**up)) == (0.5, 1.0)


def test_a_comparison_tries_what_lies_beyond(tiny_bert: Path, tmp_path: Path, here: None) -> None:
    compared = replace(comparison(tiny_bert, tmp_path / "c", "head-only,lora-r2"), further=2)
    compared.run(lambda text: None)
    lines = compared.ledger.lines()
    for method in compared.methods:
        tried = {
            ln.about.rate
            for ln in lines
            if ln.about.kind == "rate" and ln.about.method == method.key
        }
        assert tried == set(compared.sweep.offered(method.key, lines))
        assert len(tried) > 2  # of two rates each is an end
    rows = compared.rows()
    assert [set(row.rates) for row in rows] == [
        set(compared.sweep.offered(m.key, lines)) for m in compared.methods
    ]
