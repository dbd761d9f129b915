"""Ctrl-C, SIGTERM and a hang-up in every long command, at the moment where it hurts most.

That is just before a file or folder gets its name, or in the middle of a forward pass where nothing
is written. Real signals to this process.
"""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from autopelt.cli.main import main
from autopelt.study.storage import StudyStorage
from autopelt.system import signals

FEW = "--task demo --train-examples 16 --epochs 1 --model TINY"
INT, TERM, HUP = signal.SIGINT, signal.SIGTERM, signal.SIGHUP

NAMED, FORWARD, READ = (Path, "replace"), (torch.nn.Module, "__call__"), (Path, "read_text")
FOLDER = (Path, "rename")

COMMANDS: dict[str, tuple[signal.Signals, tuple[Any, str]]] = {
    f"search {FEW} --space tiny --budget 4% --trials 2 --out NEW": (INT, NAMED),
    "resume STUDY --trials 3": (TERM, FORWARD),
    "train STUDY --out NEW": (INT, FOLDER),
    "confirm STUDY --seeds 2 --top 1": (TERM, FORWARD),
    f"compare {FEW} --methods lora-r1 --seeds 2 --rates 1 --out NEW": (HUP, FORWARD),
    "pretrain --model TINY --text TEXTS --epochs 1 --out NEW": (INT, FOLDER),
    "evaluate TRAINED": (TERM, FORWARD),
    "predict TRAINED ROWS --out NEW.jsonl": (HUP, NAMED),
    "export TRAINED --to merged --out NEW": (INT, FOLDER),
    "validate STUDY/config.yaml": (TERM, READ),
    "report STUDY": (HUP, NAMED),
    "reproduce STUDY:0": (INT, FORWARD),
}


@pytest.fixture(scope="module")
def places(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("interrupted")
    made = {"tiny": tiny_bert, "new": root / "new"}
    made |= {name: root / name for name in ("study", "trained", "texts", "rows")}
    made["texts"] = made["texts"].with_suffix(".txt")
    made["texts"].write_text("the cat sat near the dog\n" * 60)
    made["rows"] = made["rows"].with_suffix(".jsonl")
    made["rows"].write_text('{"text": "the cat sat", "text_pair": "nobody knows"}\n')
    search = f"search {FEW.replace('TINY', str(tiny_bert))} --space tiny --budget 4% --trials 1"
    assert main([*search.split(), "--seeds", "lora-r1", "--out", str(made["study"])]) == 0
    assert main(["train", f"{made['study']}:0", "--out", str(made["trained"])]) == 0
    return made


@pytest.fixture
def signalled(monkeypatch: pytest.MonkeyPatch) -> Callable[[signal.Signals, Any, str], list[str]]:
    """Lets a method send a signal when it is called first; gives where that happened."""

    def at(number: signal.Signals, owner: Any, name: str) -> list[str]:
        method, happened = getattr(owner, name), []

        def sends(*given: Any, **named: Any) -> Any:
            if not happened:
                happened.append(name)
                os.kill(os.getpid(), number)
            return method(*given, **named)

        monkeypatch.setattr(owner, name, sends)
        return happened

    return at


@pytest.fixture(autouse=True)
def _not_ignored() -> Iterator[None]:
    """Tests may be started with nohup, which ignores SIGHUP, or beside a script, without SIGINT."""
    usual = {INT: signal.default_int_handler, TERM: signal.SIG_DFL, HUP: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in usual.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def everything(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*")}


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words.split()[0])
def test_it_ends_with_one_line_and_leaves_nothing_half_written(
    words: str,
    places: dict[str, Path],
    signalled: Callable[[signal.Signals, Any, str], list[str]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    number, point = COMMANDS[words]
    root = places["study"].parent
    before, finished = everything(root), StudyStorage.open(places["study"]).record().complete
    filled = words
    for name, place in places.items():
        filled = filled.replace(name.upper(), str(place))
    happened = signalled(number, *point)
    assert main(filled.split()) == 130
    assert happened
    said = capsys.readouterr().err.strip().splitlines()
    assert said[-1].startswith("autopelt: stopped; noth")
    assert len([line for line in said if line.startswith("autopelt: ")]) == 1
    assert StudyStorage.open(places["study"]).record().complete[: len(finished)] == finished
    more = everything(root) - before
    assert not [path for path in more if any(part.startswith(".") for part in Path(path).parts)]
    goes_on = words.startswith(("search", "compare", "resume", "confirm"))
    assert goes_on or more == set()
    shutil.rmtree(places["new"], ignore_errors=True)


def test_a_second_ctrl_c_does_not_stop_the_cleaning_up(
    places: dict[str, Path],
    signalled: Callable[[signal.Signals, Any, str], list[str]],
) -> None:
    before = everything(places["study"].parent)
    first, second = signalled(INT, *FOLDER), signalled(INT, shutil, "rmtree")
    words = ["export", str(places["trained"]), "--to", "merged", "--out", str(places["new"])]
    assert main(words) == 130
    assert first
    assert second
    assert everything(places["study"].parent) == before


def test_a_later_ctrl_c_is_heard_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(signals.time, "monotonic", lambda: now[0])
    with signals.interruptible():
        for now[0], heard in ((100.0, True), (105.0, False), (111.0, True)):
            if heard:
                with pytest.raises(KeyboardInterrupt):
                    signal.raise_signal(TERM)
            else:
                signal.raise_signal(TERM)
