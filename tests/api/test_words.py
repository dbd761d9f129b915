"""What goes wrong in Python is said in Python's words: keywords and calls, no options."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import autopelt
from autopelt.errors import AutopeltError

STORED = Path(__file__).parents[1] / "fixtures" / "study-7d51a0e"
STUDY = "reports/mine"

CALLS: dict[str, tuple[Callable[[], Any], str]] = {
    "budget-1": (lambda: autopelt.search("demo", budget=1), "did you mean budget='1%'?"),
    "budget-half": (lambda: autopelt.search("demo", budget=0.5), "did you mean 0.5% or 50%?"),
    "budget-words": (lambda: autopelt.search("demo", budget="1 percent"), "did you mean 1%?"),
    "n_trials": (lambda: autopelt.search("demo", n_trials=3), "did you mean 'trials'?"),
    "lr": (lambda: autopelt.search("demo", lr=3), "did you mean 'learning_rate_factor'?"),
    "seed": (lambda: autopelt.search("demo", seed=3), "did you mean 'random_seed'?"),
    "nothing-like-it": (lambda: autopelt.search("demo", xyz=3), "help(autopelt.search)"),
    "task": (lambda: autopelt.search("dmeo"), "did you mean 'demo'?"),
    "no-task": (autopelt.search, "start with task='demo'."),
    "file": (lambda: autopelt.search("a.csv"), "autopelt.search(train='a.csv')"),
    "study": (lambda: autopelt.search(STUDY), "autopelt.open_study('reports/mine')"),
    "function": (
        lambda: autopelt.search(lambda model: 1),  # type: ignore[arg-type]
        "autopelt.search(model=my_model, train=my_function)",
    ),
    "number": (lambda: autopelt.search(3), "not a name"),  # type: ignore[arg-type]
    "both": (lambda: autopelt.search("demo", train="a.csv"), "give task or train, not both."),
    "model": (lambda: autopelt.search("demo", model="minlm"), "did you mean 'minilm'?"),
    "hub": (
        lambda: autopelt.search("demo", model="https://huggingface.co/google-bert/bert-base/"),
        "autopelt.search(model='google-bert/bert-base')",
    ),
    "space": (lambda: autopelt.search("demo", space="rte"), "autopelt.search(task='rte')"),
    "sampler": (lambda: autopelt.search("demo", sampler="tpee"), "did you mean 'tpe'?"),
    "schedule": (lambda: autopelt.search("demo", schedule="linaer"), "did you mean 'linear'?"),
    "epochs": (lambda: autopelt.search("demo", epochs=0), "epochs: "),
    "open": (lambda: autopelt.open_study("mine"), "did you mean reports/mine?"),
    "open-trial": (lambda: autopelt.open_study("mine:7"), "did you mean reports/mine?"),
    "open-none": (lambda: autopelt.open_study("a"), "studies are folders in reports/."),
    "open-empty": (lambda: autopelt.open_study("empty"), "autopelt.search(task='demo')"),
    "trial": (lambda: autopelt.open_study(STUDY).trial("bets"), "allowed: best, knee, smallest"),
    "resume": (lambda: autopelt.open_study(STUDY).resume(trial=9), "did you mean 'trials'?"),
    "fewer": (lambda: autopelt.open_study(STUDY).resume(trials=1), "trials=1 is the total"),
    "train": (lambda: autopelt.train(STUDY, epochs=0), "epochs=0 is too few"),
    "train-both": (lambda: autopelt.train(f"{STUDY}:1", "unipelt"), "or architecture, not both."),
    "exported": (lambda: autopelt.load_exported("nowhere"), "autopelt.train('STUDY')"),
}
"""Calls that are refused, and what the error says."""

TYPED = re.compile(r"(?:^|[\s(])--[a-z]|autopelt (?:search|resume|train|report|status)\b")
"""What one types in a shell, where Python has a call."""


@pytest.mark.parametrize("name", CALLS)
def test_an_error_says_what_to_call(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.csv").write_text("text,label\nx,a\n")
    shutil.copytree(STORED, tmp_path / STUDY)
    call, words = CALLS[name]
    with pytest.raises(AutopeltError) as caught:
        call()
    assert words in str(caught.value)
    assert not TYPED.search(str(caught.value)), str(caught.value)
    assert not re.search("[\x02-\x05]", str(caught.value))


def test_a_mistyped_name_of_the_package_is_asked_about() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", "import autopelt; autopelt.seach"], capture_output=True, text=True
    )
    assert "module 'autopelt' has no attribute 'seach'. Did you mean: 'search'?" in ran.stderr
    assert {"search", "open_study"} <= set(dir(autopelt))
