"""Whatever reads the data again refuses other examples than the study or the training had."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from autopelt.cli.main import main
from autopelt.workflows import compare

ROWS = [f"the cat {n} sat,{'yes' if n % 3 else 'no'}" for n in range(80)]
SWAPPED = [r.replace("yes", "?").replace("no", "yes").replace("?", "no") for r in ROWS]
APPENDED = [*ROWS, *(f"a dog {n} sat,no" for n in range(12))]


def write(folder: Path, rows: list[str]) -> None:
    (folder / "own.csv").write_text("\n".join(["text,label", *rows]) + "\n")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, tiny_bert: Path) -> Path:
    """A folder with a file, a study of it, a trained model and a comparison."""
    folder = tmp_path_factory.mktemp("changed")
    write(folder, ROWS)
    (folder / "own.yaml").write_text("train: own.csv\n")
    shutil.copytree(tiny_bert, folder / "model")
    search = ["search", "--task", str(folder / "own.yaml"), "--model", str(folder / "model")]
    search += ["--space", "tiny", "--budget", "4%", "--epochs", "1", "--trials", "2"]
    assert main([*search, "--workers", "1", "--out", str(folder / "study")]) == 0
    assert main(["train", str(folder / "study"), "--out", str(folder / "trained")]) == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compare, "measured", lambda *_: {})
        assert main(comparing(folder, "lora-r1", "compared")) == 0
    return folder


def comparing(folder: Path, methods: str, out: str) -> list[str]:
    command = ["compare", "--task", str(folder / "own.yaml"), "--model", str(folder / "model")]
    command += ["--seeds", "1", "--rates", "1", "--epochs", "1", "--workers", "1"]
    return [*command, "--methods", methods, "--out", str(folder / out)]


COMMANDS: dict[str, Callable[[Path], list[str]]] = {
    "resume": lambda at: ["resume", f"{at}/study", "--trials", "3"],
    "confirm": lambda at: ["confirm", f"{at}/study", "--seeds", "1"],
    "reproduce": lambda at: ["reproduce", f"{at}/study:0"],
    "train": lambda at: ["train", f"{at}/study"],
    "script": lambda at: ["export", f"{at}/study", "--to", "script", "--out", f"{at}/script"],
    "evaluate": lambda at: ["evaluate", f"{at}/trained"],
    "compare": lambda at: comparing(at, f"{at}/study:best", "new"),
    "compare again": lambda at: comparing(at, "lora-r1", "compared"),
}


@pytest.mark.parametrize("rows", [APPENDED, SWAPPED], ids=["appended", "swapped"])
@pytest.mark.parametrize("command", COMMANDS)
def test_it_is_refused_in_one_line(
    made: Path, command: str, rows: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """`train` trained on swapped labels; one more row gave a third of the rows another split."""
    write(made, rows)
    capsys.readouterr()
    try:
        assert main(COMMANDS[command](made)) == 3
    finally:
        write(made, ROWS)
    line = capsys.readouterr().err.splitlines()[-1]
    assert "the data of task 'own' is not what was recorded" in line


def test_a_row_more_outside_the_report_split_leaves_its_score(
    made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = []
    for rows in (ROWS, [*ROWS, "a dog 1000 sat,no"]):
        write(made, rows)
        capsys.readouterr()
        assert main(["evaluate", f"{made}/trained", "--json"]) == 0
        told.append(json.loads(capsys.readouterr().out))
    write(made, ROWS)
    assert told[0]["report"] == told[1]["report"] == told[0]["stored"]


def test_a_comparison_with_another_cut_names_the_random_seed(
    made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another random seed holds out examples that the study was trained on."""
    assert main([*comparing(made, f"{made}/study:best", "new"), "--random-seed", "1"]) == 2
    assert "was searched with --random-seed 0, on examples that" in capsys.readouterr().err
