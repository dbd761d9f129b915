"""A method in a file of the user's own: the guide's, in a study and in the commands after it."""

import re
from pathlib import Path

import pytest
from small_search import Quiet, plan

from autopelt import register_method
from autopelt.cli.main import main
from autopelt.errors import UnavailableError, UsageError
from autopelt.methods import METHODS, own_file
from autopelt.methods.own_file import run_own_file
from autopelt.modules import PELTS, LoraModule
from autopelt.workflows.search import search

GUIDE = (Path(__file__).parents[2] / "docs" / "adding-a-method.md").read_text(encoding="utf-8")
CODE = "\n".join(re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL))
(SPACE,) = re.findall(r"```yaml\n(# my-space.*?)```", GUIDE, re.DOTALL)


def forget() -> None:
    """As in a process that has not run the file."""
    own_file._done.clear()
    for name in ("low_rank_adapter", "mine"):
        METHODS.pop(name, None)
        PELTS.pop(name, None)


@pytest.fixture
def file(tmp_path: Path):
    path = tmp_path / "my_methods.py"
    path.write_text(CODE, encoding="utf-8")
    yield path
    forget()


def test_the_guides_file_is_searched_and_known_to_later_commands(
    file: Path, tiny_bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "my-space.yaml").write_text(SPACE, encoding="utf-8")
    made = plan(
        tiny_bert,
        trials=3,
        epochs=1,
        workers=1,
        space=str(tmp_path / "my-space.yaml"),
        seeds="low-rank-r2",
        own_methods=str(file),
    )
    study = tmp_path / "study"
    forget()  # workers are other processes
    record = search(made, study, Quiet())
    assert record.trials[0].label == "low-rank-r2"
    assert {m.method for m in record.trials[0].architecture.modules} == {"low_rank_adapter"}
    assert len(record.complete) == 3

    for command, needed in ((["show", f"{study}:0"], True), (["status", str(study)], False)):
        forget()
        assert main(command) == 0
        assert ("low_rank_adapter" in METHODS) is needed
    assert main(["show", "low-rank-r2", "--model", str(tiny_bert)]) == 2
    named = ["--own-methods", str(file)]
    assert main(["show", "low-rank-r2", "--model", str(tiny_bert), *named]) == 0
    capsys.readouterr()
    forget()
    file.unlink()
    assert main(["show", f"{study}:0"]) == 3
    told = capsys.readouterr().err
    assert "my_methods.py' with methods of your own cannot be read" in told
    assert len(told.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("x = 1", "registers no method"),
        ("\n\nx = y", r"my_methods\.py', line 3: NameError: name 'y'"),
        ("def f(:", "SyntaxError"),
        ("raise RuntimeError('a\\nb')", "line 1: RuntimeError: a b"),
        ("import sys; sys.exit(3)", "line 1: SystemExit: 3"),
        (CODE.replace("method(LowRankAdapter()", "method(LowRankAdapter"), "give an object of it"),
        (
            CODE.replace('"low_rank_adapter"', '"lora"'),
            "'lora' is a method of autopelt; give yours another name",
        ),
        (CODE.replace("    size_word", "    sized"), "method 'low_rank_adapter' lacks size_word"),
        (CODE.replace("Adapter(), LowRankAdapterModule", "Adapter(), str"), "no subclass"),
        (CODE.replace('"low_rank_adapter"', '"Low rank"'), "lower-case letters and _"),
    ],
)
def test_a_file_that_is_wrong_is_told_in_one_line(file: Path, code: str, message: str) -> None:
    file.write_text(code, encoding="utf-8")
    before = dict(METHODS)
    with pytest.raises(UsageError, match=message) as caught:
        run_own_file(str(file))
    assert "\n" not in str(caught.value)
    assert before == METHODS


def test_a_file_runs_once_and_again_when_it_changed(file: Path) -> None:
    run_own_file(str(file))
    first = METHODS["low_rank_adapter"]
    run_own_file(str(file))
    assert METHODS["low_rank_adapter"] is first
    file.write_text(CODE.replace("learning_rate = 1e-3", "learning_rate = 2e-3"), encoding="utf-8")
    run_own_file(str(file))
    assert METHODS["low_rank_adapter"].learning_rate == 2e-3
    file.unlink()
    with pytest.raises(UnavailableError, match="cannot be read"):
        run_own_file(str(file))


def test_it_is_registered_from_python_alone() -> None:
    class Mine(type(METHODS["lora"])):  # type: ignore[misc]
        name = "mine"

    try:
        register_method(Mine(), LoraModule)
        assert METHODS["mine"].words == "LoRA"
    finally:
        forget()
