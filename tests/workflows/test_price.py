"""`search --dry-run`: what it says about a space is so, and it starts and writes nothing."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from autopelt.cli.main import main
from autopelt.workflows import price as price_module
from autopelt.workflows.plan import Plan, make_plan
from autopelt.workflows.price import feasible_share, price
from autopelt.workflows.settings import resolve_config


def plan(model: Path, **changed: object) -> Plan:
    flags = {
        "task": "demo", "model": str(model), "space": "tiny", "budget": "4%", "trials": 8,
        "epochs": 2, "train_examples": 64,
    }  # fmt: skip
    return make_plan(resolve_config(None, flags | changed), "")


def test_the_feasible_share_is_that_of_all_choices(tiny_bert: Path) -> None:
    space = plan(tiny_bert).space
    every = itertools.product(*(range(len(d.values)) for d in space.dimensions))
    costs = space.costs(np.array([space.canonical(v) for v in every]))
    share = float(np.mean((costs > 0) & (costs <= space.limit)))
    drawn = feasible_share(space, np.random.default_rng(0), 2000)
    assert abs(drawn - share) < 4 * (share * (1 - share) / 2000) ** 0.5
    assert 0.01 < share < 0.99


def test_numbers_hang_together(tiny_bert: Path) -> None:
    made = plan(tiny_bert, workers=2)
    found = price(made)
    sizes = list(found.parameters.values())
    assert sizes == sorted(sizes)
    assert 0 < sizes[0] <= sizes[-1] <= made.limit
    steps = made.facts.task.train / made.config.training.batch_size
    assert found.trial_seconds == pytest.approx(
        2 * (steps * found.step_seconds + found.score_seconds)
    )
    assert found.study_seconds == pytest.approx(found.load_seconds + 4 * found.trial_seconds)
    assert found.step_seconds > 0
    assert 10**found.log10_size == pytest.approx(made.space.size)


def test_nothing_is_written(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    words = ["search", "--task", "demo", "--model", str(tiny_bert), "--space", "tiny"]
    words += ["--budget", "4%", "--trials", "8", "--dry-run"]
    assert main(words) == 0
    text = capsys.readouterr().out
    assert "architectures" in text
    assert text.rstrip().endswith("runs the study.")
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["feasible_share"] > 0
    assert list(tmp_path.iterdir()) == []


def test_texts_beside_the_metric_are_in_the_price(
    tiny_bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = plan(tiny_bert, workers=2)
    seconds = [1.0, 2.0, 3.0]
    monkeypatch.setattr(price_module, "_measure", lambda *_: (*seconds, False))
    without = price(made).trial_seconds
    monkeypatch.setattr(price_module, "_measure", lambda *_: (*seconds, True))
    with_texts = price(made).trial_seconds
    scoring = made.config.training.epochs * 3.0
    assert with_texts == pytest.approx((without - scoring) / 0.75)
