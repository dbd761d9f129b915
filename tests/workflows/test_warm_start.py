"""A study that learns from another one: what it takes, that it keeps it, what is refused."""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from closed_form import bound

from autopelt.architecture.architecture import Architecture
from autopelt.cards.protocol import card
from autopelt.cli.main import main
from autopelt.methods.module import Module
from autopelt.samplers.history import Observation
from autopelt.samplers.posterior import expected_scores
from autopelt.study.database import WARM_START
from autopelt.study.record import Belief, StudyRecord
from autopelt.study.storage import StudyStorage
from autopelt.workflows import compare
from autopelt.workflows import search as driver
from autopelt.workflows.compare import RUNS
from autopelt.workflows.warm_start import at_depth, best_of, front_of, warm_start

ROWS = [
    "text,label",
    *(f"{'a b' if i % 2 else 'y z'} {'cdef'[i % 4]} {i},{i % 2}" for i in range(60)),
]


@pytest.fixture(scope="module")
def made(
    tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, list[str]]]:
    """A folder with a finished study `source` of one task; the command line of another task."""
    folder = tmp_path_factory.mktemp("warm")
    (folder / "own.csv").write_text("\n".join(ROWS) + "\n")
    common = ["--model", str(tiny_bert), "--space", "tiny", "--epochs", "1", "--workers", "1"]
    common += ["--batch-size", "8", "--seeds", "head-only,lora-r2"]
    own = ["--train", str(folder / "own.csv"), "--text", "text", "--label", "label"]
    other = ["--task", "demo", "--train-examples", "32"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(driver, "default_threads", lambda workers: 1)
        source = ["search", *own, *common, "--sampler", "random", "--budget", "6%"]
        assert main([*source, "--trials", "9", "--out", str(folder / "source")]) == 0
        yield folder, ["search", *other, *common, "--budget", "4%"]


def record_of(folder: Path) -> StudyRecord:
    return StudyStorage.open(folder).record()


@pytest.fixture(scope="module")
def warm(made: tuple[Path, list[str]]) -> Path:
    """A study of twelve trials that started from `source`."""
    folder, command = made
    warm = ["--warm-start", str(folder / "source"), "--trials", "12"]
    assert main([*command, *warm, "--out", str(folder / "warm")]) == 0
    return folder / "warm"


def test_the_other_front_is_evaluated_early_and_within_the_budget(warm: Path) -> None:
    record = record_of(warm)
    origins = [t.origin for t in record.trials]
    early = [t for t in record.trials if t.origin == "warm"]
    assert 1 <= len(early) <= 3  # a third of what the seed architectures leave
    assert origins == sorted(origins, key=["seed", "warm", "start", "model", "repeat"].index)
    assert "model" in origins
    theirs = {t.architecture.id for t in record_of(warm.parent / "source").trials}
    for trial in early:
        assert record.feasible(trial)
        assert not trial.label
        kept = StudyStorage.open(warm).attributes(trial.number)["source"]
        assert kept.startswith("source:")
        there = record_of(warm.parent / "source").trials[int(kept.split(":")[1])]
        small = there.count.deployed <= record.limit
        assert (trial.architecture.id in theirs) == small
    assert next(f for f in card(record).facts if f.name == "Warm start").value == "source"


def test_without_the_other_folder_a_study_goes_on_the_same(
    warm: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Twice the same study is given a trial more, once with the other study there, once without."""
    ended = []
    for name in ("with", "without"):
        copy = tmp_path / name / "warm"
        shutil.copytree(warm, copy)
        if name == "without":
            (warm.parent / "source").rename(tmp_path / "gone")
        try:
            assert main(["resume", str(copy), "--trials", "13"]) == 0
        finally:
            if (tmp_path / "gone").is_dir():
                (tmp_path / "gone").rename(warm.parent / "source")
        ended.append(record_of(copy).trials[-1])
    assert ended[0].origin == "model"
    assert ended[0].architecture == ended[1].architecture
    assert ended[0].believed["mean"] == ended[1].believed["mean"]
    assert "warm start from source (task own): its 9 scores" in capsys.readouterr().out


def test_a_changed_warm_start_is_another_study(
    warm: Path, made: tuple[Path, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "warm"
    shutil.copytree(warm, copy)
    shutil.copytree(warm.parent / "source", tmp_path / "other")
    again = [*made[1], "--trials", "13", "--out", str(copy), "--warm-start"]
    assert main([*again, str(tmp_path / "other")]) == 2
    assert "holds another study (warm_start: " in capsys.readouterr().err
    assert main([*again[:-1]]) == 2
    assert "holds another study (warm_start: " in capsys.readouterr().err
    kept = json.loads((copy / WARM_START).read_text())
    kept["trials"][0][1] += 0.01
    (copy / WARM_START).write_text(json.dumps(kept))
    assert main(["resume", str(copy), "--trials", "13"]) == 2
    assert "warm_start hash" in capsys.readouterr().err
    (copy / WARM_START).write_text("{")
    assert main(["resume", str(copy), "--trials", "13"]) == 2
    assert "is damaged" in capsys.readouterr().err


def test_what_cannot_be_started_from_is_one_line(
    made: tuple[Path, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, command = made
    command = [*command, "--trials", "8"]
    source = folder / "source"
    other = tmp_path / "other.yaml"
    other.write_text("modules:\n  - {method: lora, location: attention.key, sizes: [0, 3]}\n")
    (tmp_path / "empty").mkdir()
    failed = tmp_path / "failed"
    shutil.copytree(source, failed)
    with sqlite3.connect(failed / "study.db") as base:
        base.execute("DELETE FROM trial_user_attributes WHERE key = 'score'")
    base.close()
    for flags, code, words in (
        (["--warm-start", str(tmp_path / "none")], 2, "does not exist"),
        (["--warm-start", str(tmp_path / "empty")], 2, "is not a study"),
        (["--warm-start", str(source), "--out", str(source)], 2, "is the study itself"),
        (["--warm-start", str(source), "--space", str(other)], 2, "can say none of"),
        (["--warm-start", str(failed)], 4, "no complete trial"),
    ):
        assert main([*command, *flags]) == code, words
        error = capsys.readouterr().err
        assert words in error
        assert error.count("\n") == 1


def test_a_studys_best_is_compared_on_another_task(
    made: tuple[Path, list[str]], tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The configuration carries over to a task that the study never saw."""
    monkeypatch.setattr(compare, "measured", lambda *_: {"reason": "not measured"})
    source = made[0] / "source"
    command = ["compare", "--task", "demo", "--model", str(tiny_bert), "--train-examples", "32"]
    command += ["--methods", f"head-only,{source}:best", "--seeds", "1", "--rates", "1"]
    assert main([*command, "--epochs", "1", "--out", str(tmp_path / "made")]) == 0
    lines = [json.loads(ln) for ln in (tmp_path / "made" / RUNS).read_text().splitlines()]
    best = record_of(source).best
    assert best is not None
    scored = [
        ln for ln in lines if ln["kind"] == "seed" and ln["method"].startswith(best.architecture.id)
    ]
    assert len(scored) == 1
    assert scored[0]["score"] is not None


def test_a_dry_run_says_what_would_be_taken(
    made: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, command = made
    warm = ["--warm-start", str(folder / "source"), "--trials", "12", "--dry-run"]
    assert main([*command, *warm, "--sampler", "tpe"]) == 0
    told = capsys.readouterr().out
    assert "warm start from source (task own): sampler tpe learns nothing" in told


def test_an_architecture_keeps_its_shape_at_another_depth() -> None:
    low = Architecture(
        (
            Module("lora", "attention.query", 0, 2),
            Module("lora", "attention.query", 1, 4),
            Module("prefix", "attention", 5, 8),
            Module("prompt", "embeddings", None, 3),
        ),
        0.5,
    )
    deep = at_depth(low, 6, 12)
    assert [(m.layer, m.size) for m in deep.modules if m.method == "lora"] == [
        (0, 2), (1, 2), (2, 4), (3, 4),
    ]  # fmt: skip
    assert [m.layer for m in deep.modules if m.method == "prefix"] == [10, 11]
    assert [m.size for m in deep.modules if m.layer is None] == [3]
    assert deep.learning_rate_multiplier == 0.5
    assert at_depth(deep, 12, 6) == low


def test_the_promising_are_spread_over_the_front_the_best_first() -> None:
    lora = [Architecture((Module("lora", "attention.query", 0, n + 1),)) for n in range(20)]
    observed = [Observation(n, a, 100 * (n + 1), None, 0.01 * n) for n, a in enumerate(lora)]
    means = {o.number: o.score for o in observed} | {7: 0.0}  # a lucky one that is not believed
    assert front_of(observed, means, 4) == [19, 13, 6, 0]
    assert front_of(observed, means, 0) == []
    assert front_of(observed[:2], means, 4) == [1, 0]
    assert front_of([], means, 4) == []
    assert best_of(observed, means, 4) == [19, 18, 17, 16]
    assert best_of([], means, 4) == []


def test_a_study_of_the_score_alone_takes_the_best_and_not_the_small(
    made: tuple[Path, list[str]],
) -> None:
    source = str(made[0] / "source")
    space = bound("tiny", 2, 32)
    front = warm_start(source, space, None, 3)
    best = warm_start(source, space, None, 3, small_too=False)
    assert "of its front are evaluated early" in front.words("pelt")
    assert "of its best are evaluated early" in best.words("pelt")
    means = expected_scores(space, best.observations)
    ours = [n for n, _ in best.early]
    within = [o.number for o in best.observations if o.parameters <= space.limit]
    assert ours[0] == max((n for n in within if n in means), key=lambda n: means[n])
    assert len(best.early) == 3


def test_what_the_other_study_believes_in_is_taken_and_not_its_highest_score(
    made: tuple[Path, list[str]], tmp_path: Path
) -> None:
    copy = shutil.copytree(made[0] / "source", tmp_path / "source")
    space = bound("tiny", 2, 32)
    study = StudyStorage.open(copy)
    within = [
        t
        for t in study.record().architectures
        if t.architecture.modules and t.count.deployed <= space.limit
    ]
    lowest = min(within, key=lambda t: (t.point[1], t.number))
    beliefs = {t.architecture.id: Belief(0.4, 0.01, 1.0, 1) for t in study.record().architectures}
    study.believe(beliefs | {lowest.architecture.id: Belief(0.9, 0.01, 1.0, 1)})
    best = warm_start(str(copy), space, None, 3, small_too=False)
    assert best.early[0] == (lowest.number, lowest.architecture)


def test_a_study_of_another_depth_and_width_is_mapped(made: tuple[Path, list[str]]) -> None:
    space = bound("tiny", 6, 384)
    taken = warm_start(str(made[0] / "source"), space, None, 8)
    layers = {m.layer for o in taken.observations for m in o.architecture.modules} - {None}
    assert layers == set(range(6))
    assert len(taken.observations) == 9
    for o in taken.observations:
        assert o.parameters == space.counter.count(o.architecture).deployed
    for _, architecture in taken.early:
        assert space.feasible(space.encode(architecture))
