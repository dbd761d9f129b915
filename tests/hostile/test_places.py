"""Where nothing can be written: said at once by every command that writes, before it trains."""

import os
from pathlib import Path

import pytest
from refusals import ask, faults

NOWHERE = {
    "kernel": "/proc/x",
    "device": "/dev/full/x",
    "in-a-file": "file/x",
    "a-file": "file",
    "loop": "loop",
    "in-a-loop": "loop/x",
    "long": "n" * 300,
    "in-a-long": f"{'n' * 300}/x",
    "closed": "closed/x",
}
"""Places that no folder can be made at."""

WRITES = {
    "search": "search --task demo --model tiny --space tiny --budget 4% --train-examples 16 --out",
    "compare": "compare --task demo --model tiny --methods lora-r1 --train-examples 16 --out",
    "train": "train study --epochs 1 --out",
    "export": "export study --to peft --out",
    "script": "export study --to script --out",
    "report": "report study --out",
    "pretrain": "pretrain --text data.csv --model tiny --out",
}
"""Command lines that end with the folder that they make."""

FILES = {
    "export": "export study --to csv --out",
    "parquet": "export study --to parquet --out",
    "predict": "predict study/trained data.csv --out",
}
"""The same with a file."""


@pytest.fixture
def closed(study: Path) -> Path:
    """With a folder that nobody may write to, but root."""
    (study.parent / "closed").mkdir(mode=0o500)
    return study.parent


def refused(command: str, place: str, here: Path) -> None:
    if place.startswith("closed") and os.geteuid() == 0:
        place = place.replace("closed", "/sys")  # which lets not even root
    before = sorted(here.rglob("*"))
    answer = ask([*command.split(), place])
    assert faults(answer) == [], answer
    assert place[:60] in answer.line
    assert sorted(here.rglob("*")) == before


@pytest.mark.parametrize("where", NOWHERE)
@pytest.mark.parametrize("what", WRITES)
def test_no_folder_can_be_made_there(what: str, where: str, closed: Path) -> None:
    refused(WRITES[what], NOWHERE[where], closed)


@pytest.mark.parametrize("where", [where for where in NOWHERE if where != "a-file"])
@pytest.mark.parametrize("what", FILES)
def test_no_file_can_be_made_there(what: str, where: str, closed: Path) -> None:
    ending = ".parquet" if what == "parquet" else ".csv"
    place = (
        NOWHERE[where] + ending if where in ("long", "kernel") else f"{NOWHERE[where]}/a{ending}"
    )
    refused(FILES[what], place, closed)


@pytest.mark.parametrize("what", FILES)
def test_a_folder_is_no_file(what: str, closed: Path) -> None:
    (closed / "a.csv").mkdir()
    refused(FILES[what], "a.csv", closed)
