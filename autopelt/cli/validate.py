"""What `autopelt validate` does."""

import json
from pathlib import Path

import click

from autopelt.backbones.load import load_config, resolve
from autopelt.backbones.shapes import shapes_of_config
from autopelt.errors import UsageError
from autopelt.workflows.validate import schema, validate


def run_validate(file: str | None, kind: str | None, model: str | None, wanted: str | None) -> None:
    """Print every error of a file, or a JSON schema.

    Raises:
        UsageError: the file has errors, which were printed one a line.
    """
    if wanted is not None:
        click.echo(json.dumps(schema(wanted), indent=2))
        return
    if file is None:
        raise UsageError("validate needs a FILE, or --schema config, space, architecture or task.")
    shapes = None if model is None else shapes_of_config(load_config(resolve(model)))
    found, errors = validate(Path(file), kind, shapes)
    article = "an" if found == "architecture" else "a"
    for error in errors:
        click.echo(f"{file}: {error}")
    if errors:
        number = f"{len(errors)} error{'s' if len(errors) > 1 else ''}"
        raise UsageError(f"'{file}' has {number} as {article} {found}.")
    fits = "" if model is None else f" that fits {model}"
    click.echo(f"{file}: {article} {found}{fits}, without errors")
