"""The report split is scored whole and without each group; a search's trial never loads it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from autopelt.architecture.architecture import Architecture
from autopelt.methods.module import Module
from autopelt.study.config import TrainingConfig
from autopelt.tasks import Source, make_task, task_from_files
from autopelt.tasks.by_group import scored_groups
from autopelt.tasks.prior import constant_score
from autopelt.training.context import warm_context
from autopelt.training.example_groups import GROUPS
from autopelt.training.spec import Setup, TrialSpec
from autopelt.training.trial import run_trial


def spec(model: Path, report: bool) -> TrialSpec:
    architecture = Architecture((Module("lora", "attention.value", 1, 2),))
    return TrialSpec(
        0,
        architecture.to_json(),
        random_seed=1,
        setup=Setup(str(model), "demo", train_examples=64),
        training=TrainingConfig(epochs=2),
        report=report,
    )


def test_only_the_last_epoch_tells_the_report_split_and_only_if_asked(tiny_bert: Path) -> None:
    asked = [r.held_out for r in run_trial(spec(tiny_bert, True))]
    assert asked[0] == {}
    last = asked[1]
    assert last["score"] == last["metrics"]["accuracy"]
    assert len(last["without"]) == GROUPS
    # Groups of equal size: leaving each out once averages to the whole.
    assert np.mean(last["without"]) == pytest.approx(last["score"])
    assert last["examples"] == 400
    constant = last["constant"]
    task = make_task("demo")
    splits = task.load(Source(train_examples=64), report=True)
    assert constant["score"] == constant_score(task, splits.train, splits.report)
    assert np.mean(constant["without"]) == pytest.approx(constant["score"])
    plain = list(run_trial(spec(tiny_bert, False)))
    # The best epoch's selection score without each group comes with the last epoch.
    assert plain[0].without == []
    assert len(plain[1].without) == GROUPS
    best = max(r.score for r in plain)
    assert np.mean(plain[1].without) == pytest.approx(best, abs=1e-5)
    assert all(r.held_out == {} for r in plain)
    assert "report" not in warm_context(spec(tiny_bert, False).setup).splits


def test_groups_of_examples_are_scored_wherever_a_split_is(tmp_path: Path, tiny_bert: Path) -> None:
    lines = [f"the cat {n},{'ab'[n % 2]},{('en', 'de')[n // 2 % 2]}" for n in range(240)]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["text,label,language", *lines]) + "\n", encoding="utf-8")
    task = task_from_files(str(path), group="language")
    made = replace(
        spec(tiny_bert, True),
        setup=Setup(str(tiny_bert), task.spec),
        training=TrainingConfig(epochs=1),
    )
    (result,) = run_trial(made)
    for metrics in (result.metrics, result.held_out["metrics"]):
        assert set(metrics) == {"accuracy", "macro_f1", "accuracy[en]", "accuracy[de]"}
        low, high = sorted((metrics["accuracy[en]"], metrics["accuracy[de]"]))
        assert low <= metrics["accuracy"] <= high
    assert result.score == result.metrics["accuracy"]
    context = warm_context(made.setup, True)
    sizes = scored_groups(context.splits["report"].encoded)
    told = result.held_out["metrics"]
    mean = sum(told[f"accuracy[{g}]"] * n for g, n in sizes.items()) / sum(sizes.values())
    assert mean == pytest.approx(told["accuracy"])
