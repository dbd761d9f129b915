"""Wrong options and arguments of every command: `options.txt` has one a line, and what is said."""

import shlex
from pathlib import Path

import pytest
from refusals import ask, faults

TABLE = Path(__file__).parent / "options.txt"
LINES = [line for line in TABLE.read_text(encoding="utf-8").splitlines() if "  ->  " in line]
CASES = [tuple(line.split("  ->  ")) for line in LINES]
"""(command line, what is said)"""


def filled(words: list[str]) -> list[str]:
    """A search on the tiny model, of which nothing would start."""
    if words[:1] != ["search"] or len(words) == 1:
        return words
    usual = {"--model": "tiny", "--space": "tiny", "--budget": "4%"}
    more = [word for name in usual if name not in words for word in (name, usual[name])]
    return [*words, *more, "--dry-run"]


@pytest.mark.parametrize(("command", "said"), CASES, ids=[c[0] for c in CASES])
def test_a_wrong_option_is_named_and_nothing_is_done(
    command: str, said: str, place: Path, request: pytest.FixtureRequest
) -> None:
    words = filled(shlex.split(command))
    if any(word.startswith("study") for word in words):
        request.getfixturevalue("study")
    before = sorted(place.rglob("*"))
    answer = ask(words)
    assert faults(answer) == []
    assert said in answer.line.replace(f"{place}/", "")
    assert sorted(place.rglob("*")) == before


def test_every_command_has_wrong_options() -> None:
    from autopelt.cli.main import MODULES

    assert {command.split()[0] for command, _ in CASES} >= set(MODULES)
