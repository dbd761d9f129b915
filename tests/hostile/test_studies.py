"""Studies with damaged members: what reads them says which, and leaves them as they are."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from refusals import ask, faults, shown_wrongly

OPENS = (
    *(
        "status study",
        "report study",
        "show study",
        "resume study --trials 9",
        "diff study:0 study",
    ),
    *("export study --to csv --out out.csv", "train study --out out", "confirm study"),
    *("reproduce study:0", "predict study data.csv", "search --config study/config.yaml --dry-run"),
)
"""Commands that open a study."""

Damage = Callable[[Path], object]


def holds(text: str | bytes) -> Damage:
    content = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
    return lambda path: path.write_bytes(content)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


CONFIG: dict[str, Damage] = {
    "empty": holds(""), "list": holds("- 1\n"), "text": holds("x"), "yaml": holds("a: [1"),
    "nul": holds("\0"), "latin": holds("task: \udce9\n"), "deep": holds("[" * 10_000),
    "alias": holds("a: &x 1\nb: *x\n"), "key": holds("tsk: demo\n"),
    "task": holds("task: [demo]\n"), "trials": holds("task: demo\ntrials: many\n"),
    "space": holds("task: demo\nspace: 3\n"),
    "half": holds('task: "\\ud800"\n'), "huge": holds("x: " + "y" * 1_100_000),
}  # fmt: skip
DATABASE: dict[str, Damage] = {
    "empty": holds(""), "text": holds("x" * 9000), "nul": holds(b"\0" * 8192), "folder": folder,
    "head": holds(b"SQLite format 3\0" + b"\0" * 4000), "loop": loop,
}  # fmt: skip
METRICS: dict[str, Damage] = {
    "empty": holds(""), "list": holds("[]"), "number": holds("3"), "text": holds('"x"'),
    "null": holds("null"), "cut": holds('{"trial": 0, "sel'), "latin": holds("\udcff"),
    "deep": holds('{"selection":' * 30_000), "selection": holds('{"selection": 3}'),
    "scores": holds('{"selection": {"accuracy": "high"}}'), "folder": folder, "device": device,
}  # fmt: skip
ARCHITECTURE: dict[str, Damage] = {
    "empty": holds(""), "list": holds("[]"), "cut": holds("modules:\n- {layers"),
    "other": holds("modules: []\n"), "latin": holds("\udcff"), "device": device,
}  # fmt: skip
CONFIRMED: dict[str, Damage] = {
    "text": holds("x\ny\n"), "list": holds("[]\n{}\n"), "number": holds("3\n"),
    "nested": holds('{"trial": {"a": 1}, "score": []}\n'),
    "bytes": holds(b"\xff\xfe\n\xff\n"), "deep": holds("[" * 50_000 + "\n"),
}  # fmt: skip


def answered(command: str, place: Path, named: str = "study") -> None:
    before = set(place.rglob("*"))
    answer = ask(command.split())
    assert faults(answer, [named]) == [], (command, answer)
    assert set(place.rglob("*")) == before


@pytest.mark.parametrize("name", CONFIG)
def test_a_damaged_configuration(name: str, study: Path) -> None:
    CONFIG[name](study / "config.yaml")
    for command in OPENS:
        answered(command, study.parent, "" if command.startswith("search") else "study")


@pytest.mark.parametrize("name", DATABASE)
def test_a_damaged_database(name: str, study: Path) -> None:
    DATABASE[name](study / "study.db")
    for command in OPENS[:-1]:
        answered(command, study.parent)


@pytest.mark.parametrize("name", METRICS)
def test_damaged_scores_of_the_best(name: str, study: Path) -> None:
    METRICS[name](study / "best" / "metrics.json")
    answered("export study --to peft --out out", study.parent)


@pytest.mark.parametrize("name", ARCHITECTURE)
def test_a_damaged_architecture_of_the_best(name: str, study: Path) -> None:
    ARCHITECTURE[name](study / "best" / "architecture.yaml")
    for to in ("peft", "merged"):
        answered(f"export study --to {to} --out out", study.parent)


@pytest.mark.parametrize("name", CONFIRMED)
def test_damaged_trainings_of_a_confirmation(name: str, study: Path) -> None:
    CONFIRMED[name](study / "confirmed.jsonl")
    for command in ("status study", "show study:confirmed", "report study"):
        answered(command, study.parent)


@pytest.mark.parametrize("seed", range(12))
def test_flipped_bytes_of_the_database_are_named_or_do_no_harm(seed: int, study: Path) -> None:
    draw = random.Random(seed)
    path = study / "study.db"
    content = bytearray(path.read_bytes())
    for _ in range(draw.choice((1, 20))):
        content[draw.randrange(len(content))] ^= draw.randrange(1, 256)
    path.write_bytes(content)
    for command in ("status study", "show study", "export study --to csv --out out.csv"):
        answer = ask(command.split())
        wrong = shown_wrongly(answer) if answer.code == 0 else faults(answer, ["study"])
        assert wrong == [], (command, answer)
        shutil.rmtree("out.csv", ignore_errors=True)
        Path("out.csv").unlink(missing_ok=True)
