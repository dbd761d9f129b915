"""`--json` of every command: standard output is JSON of the command's schema, and nothing else."""

import contextlib
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest

from autopelt import open_study
from autopelt.cli.main import MODULES, cli, main
from autopelt.training import profile
from autopelt.views.answers import ANSWERS, COMMANDS, EVENTS, schema_of
from autopelt.workflows import compare, confirm, search

TOLD = {command: jsonschema.Draft202012Validator(schema_of(command)) for command in COMMANDS}


def lines(words: list[str], code: int = 0) -> list[dict[str, Any]]:
    """What a command tells a program, each line as its schema has it."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        ended = main([*words, "--json"])
    assert ended == code, err.getvalue()
    told = [json.loads(line, parse_constant=pytest.fail) for line in out.getvalue().splitlines()]
    for line in told:
        TOLD[words[0]].validate(line)
    assert out.getvalue().isascii()
    return told


@pytest.fixture(scope="module", autouse=True)
def without_pages() -> Iterator[None]:
    """A page is no answer, and takes a second each."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name in ((search, "build"), (confirm, "build"), (compare, "write_comparison")):
            patch.setattr(module, name, lambda *_: None)
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the study is, and all that is made of it."""
    return tmp_path_factory.mktemp("json")


@pytest.fixture(scope="module")
def searched(tiny_bert: Path, place: Path) -> list[dict[str, Any]]:
    words = ["search", "--task", "demo", "--model", str(tiny_bert), "--space", "tiny"]
    words += ["--budget", "4%", "--trials", "3", "--seeds", "head-only,lora-r1", "--workers", "1"]
    words += ["--epochs", "1", "--train-examples", "32", "--repeats", "off"]
    return lines([*words, "--out", str(place / "study")])


@pytest.fixture(scope="module")
def trained(searched: list[dict[str, Any]], place: Path) -> list[dict[str, Any]]:
    return lines(["train", str(place / "study"), "--out", str(place / "trained")])


TEXTS = '{"text": "caf\\u00e9 \\u001b[1m", "text_pair": "a dog", "known": NaN}\n'
HOW = ("--epochs", "1", "--train-examples", "32", "--workers", "1")

ONE: dict[str, tuple[Callable[[Path, Path], list[str]], dict[str, Any]]] = {
    "list": (lambda at, model: ["architectures", "--model", str(model)], {"what": "architectures"}),
    "doctor": (lambda at, model: ["--no-ray"], {"ready": True}),
    "show": (lambda at, model: [f"{at}/study:1"], {"head": 51}),
    "validate": (lambda at, model: [f"{at}/study/config.yaml"], {"valid": True, "errors": []}),
    "status": (lambda at, model: [f"{at}/study"], {"state": "finished", "interrupted": 0}),
    "diff": (lambda at, model: [f"{at}/study:0", f"{at}/study:1"], {}),
    "evaluate": (lambda at, model: [f"{at}/trained"], {"metric": "accuracy"}),
    "export": (
        lambda at, model: [f"{at}/trained", "--to", "autopelt", "--out", f"{at}/out"],
        {"notes": [], "next": None},
    ),
    "report": (lambda at, model: [f"{at}/study"], {}),
}
"""Command -> its arguments, and what its answer has."""

MANY: dict[str, tuple[Callable[[Path, Path], list[str]], list[str], dict[str, Any]]] = {
    "resume": (
        lambda at, model: [f"{at}/study", "--trials", "4"],
        ["study", "message", "doing", "started", "epoch", "finished", "done"],
        {"complete": 4},
    ),
    "confirm": (
        lambda at, model: [f"{at}/study", "--seeds", "1", "--top", "1", "--workers", "1"],
        ["message", "done"],
        {},
    ),
    "compare": (
        lambda at, model: [
            *("--task", "demo", "--methods", "head-only,lora-r1", "--rates", "1", "--seeds", "1"),
            *("--model", str(model), "--out", f"{at}/compared", *HOW),
        ],
        ["message", "done"],
        {"metric": "accuracy"},
    ),
    "predict": (
        lambda at, model: [f"{at}/trained", f"{at}/new.jsonl"],
        ["prediction", "done"],
        {"examples": 1, "out": None},
    ),
    "pretrain": (
        lambda at, model: [
            *("--text", f"{at}/text.txt", "--model", str(model), "--epochs", "1"),
            *("--max-length", "16", "--out", f"{at}/pretrained"),
        ],
        ["message", "done"],
        {"objective": "masked"},
    ),
    "reproduce": (
        lambda at, model: [f"{at}/study:1"],
        ["started", "epoch", "done"],
        {"epochs": 1},
    ),
}
"""Command -> its arguments, kinds of events in the order of the first, and what the last has."""


def test_a_search_tells_what_happens(searched: list[dict[str, Any]], place: Path) -> None:
    kinds = list(dict.fromkeys(line["event"] for line in searched))
    assert sorted(kinds) == [
        *("doing", "done", "epoch", "finished", "message", "started", "study"),
    ]
    assert (kinds[0], searched[-1]["event"]) == ("study", "done")
    assert searched[-1]["study"] == f"{place}/study"


def test_a_training_tells_what_happens(trained: list[dict[str, Any]], place: Path) -> None:
    assert [line["event"] for line in trained] == ["started", "epoch", "done"]
    assert trained[-1]["folder"] == f"{place}/trained"
    known = json.loads((place / "trained" / "training.json").read_text())
    assert {key: trained[-1][key] for key in known} == known


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize("command", ONE)
def test_a_command_that_ends_at_once_tells_one_object(
    command: str, place: Path, tiny_bert: Path
) -> None:
    arguments, known = ONE[command]
    told = lines([command, *arguments(place, tiny_bert)])
    assert len(told) == 1
    assert {key: told[0][key] for key in known} == known


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize("command", MANY)
def test_a_command_that_goes_on_tells_events_and_then_the_result(
    command: str, place: Path, tiny_bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profile, "BATCHES", {1: (2, 1)})
    monkeypatch.setattr(profile, "STEPS", 2)
    monkeypatch.setattr(compare, "measured", profile.measure)
    (place / "new.jsonl").write_text(TEXTS)
    (place / "text.txt").write_text("the a of in is was\n" * 30)
    arguments, kinds, last = MANY[command]
    told = lines([command, *arguments(place, tiny_bert)])
    assert list(dict.fromkeys(line["event"] for line in told)) == kinds
    assert [line["event"] for line in told].index("done") == len(told) - 1
    assert {key: told[-1][key] for key in last} == last


def test_every_command_has_it() -> None:
    assert set(COMMANDS) == set(MODULES) == {*ONE, *MANY, "search", "train"}
    assert set(ONE) == set(ANSWERS)
    assert set(MANY) | {"search", "train"} == set(EVENTS)
    for name in MODULES:
        options = {o for p in cli.get_command(click.Context(cli), name).params for o in p.opts}
        assert "--json" in options


WRONG: dict[str, tuple[str, int]] = {
    "list": ("tsaks", 2),
    "doctor": ("--nonsense", 2),
    "show": ("nothing:7", 2),
    "validate": ("nowhere.yaml", 2),
    "status": ("nowhere", 2),
    "diff": ("unipelt", 2),
    "evaluate": ("nowhere", 3),
    "export": ("nowhere --to peft --out o", 3),
    "report": ("nowhere", 2),
    "search": ("--task dmeo", 2),
    "resume": ("nowhere", 2),
    "train": ("nowhere", 2),
    "confirm": ("nowhere", 2),
    "compare": ("--task demo --methods lora-r8 --seeds x", 2),
    "predict": ("nowhere new.csv", 3),
    "pretrain": ("--out o", 2),
    "reproduce": ("nowhere", 2),
}
"""Command -> arguments that it refuses, and the exit code."""


@pytest.mark.parametrize("command", WRONG)
def test_an_error_is_the_only_object(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments, code = WRONG[command]
    told = lines([command, *arguments.split()], code)
    assert [line["event"] for line in told] == ["error"]
    assert told[0]["exit"] == code
    assert "\n" not in told[0]["error"]


def test_what_is_wrong_with_a_file_is_the_answer_and_no_error(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("modules: [{method: lorra, location: ffn, sizes: [1]}]\n")
    (told,) = lines(["validate", str(tmp_path / "bad.yaml")], 2)
    assert (told["kind"], told["valid"]) == ("space", False)
    assert any("lorra" in error for error in told["errors"])


def test_a_bug_is_an_object_and_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("x")

    monkeypatch.setattr("autopelt.cli.list._models", broken)
    with pytest.raises(KeyError):
        main(["list", "models", "--json"])
    told = json.loads(capsys.readouterr().out)
    TOLD["list"].validate(told)
    assert told["exit"] == 1


def test_an_error_names_the_command_that_leads_on(place: Path, trained: object) -> None:
    record = open_study(place / "study").record
    other = next(t.number for t in record.complete if t.number != record.best.number)
    named = f"{place}/study:{other}"
    (told,) = lines(["export", named, "--to", "autopelt", "--out", f"{place}/x"], 3)
    assert told["next"] == f"autopelt train {named} --out {place}/study/models/{other}"


@pytest.mark.parametrize("command", COMMANDS)
def test_the_schema_is_one(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--schema", command]) == 0
    made = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator.check_schema(made)
    assert made == json.loads(json.dumps(schema_of(command)))
