"""Mistyped and misplaced words: the one line says what was meant."""

from pathlib import Path

import pytest

from autopelt.cli.main import main

LINES = {
    # options
    "search --task demo --trial 3": "Did you mean '--trials'?",
    "search --task demo -trials 3": "No such option '-trials'. Did you mean '--trials'?",
    "search --task demo -n 3": "Did you mean '--trials'?",
    "search --task demo --epoch 3": "Did you mean '--epochs'?",
    "search --task demo --lr 3": "Did you mean '--learning-rate-factor'?",
    "pretrain --lr 3": "Did you mean '--learning-rate'?",
    "search --task demo --seed 3": "Did you mean '--random-seed'?",
    "search --task demo --batch 3": "Did you mean '--batch-size'?",
    "search --task demo --output-dir x": "Did you mean '--out'?",
    "search --dataset rte": "Did you mean '--task'?",
    "search --model-name-or-path x": "Did you mean '--model'?",
    "search --tsak demo": "Did you mean '--task'?",
    "search --task demo --rank 8": "No such option '--rank'. See autopelt search --help.",
    "train reports/x --budget 1%": "It is an option of search, compare; see autopelt train --help.",
    "export x": "Missing option '--to'; for example: autopelt export reports/rte-minilm-1pct",
    "list": "Missing argument 'WHAT'; for example: autopelt list tasks",
    # commands
    "rte": "unknown command 'rte': 'rte' is a task: autopelt search --task rte",
    "reviews.csv": "is a file of examples: autopelt search --train reviews.csv",
    "unipelt": "is an architecture: autopelt show unipelt",
    "mine": "'reports/mine' is a study: autopelt status reports/mine",
    "serch": "did you mean 'search'?",
    "fit --task demo": "did you mean 'search'?",
    "continue x": "did you mean 'resume'?",
    "help": "did you mean autopelt --help?",
    "help search": "did you mean autopelt search --help?",
    "version": "did you mean autopelt --version?",
    # words in another place
    "search rte": "unexpected extra argument (rte); 'rte' is a task: autopelt search --task rte",
    "show reports/mine 7": "did you mean reports/mine:7?",
    "show rte": "'rte' is no architecture: 'rte' is a task: autopelt search --task rte",
    "show lora": "did you mean 'lora-r8'? All there are: autopelt list architectures",
    "show mine": "did you mean reports/mine?",
    "show mine:7": "did you mean reports/mine:7?",
    "show reports": "it holds reports/mine.",
    "status rte": "'rte' is a task: autopelt search --task rte",
    "status reports/mine:3": "did you mean reports/mine?",
    "status reports/mine/study.db": "did you mean reports/mine?",
    "status reports": "it holds reports/mine.",
    "reproduce mine:1": "did you mean reports/mine:1?",
    "predict reviews.csv reports/mine": "the folder comes first: autopelt predict reports/mine",
    "validate unipelt": "'unipelt' is an architecture: autopelt show unipelt",
    "list methods": "did you mean 'architectures'?",
    "list studies": "it holds reports/mine.",
    "search --task reviews.csv": "is a file of examples: autopelt search --train reviews.csv",
    "search --task Demo": "did you mean 'demo'?",
    "search --task glue/rte": "did you mean 'rte'?",
    "search --task reports/mine": "'reports/mine' is a study: autopelt status reports/mine",
    "search --train rte": "'rte' is a task: autopelt search --task rte",
    "search --train https://x.y/z.csv": "nothing is read from an address",
    "search --task demo --space rte": "'rte' is a task",
    "search --task demo --space lroa": "did you mean 'lora'?",
    "search --task demo --model unipelt": "'unipelt' is an architecture",
    "search --task demo --model bert-base/": "on the Hub, did you mean 'bert-base'?",
    "search --task demo --schedule linaer": "or 'cosine'; did you mean 'linear'? (got 'linaer')",
    "search --config reports/mine": "did you mean reports/mine/config.yaml?",
    "compare --task demo --methods unipolt": "did you mean 'unipelt'?",
    # budgets
    "search --task demo --budget 0.5": "did you mean 0.5% or 50%?",
    "search --task demo --budget 1e-2": "did you mean 1%?",
    "search --task demo --budget 22,713": "did you mean 22713?",
    "search --task demo --budget 1,5%": "did you mean 1.5%?",
    "search --task demo --budget 1percent": "did you mean 1%?",
    "search --task demo --budget one": "write it like 1%, 0.5%, 300k or 1.2M.",
    "search --task demo --budget 1mb": "write it like 1%, 0.5%, 300k or 1.2M.",
    "compare --task demo --methods lora-r8 --budget 1": "(did you mean --budget 1%?)",
}
"""Command line -> what the error says."""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a study in reports/ and a file of examples."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reports" / "mine").mkdir(parents=True)
    (tmp_path / "reports" / "mine" / "config.yaml").write_text("task: demo\n")
    (tmp_path / "reviews.csv").write_text("text,label\na,b\n")


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("line", LINES)
def test_the_error_says_what_was_meant(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line.split()) in (2, 4)
    said = capsys.readouterr().err
    assert LINES[line] in said
    assert said.count("\n") == 1
    assert said.isprintable() or said[:-1].isprintable()
