"""A study's folder may have any name: every command finds it, and says how to go on with it."""

import json
import os
import shlex
import shutil
from pathlib import Path

import pytest

from autopelt.cli.main import main

SIGNS = "".join(chr(c) for c in range(32, 127) if chr(c) != "/" and not chr(c).isalnum())
PRINTABLE = [f"a{SIGNS[n : n + 4]}b" for n in range(0, len(SIGNS), 4)]
NAMES = [
    *(" lead", "trail ", "'q'", '"q"', "a'b\"c", "it's", "?mode=memory", "a%41", "%s", "%(x)s"),
    *("[b]{c}*", "[red]x", "[bold", "{0}", "{{x}}", "a\nb", "a\tb", "a\rb", "\x1b[31mred"),
    *("\x07", "\x7f", "é", "e\u0301", "日本語", "😀", "👩‍👧", "שלום", "a\u202egnp", "\u200b"),
    *("\u2028", "-dash", "--out", "-h", "trail.", "...", ".hidden", "~", "~root", "$HOME"),
    *("${HOME}", "`id`", "$(id)", "\\", "C:\\x", "a:12", "best:knee", ":memory:", "sqlite:"),
    *("file:x?mode=ro", "null", "é" * 127, "x" * 255, "true", "1e5", "0", "config.yaml"),
    *("study.db", "@x", "!x", "CON"),
]
ALL = "-" + "".join(map(chr, range(32, 127))).replace("/", "") + "a\nb\x1b[2J\u202e😀"
"""Characters of all kinds."""


@pytest.fixture(scope="module")
def study(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("named")
    assert main([*_search(tiny_bert), "--out", str(folder / "study")]) == 0
    return folder / "study"


def _search(model: Path) -> list[str]:
    how = f"--task demo --model {model} --space tiny --budget 4% --trials 1 --repeats 0 --epochs 1"
    return f"search {how} --train-examples 32 --workers 1 --seeds lora-r1".split()


@pytest.mark.parametrize("names", [PRINTABLE, NAMES], ids=["printable", "hostile"])
def test_a_study_is_opened_by_any_name(
    names: list[str],
    study: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    for name in names:
        (tmp_path / name).mkdir()
        for file in ("study.db", "config.yaml"):
            os.link(study / file, tmp_path / name / file)
        assert main(["status", "--json", "--", name]) == 0, name
        told = json.loads(capsys.readouterr().out)
        assert told["study"] == name
        shown = shlex.split(told["next"])
        named = {os.path.normpath(word) for word in shown}
        assert named & {name, f"{name}/config.yaml"}, told["next"]
        if len(name) > 1 and name in (*names[::4], "x" * 255):
            assert main(["show", "--yaml", "--", f"{name}:0"]) == 0
            assert "modules" in capsys.readouterr().out
        shutil.rmtree(tmp_path / name)


def test_every_command_works_on_a_folder_of_any_name(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = ALL
    monkeypatch.chdir(tmp_path)
    for command in (
        [*_search(tiny_bert), f"--out={name}"],
        ["resume", "--trials", "2", "--", name],
        ["report", "--", name],
        ["export", "--to", "autopelt", f"--out={name}.e", "--", name],
        ["export", "--to", "csv", "--out", "x.csv", "--", name],
        ["diff", "--", f"{name}:0", f"{name}:1"],
    ):
        assert main(command) == 0, command
    assert {path.name for path in tmp_path.iterdir()} == {name, f"{name}.e", "x.csv"}


@pytest.mark.parametrize("name", ["\udcff", "..", "y" * 256, "a/\0"])
def test_what_cannot_be_a_study_is_one_line(
    name: str,
    tiny_bert: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.txt").write_text("mine")
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path / "in")
    for command in ([*_search(tiny_bert), "--out", name], ["status", name]):
        assert main(command) in (2, 3), command
        assert len(capsys.readouterr().err.strip().splitlines()) == 1
