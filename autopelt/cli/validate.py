"""`autopelt validate`: all errors of a file, or what an editor needs to find them."""

import json
from pathlib import Path

import click

from autopelt.cli.console import for_programs, json_option, say, tell
from autopelt.errors import UsageError


@click.command(short_help="Check a configuration, search space or architecture.")
@click.argument("file", required=False)
@click.option("--as", "kind", help="config, space, architecture or task.  [default: by its keys]")
@click.option("--model", help="Check that it fits this backbone, too.")
@click.option(
    "--schema", "wanted", help="Print a JSON schema: of config, space, …, or of a command's --json."
)
@json_option
def validate(file: str | None, kind: str | None, model: str | None, wanted: str | None) -> int:
    """Check a configuration, search space, architecture or task file: all errors at once.

    \b
    Examples:
      autopelt validate my-space.yaml --model minilm
      autopelt validate reports/rte-minilm-1pct/config.yaml
      autopelt validate --schema space > space.schema.json
    """
    from autopelt.backbones.sizes import sizes_of
    from autopelt.backbones.source import resolve
    from autopelt.study.meaning import meaning
    from autopelt.workflows.validate import schema, validate

    if wanted is not None:
        from autopelt.views.answers import COMMANDS, schema_of

        made = schema_of(wanted) if wanted in COMMANDS else schema(wanted, COMMANDS)
        click.echo(json.dumps(made, indent=2))
        return 0
    if file is None:
        raise UsageError("validate needs a FILE, or --schema config, space, architecture or task.")
    if not Path(file).exists() and (said := meaning(file)):
        raise UsageError(f"'{file}' is no file: {said}")
    shapes = None if model is None else sizes_of(resolve(model)).shapes
    found, errors = validate(Path(file), kind, shapes)
    if for_programs():
        values = {"file": file, "kind": found, "valid": not errors, "model": model}
        tell(values | {"errors": errors})
        return UsageError.exit_code if errors else 0
    article = "an" if found == "architecture" else "a"
    for error in errors:
        say(f"{file}: {error}")
    if errors:
        number = f"{len(errors)} error{'s' if len(errors) > 1 else ''}"
        raise UsageError(f"'{file}' has {number} as {article} {found}.")
    fits = "" if model is None else f" that fits {model}"
    say(f"{file}: {article} {found}{fits}, without errors")
    return 0
