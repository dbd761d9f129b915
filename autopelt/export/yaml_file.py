"""A configuration file of another program, headed by what it is and what differs."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from autopelt.export.recipe import Recipe
from autopelt.system.files import write_text


def write_config(
    path: Path,
    values: Mapping[str, Any],
    recipe: Recipe,
    run: str,
    to: str,
    out: Path,
    *more: str,
) -> None:
    """Write the file.

    Args:
        run: the command that trains it.
        to: the format.
        out: the folder's name in the end.
        more: what else is to be said in the head.
    """
    chosen = recipe.chosen
    made = shlex.join(["autopelt", "export", chosen.name, "--to", to, "--out", str(out)])
    head = [
        f"{chosen.architecture.describe()}",
        f"Made by: {made}",
        f"Run: {run}",
        "It is autopelt's training in this program, with the study's own splits. The start of the "
        "modules and the order of examples are the program's, and the rate rises a little "
        "otherwise in the warm-up; the epoch of the lowest loss on the selection split is kept.",
    ]
    head += more
    if recipe.cut:
        head.append(f"{recipe.cut} examples are too long, and the program cuts them otherwise.")
    if not recipe.by_loss:
        head.append(f"autopelt kept the epoch of the best {recipe.task.metric.name}.")
    lines = [line for text in head for line in textwrap.wrap(text, 96, break_on_hyphens=False)]
    body = yaml.safe_dump(dict(values), sort_keys=False, width=1000, allow_unicode=True)
    write_text(path, "".join(f"# {line}\n" for line in lines) + body)
