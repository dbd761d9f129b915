"""The figures of docs/benchmarks.md, each measured again by its own command.

    python -m tests.benchmarks                  # names, what the page says, and how old that is
    python -m tests.benchmarks roofline memory  # measure these again and write their rows

A row is replaced as soon as its command has ended; the others stay as they are. What fails leaves
its row and is told. Figures are in `figures.toml`; `gpu.py` is the same for a GPU.
"""

import argparse
import os
import platform
import shlex
import string
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from docs_table import markdown, read_table, write_table
from measuring import json_lines

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
HEAD = ("name", "what", "figure", "goal", "beside", "date", "command", "machine")


@dataclass(frozen=True)
class Figure:
    """A row of the page; see `figures.toml`."""

    name: str
    what: str
    command: str
    value: Sequence[str]
    unit: str = ""
    goal: str = ""
    peer: str = ""
    line: Mapping[str, Any] = field(default_factory=dict)

    def read(self, text: str) -> str:
        """The value with its unit, from what the command has printed.

        Raises:
            LookupError: it is not there.
        """
        asked = [row for row in json_lines(text) if self.line.items() <= row.items()]
        found: Any = asked[-1]
        for key in self.value:
            found = found[key]
        return f"{found:.4g} {self.unit}".rstrip()


def figures() -> dict[str, Figure]:
    """By name, in the order of the page."""
    made = tomllib.loads((HERE / "figures.toml").read_text(encoding="utf-8"))["figure"]
    return {row["name"]: Figure(**row) for row in made}


def rows(page: Path = PAGE) -> dict[str, list[str]]:
    """What the page says: the cells of each row by its name."""
    table = read_table(page, "figures").splitlines()[2:]
    cells = [[c.strip() for c in line.strip("|").split("|")] for line in table]
    return {row[0]: row for row in cells}


def write(known: Mapping[str, Sequence[str]], page: Path = PAGE) -> None:
    """Replace the page's table."""
    table = markdown(HEAD, [known[name] for name in figures() if name in known])
    write_table(page, "figures", table)


def row_of(figure: Figure, value: str, words: str) -> list[str]:
    """The cells of a row that was measured today."""
    command = f"`{figure.command}`"
    today = date.today().isoformat()
    return [figure.name, figure.what, value, figure.goal, figure.peer, today, command, words]


def machine() -> str:
    """What runs this, in words."""
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    known = next((f for f in ("avx512f", "avx2") if f in flags), "")
    beside = os.getloadavg()[0]
    load = ", idle" if beside < 0.3 else f", load {beside:.1f}"
    return f"{os.cpu_count()}-core {platform.machine()} {known}".rstrip() + load


def measured(command: str) -> str:
    """What a benchmark prints.

    Raises:
        RuntimeError: it failed, or the environment lacks what it asks for.
    """
    try:
        script, *words = shlex.split(string.Template(command).substitute(os.environ))
    except KeyError as missing:
        raise RuntimeError(f"set {missing.args[0]}; {command} asks for it") from None
    done = subprocess.run(
        [sys.executable, str(HERE / script), *words], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    if done.returncode:
        raise RuntimeError(f"{command} ended with {done.returncode}")
    return done.stdout


def main() -> int:
    """Say what there is, or measure what is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    known = figures()
    parser.add_argument("name", nargs="*", help=", ".join(known))
    asked = parser.parse_args().name
    if unknown := [name for name in asked if name not in known]:
        parser.error(f"no figure is called {unknown[0]}; there are {', '.join(known)}")
    if not asked:
        for name, cells in rows().items():
            print(f"{name:<16} {cells[2]:<12} {cells[3]:<14} {cells[5]}")
        return 0
    failed = False
    for command in dict.fromkeys(known[name].command for name in asked):
        words = machine()
        try:
            told = measured(command)
            for figure in known.values():
                if figure.command == command:
                    write(rows() | {figure.name: row_of(figure, figure.read(told), words)})
                    print(" · ".join(rows()[figure.name]), flush=True)
        except (RuntimeError, LookupError) as error:
            print(f"{command}: {error}", file=sys.stderr, flush=True)
            failed = True
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
