"""Errors say what is wrong, what is allowed, and carry the exit code."""

import ast
import pickle
import re
from pathlib import Path

import optuna
import pytest
from study_facts import FACTS

import autopelt
from autopelt import errors
from autopelt.architecture.architecture import Architecture
from autopelt.cli.main import main
from autopelt.methods.module import Module
from autopelt.space.space import SearchSpace
from autopelt.study.config import StudyConfig
from autopelt.study.storage import StudyStorage

PACKAGE = Path(errors.__file__).parent

COMMAND = re.compile(r"(autopelt|tensorboard|ray|pip) [a-z-]")
"""What a user types as a whole, where it stays as it is."""


def test_exit_codes_are_the_documented_ones() -> None:
    codes = {
        errors.UsageError: 2,
        errors.UnavailableError: 3,
        errors.InfeasibleError: 4,
        errors.ReproductionError: 5,
        errors.UnexpectedEndError: 130,
    }
    for kind, code in codes.items():
        assert issubclass(kind, errors.AutopeltError)
        assert kind("x").exit_code == code


@pytest.mark.parametrize(
    "text", ["\x04\x05", "\x04[]\x05", '\x04["a", 1, 2]\x05', "\x04" + "[" * 9999 + "\x05"]
)
def test_a_users_text_with_the_marks_of_a_command_stays_as_it_is(text: str) -> None:
    assert str(errors.UsageError(f"no task '{text}'")) == f"no task '{text}'"
    assert errors.COMMAND.sub(errors.typed, text) == text


def test_did_you_mean_names_the_close_one_and_all() -> None:
    said = errors.did_you_mean("RTEE", ["rte", "demo"])
    assert said == "did you mean 'rte'? Allowed: demo, rte."
    assert errors.did_you_mean("zzz", ["rte", "demo"]) == "Allowed: demo, rte."


def test_a_message_names_parameters_as_python_does_and_keeps_their_marks() -> None:
    message = f"{errors.parameter('epochs', 0)} is too few; see {errors.parameter('out')}."
    error = pickle.loads(pickle.dumps(errors.UsageError(message)))
    assert str(error) == "epochs=0 is too few; see out."
    assert error.marked == message


def test_the_command_line_names_options_where_python_names_parameters(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "study"
    space = SearchSpace.load("tiny").model_dump(mode="json")
    config = StudyConfig.build({"task": "demo", "space": space}, "test")
    study = StudyStorage.create(folder, config, FACTS, optuna.samplers.RandomSampler(seed=0))
    architecture = Architecture((Module("lora", "attention.query", 0, 1),)).to_json()
    known = {"architecture": architecture, "label": "", "trained": 32, "deployed": 32}
    study.complete(study.add(known, {}, {}), 0.7, 32)
    with pytest.raises(errors.UsageError, match=r"^epochs=0 is too few"):
        autopelt.train(folder, epochs=0)
    assert main(["train", str(folder), "--epochs", "0"]) == 2
    assert "autopelt: --epochs 0 is too few" in capsys.readouterr().err
    (folder / "trained" / "model").mkdir(parents=True)
    with pytest.raises(errors.UsageError, match=r"give out, or force=True to replace it\."):
        autopelt.train(folder)
    assert main(["train", str(folder)]) == 2
    assert "give --out, or --force to replace it." in capsys.readouterr().err


def test_a_command_is_typed_in_a_shell_and_called_in_python() -> None:
    goes_on = errors.command("resume", "reports/a b", trials=60)
    error = pickle.loads(pickle.dumps(errors.UsageError(f"Go on: {goes_on}")))
    assert str(error) == "Go on: autopelt.open_study('reports/a b').resume(trials=60)"
    assert error.next == "autopelt resume 'reports/a b' --trials 60"
    listed = errors.UsageError(f"see {errors.command('list', 'tasks')}.")
    assert str(listed) == "see autopelt list tasks."
    assert errors.UsageError("nothing leads on.").next is None
    trained = errors.UsageError(errors.command("train", "s:3", out="m", force=True))
    assert str(trained) == "autopelt.train('s:3', out='m', force=True)"
    assert trained.next == "autopelt train s:3 --out m --force"


NOT_IN_CLI = pytest.mark.parametrize(
    "path",
    [p for p in sorted(PACKAGE.rglob("*.py")) if p.relative_to(PACKAGE).parts[0] != "cli"],
    ids=lambda path: path.relative_to(PACKAGE).as_posix(),
)


@NOT_IN_CLI
def test_no_error_names_a_command_where_python_has_a_call(path: Path) -> None:
    """`errors.command` marks what leads on, so that both read it as they write."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    raised = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "").endswith("Error")
    ]
    for node in raised:
        for part in ast.walk(node):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                assert not re.search(r"autopelt (search|train|resume|report)\b", part.value), part


@NOT_IN_CLI
def test_only_the_command_line_names_options(path: Path) -> None:
    """Elsewhere a message marks a parameter (`errors.parameter`); whole commands may be shown."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in ast.walk(node)
        if part is not node
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            words = "".join(v.value for v in node.values if isinstance(v, ast.Constant))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            words = "" if id(node) in inside else node.value
        else:
            continue
        if re.search(r"(?:\s|(?<!var)\()--[a-z]", words):
            assert COMMAND.search(words), f"line {node.lineno}: {words}"
