"""Makes docs/commands.md of what the program says about itself.

Run it as: python docs/make_commands.py. A test fails while page and program differ.
"""

import re
from pathlib import Path

import click

from autopelt.architecture import seeds as seed_architectures
from autopelt.cli.main import MODULES, cli
from autopelt.methods import METHODS
from autopelt.space.space import SearchSpace, shipped_spaces

PAGE = Path(__file__).with_name("commands.md")
WIDTH = 100
COMMANDS = {name: cli.get_command(click.Context(cli), name) for name in sorted(MODULES)}

INTRODUCTION = """\
# Commands

Made by `python docs/make_commands.py` of what `--help` prints; a test keeps it so. An architecture
is named by a seed architecture's name, a file, `STUDY` (its best), `STUDY:12` (its trial 12),
`STUDY:knee` (the bend of its front), `STUDY:smallest` (of those as good as the best),
`STUDY:confirmed` (the best over fresh random seeds), `STUDY:3fa9c012` (by id)
or `STUDY:sapa~` (a seed architecture of it).
"""

EXIT_CODES = """\
## Exit codes

| code | meaning |
|---|---|
| 0 | done |
| 1 | a bug: please report it with what was printed |
| 2 | usage: a wrong option, configuration, architecture or folder |
| 3 | data or a model is not to be had, or a file is damaged |
| 4 | nothing fits the budget, or no trial finished |
| 5 | a stored result does not come out again |
| 130 | stopped by Ctrl-C; `autopelt resume` goes on |

An error is one line on stderr that names the value, what is allowed, and the way out; with `--json`
it is an object on stdout as well ([events.md](events.md)).

## Environment

| variable | meaning |
|---|---|
| `AUTOPELT_DATA` | folder of `--data` |
| `AUTOPELT_PLAIN` | any value: one line a trial instead of the live view |
| `NO_COLOR` | any value: no colours |
| `HF_HUB_OFFLINE` | 1: never ask the Hugging Face Hub |
| `HF_HOME` | where the Hub's cache lies |
"""


def help_of(name: str | None = None) -> str:
    """What ``autopelt NAME --help`` prints, without the blank lines at its end."""
    command = cli if name is None else COMMANDS[name]
    called = "autopelt" if name is None else f"autopelt {name}"
    widths = {"max_content_width": WIDTH, "terminal_width": WIDTH}
    # With the program's own names of --help: a command remembers those it was first asked with.
    context = click.Context(command, info_name=called, **cli.context_settings, **widths)
    return "\n".join(line.rstrip() for line in command.get_help(context).splitlines()).rstrip()


def page() -> str:
    """The whole page."""
    parts = [INTRODUCTION, f"```text\n{help_of()}\n```\n"]
    for name in COMMANDS:
        parts.append(f"## autopelt {name}\n\n```text\n{help_of(name)}\n```\n")
    parts.append(EXIT_CODES)
    spaces = "\n".join(f"| `{n}` | {SearchSpace.load(n).description} |" for n in shipped_spaces())
    parts.append(f"## Search spaces\n\n| name | what may be built |\n|---|---|\n{spaces}\n")
    lines = (seed_architectures.__doc__ or "").split("\n\n", 2)[2].splitlines()
    lines = lines[: [n for n, line in enumerate(lines) if line.startswith("=")][-1]]
    plain = [re.sub(r"``([^`]+)``", r"\1    ", x).rstrip() for x in lines if x and x[0] != "="]
    table = "\n".join([*plain, *by_hand()])
    words = "d is the width of the backbone."
    parts.append(f"## Seed architectures\n\n{words}\n\n```text\n{table}\n```\n")
    return "\n".join(parts)


def by_hand() -> list[str]:
    """A line for each hand-made architecture that a method names itself."""
    lines = []
    for method in METHODS.values():
        for name, made in method.by_hand.items():
            number = re.search(r"(?<=[-r])[0-9]+$", name)
            key = name if number is None else f"{name[: number.start()]}N"
            what = f"{method.words} on {', '.join(made.locations)}"
            options = [f"{k} {v}" for k, v in made.options(8).items() if v is not None]
            lines.append(", ".join([f"{key:<21} {what}", *options]))
    return lines


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
