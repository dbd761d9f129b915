"""Methods at several budgets: shrunk to each, each once, of a study its best; the whole table."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from small_search import plan
from untrained_trials import add_trial

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.budget import Budget
from autopelt.cards.comparison_rows import FOUND, FULL, HAND
from autopelt.cli.main import main
from autopelt.data.source import DataFacts
from autopelt.errors import InfeasibleError, UnavailableError, UsageError
from autopelt.methods.module import Module
from autopelt.samplers import make_sampler
from autopelt.study.config import StudyConfig
from autopelt.study.storage import StudyStorage
from autopelt.training import profile
from autopelt.training.profile import measure
from autopelt.workflows import compare
from autopelt.workflows.compare import RUNS, Comparison
from autopelt.workflows.compared import find_methods, methods_within, several_budgets
from autopelt.workflows.settings import resolve_config

BUDGETS = ("0.5%", "1.5%", "4%")


@pytest.fixture(scope="module")
def study(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study whose scores were written down: larger is better, and one seed architecture."""
    folder = tmp_path_factory.mktemp("studies") / "s"
    made = plan(tiny_bert, trials=4, epochs=1, seeds="lora-r1")
    study = StudyStorage.create(
        folder, made.config, made.facts, make_sampler("random", made.space, 0)
    )
    entries = [("lora-r1", made.seeds[0].architecture)]
    entries += [
        ("", Architecture((Module("lora", "attention.value", layer, size),)))
        for layer, size in ((0, 1), (1, 1), (1, 8))
    ]
    for number, (label, architecture) in enumerate(entries):
        deployed = add_trial(study, made, number, label, architecture)
        study.complete(number, 0.5 + 0.01 * number, deployed)
    return folder


@pytest.fixture
def config(tiny_bert: Path) -> StudyConfig:
    flags = {"task": "demo", "model": str(tiny_bert), "epochs": 1, "train_examples": 32}
    return resolve_config(None, flags)


def test_methods_are_shrunk_to_each_budget_and_an_architecture_comes_once(
    config: StudyConfig,
) -> None:
    budgets = several_budgets(["4%", "0.5%", "1.5%", "4%"], config)
    assert tuple(map(str, budgets)) == BUDGETS
    made = methods_within(["lora-r8", "lora-r4", "head-only", "full"], config, budgets)
    lora = [m for m in made if m.name.startswith("lora")]
    assert len({m.key for m in made}) == len(made)
    for method in lora:
        fits = [str(b) for b in budgets if method.count.deployed <= b.limit(method.count.backbone)]
        assert method.within == tuple(fits)
        assert method.role == HAND
    assert {f"lora-r8~{b}" for b in BUDGETS[:2]} <= {m.name for m in lora}
    by_name = {m.name: m for m in made}
    assert by_name["head-only"].within == BUDGETS
    assert (by_name["full"].role, by_name["full"].within) == (FULL, ())


def test_a_study_gives_what_it_expects_most_of_within_each_budget(
    config: StudyConfig, study: Path, tmp_path: Path
) -> None:
    record = StudyStorage.open(study).record()
    sizes = [t.count.deployed for t in record.trials]
    budgets = several_budgets([str(n) for n in (sizes[1], sizes[0], sizes[3])], config)
    made = methods_within([str(study)], config, budgets)
    assert made == methods_within([f"{study}:best"], config, budgets)
    found = {m.name: m.within for m in made}
    # Trials 1 and 2 are of one size; 2 is expected to score more. Trial 0 is larger, and worse.
    assert found == {
        "s:2": tuple(str(b) for b in budgets if b.count in (sizes[1], sizes[0])),
        "s:3": (str(Budget(count=sizes[3])),),
    }
    assert {m.role for m in made} == {FOUND}
    (one,) = methods_within([f"{study}:0"], config, budgets)
    assert (one.role, len(one.within)) == (FOUND, 2)
    with pytest.raises(InfeasibleError, match=r"nothing of '.*s' fits a budget of 3"):
        methods_within([str(study)], config, [Budget(count=3)])
    with pytest.raises(UsageError, match="is empty"):
        several_budgets([], config)


def test_a_part_of_the_report_split_is_no_other_data(config: StudyConfig, study: Path) -> None:
    (found,) = methods_within([f"{study}:0"], config, [Budget(count=10**6)])
    record = found.study
    assert record is not None
    known = record.task.recorded
    assert known.report_hash
    now = DataFacts("generated", "", report_hash="another", sizes={"report": 50})
    fewer = config.training.model_copy(update={"report_examples": 50})
    found.check(config.model_copy(update={"training": fewer}), now)
    with pytest.raises(UnavailableError, match=f"report {known.report} examples before, 50 now"):
        found.check(config, now)


def test_what_a_study_found_by_hand_is_at_its_methods_own_rates(
    config: StudyConfig, tiny_bert: Path, tmp_path: Path
) -> None:
    """Offered the same factors on four times its rates, it was another architecture."""
    made = plan(tiny_bert, trials=1, epochs=1, seeds="lora-r1")
    study = StudyStorage.create(
        tmp_path / "s", made.config, made.facts, make_sampler("random", made.space, 0)
    )
    high = replace(made.seeds[0].architecture, learning_rate_multiplier=4.0)
    study.complete(0, 0.9, add_trial(study, made, 0, "lora-r1 x4", high))
    budgets = several_budgets(["4%"], config)
    for which in ("best", "0", "lora-r1 x4"):
        names = [f"{tmp_path / 's'}:{which}", "lora-r1"]
        found, hand = methods_within(names, config, budgets, swept=True)
        assert (found.role, hand.role) == (FOUND, HAND)
        assert found.name == ("s:0 (lora-r1 x4)" if which == "best" else names[0])
        assert found.key == hand.key
        # Where no rate is chosen it keeps the one that made it good.
        found, hand = methods_within(names, config, budgets)
        assert found.architecture.learning_rate_multiplier == 4
        (found,) = find_methods(names[:1], config, None)
        assert found.architecture.learning_rate_multiplier == 4
        assert len(find_methods(names, config, None, swept=True)) == 1  # one architecture once


def test_finalists_of_one_table_are_chosen_even_at_a_single_rate(
    config: StudyConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare, "measured", lambda *_: {})
    methods = find_methods(["head-only", "lora-r1", "full"], config, None)
    whole = Comparison(tmp_path / "c", config, tuple(methods), 1, (1.0,), "")
    few = replace(whole, finalists=1)
    few.run(lambda text: None)
    rows = few.rows()
    # Of equals, the smaller one.
    by_hand = sorted(rows[:2], key=lambda r: (r.swept or 0.0, -r.count.deployed))
    assert [len(r.scored) for r in (*by_hand, rows[2])] == [0, 1, 1]
    assert by_hand[0].left_out
    assert not [r for r in few.ledger.lines() if r.about.kind == "rate" and r.training is None]
    whole.run(lambda text: None)  # with nothing to choose, all are trained
    assert [len(r.scored) for r in whole.rows()] == [1, 1, 1]


def test_one_command_makes_the_table_of_gain_against_budget(
    tiny_bert: Path,
    study: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(profile, "BATCHES", {1: (2, 1), 32: (2, 1)})
    monkeypatch.setattr(profile, "STEPS", 2)
    monkeypatch.setattr(compare, "measured", measure)
    out = tmp_path / "c"
    command = ["compare", "--task", "demo", "--model", str(tiny_bert), "--epochs", "1"]
    command += ["--train-examples", "32", "--workers", "1", "--seeds", "2", "--rates", "1"]
    command += ["--methods", f"lora-r2,sapa-4,head-only,{study}:best"]
    command += ["--budgets", "1.5%,4%", "--finalists", "1", "--margin", "0", "--out", str(out)]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "At 1.5%: found, s:" in said
    assert "As good as " in said
    lines = [json.loads(line) for line in (out / RUNS).read_text().splitlines()]
    with (out / "table.csv").open() as file:
        table = {line["method"]: line for line in csv.DictReader(file)}
    # Every architecture was trained once at its only rate; the seeds went to few.
    tried = [ln["method"] for ln in lines if ln["kind"] == "rate"]
    assert len(tried) == len(set(tried)) == len(table)
    trained = {name for name, line in table.items() if line["random_seeds"] == "2"}
    assert {n for n, line in table.items() if line["role"] == FOUND} <= trained
    for budget in ("1.5%", "4%"):
        hand = {n: ln for n, ln in table.items() if ln["role"] == HAND and budget in ln["within"]}
        assert max(float(line["swept"]) for line in hand.values()) in {
            float(hand[n]["swept"]) for n in trained & set(hand)
        }
    assert trained != set(table)
    assert {n for n, line in table.items() if line["times_bare_1"]} == trained
    with (out / "budgets.csv").open() as file:
        pairs = list(csv.DictReader(file))
    assert [p["what"] for p in pairs] == ["1.5%", "4%", "smallest", "fastest", "full"]
    for pair in pairs[:2]:
        gap = float(pair["found_score"]) - float(pair["other_score"])
        assert float(pair["difference"]) == pytest.approx(gap)
    assert "Score against budget" in (out / "index.html").read_text()

    # The same command again has nothing to do; a further method is tried alone.
    before = (out / RUNS).read_bytes()
    assert main(command) == 0
    assert (out / RUNS).read_bytes() == before
    for wrong, words in (
        (["--budget", "1%"], "not both"),
        (["--finalists", "0"], "--finalists 0 is too few"),
        (["--margin", "-1"], "--margin"),
    ):
        assert main([*command, *wrong]) == 2
        assert words in capsys.readouterr().err
    assert main([*command[:-8], "--margin", "0.1", "--out", str(out)]) == 2
    assert "--margin is for --budgets" in capsys.readouterr().err
