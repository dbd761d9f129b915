"""A decoder is searched by its loss; texts beside it, and a score of the user's own, are told."""

import csv
import json
from pathlib import Path

import pytest
from tiny_models import tiny

from autopelt.cards import verdict
from autopelt.cli.main import main
from autopelt.study.storage import StudyStorage
from autopelt.tasks.generation import Generation

BESIDE = {"exact_match", "rougeL", "chrf", "number_match"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny decoder, sums in words, and scores."""
    made = tmp_path_factory.mktemp("decoder")
    _, model, tokenizer = tiny("gpt2", Generation("g", "", None))
    model.save_pretrained(made / "model")
    tokenizer.save_pretrained(made / "model")
    rows = [
        {"source": f"the cat {n} and {n % 7}", "target": f"#### {n + n % 7}"} for n in range(90)
    ]
    (made / "sums.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    turns = (
        [{"role": "user", "content": source}, {"role": "assistant", "content": target}]
        for source, target in (row.values() for row in rows)
    )
    chats = (json.dumps({"messages": messages}) for messages in turns)
    (made / "chat.jsonl").write_text("\n".join(chats), "utf-8")
    (made / "mine.py").write_text(
        "def far(predictions, references):\n"
        "    pairs = zip(predictions, references, strict=True)\n"
        "    return {'letters': sum(abs(len(a) - len(b)) for a, b in pairs), 'one': 1.0}\n"
        "far.lower_is_better = True\n"
        "def fails(predictions, references):\n"
        "    if predictions != references:\n"
        "        raise ValueError('not yet')\n"
        "    return 1.0\n",
        "utf-8",
    )
    return made


def _search(folder: Path, out: str, *more: str, train: str = "sums.jsonl") -> int:
    arguments = [
        *("search", "--train", str(folder / train), "--model", str(folder / "model")),
        *("--space", "tiny", "--budget", "4%", "--trials", "1", "--epochs", "1"),
        *("--seeds", "lora-r1", "--workers", "1", "--out", str(folder / out), *more),
    ]
    return main(arguments)


def test_a_chat_is_searched_by_its_loss_and_tells_of_texts_everywhere(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _search(folder, "loss", "--generate", "6", train="chat.jsonl") == 0
    said = capsys.readouterr().out
    record = StudyStorage.open(folder / "loss").record()
    assert record.metric == "negative loss"
    for trial in record.trials:
        assert set(trial.metrics) == {"loss", "perplexity", *BESIDE}
        assert trial.score == -trial.metrics["loss"]
        assert len(trial.scores) == 1
        assert len(trial.without) > 1
    assert "scored by loss: lower is better" in said
    assert "Of the loss less is better, so its negative is shown" in said
    assert "number_match 0.0000" in said
    best = json.loads((folder / "loss" / "best" / "metrics.json").read_text("utf-8"))
    assert set(best["selection"]) >= BESIDE
    with (folder / "loss" / "trials.csv").open(encoding="utf-8") as lines:
        assert set(json.loads(next(csv.DictReader(lines))["metrics"])) >= BESIDE
    assert "rougeL" in (folder / "loss" / "index.html").read_text("utf-8")

    assert record.task.scored == record.task.selection
    assert main(["train", f"{folder / 'loss'}:0", "--out", str(folder / "trained")]) == 0
    assert main(["evaluate", str(folder / "trained"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["report"] == pytest.approx(told["stored"], rel=1e-4)
    assert set(told["report"]) >= BESIDE

    assert main(["confirm", str(folder / "loss"), "--seeds", "2", "--top", "1"]) == 0
    record = StudyStorage.open(folder / "loss").record()
    (kept, *_) = record.confirmed
    first, second = (training.metrics["rougeL"] for training in kept.trainings)
    assert kept.metrics["rougeL"] == pytest.approx((first + second) / 2)
    assert "on the report split: loss " in verdict.card(record).note
    assert set(kept.trainings[0].metrics) >= BESIDE
    assert kept.trainings[0].score == -kept.trainings[0].metrics["loss"]


def test_a_score_of_ones_own_leads_a_study(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = f"{folder / 'mine.py'}:far"
    assert _search(folder, "own", "--score", own, "--generate", "8") == 0
    storage = StudyStorage.open(folder / "own")
    record = storage.record()
    assert record.metric == "negative far"
    assert record.task.score_hash
    assert (record.task.selection, record.task.scored) == (18, 8)
    assert "on 8 of 18 examples" in (folder / "own" / "index.html").read_text("utf-8")
    for trial in record.trials:
        assert {"far", "letters", "one", "rougeL"} <= set(trial.metrics)
        assert trial.score == -trial.metrics["far"]
    assert "selection: texts are written for 8 of 18 examples" in capsys.readouterr().out
    before = (folder / "mine.py").read_text("utf-8")
    (folder / "mine.py").write_text(before + "\n# changed\n", "utf-8")
    assert main(["resume", str(folder / "own"), "--trials", "2"]) == 2
    assert "task score_hash" in capsys.readouterr().err
    (folder / "mine.py").unlink()
    rows = folder / "new.jsonl"
    rows.write_text(json.dumps({"source": "the cat 1 and 1"}), "utf-8")
    assert main(["predict", str(folder / "own"), str(rows)]) == 0  # needs no score
    (folder / "mine.py").write_text(before, "utf-8")


def test_an_error_of_ones_own_score_is_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _search(folder, "fails", "--score", f"{folder / 'mine.py'}:fails") != 0
    assert "line 7: ValueError: not yet." in capsys.readouterr().err
    assert _search(folder, "none", "--score", f"{folder / 'mine.py'}:gone") == 2
    assert "has no function 'gone'" in capsys.readouterr().err
    assert not (folder / "none").exists()
