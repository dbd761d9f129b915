"""Commands that look before one starts, as click sees them."""

import click


@click.command(name="list")
@click.argument("what")
@click.option("--data", help="Folder with tasks' files, else AUTOPELT_DATA.")
@click.option("--model", default="minilm", show_default=True, help="Counts architectures on it.")
def list_(what: str, data: str | None, model: str) -> None:
    """List spaces, tasks, architectures or models.

    \b
    Examples:
      autopelt list tasks
      autopelt list architectures --model minilm
    """
    from autopelt.cli.list import run_list

    run_list(what, data, model)


@click.command()
@click.argument("trial")
@click.option("--data", help="Folder with the task's files, if they lie elsewhere now.")
def reproduce(trial: str, data: str | None) -> None:
    """Train a stored trial again and say whether it comes out to the bit.

    TRIAL is STUDY:12, or STUDY for its best. Exit code 5 where it comes out otherwise.

    \b
    Examples:
      autopelt reproduce reports/demo-minilm-1pct:12
    """
    from autopelt.cli.reproduce import run_reproduce

    run_reproduce(trial, data)


@click.command()
@click.argument("file", required=False)
@click.option("--as", "kind", help="config, space, architecture or task.  [default: by its keys]")
@click.option("--model", help="Check that it fits this backbone, too.")
@click.option("--schema", help="Print a JSON schema for editors: config, space, and so on.")
def validate(file: str | None, kind: str | None, model: str | None, schema: str | None) -> None:
    """Check a configuration, search space, architecture or task file: all errors at once.

    \b
    Examples:
      autopelt validate my-space.yaml --model minilm
      autopelt validate reports/rte-minilm-1pct/config.yaml
      autopelt validate --schema space > space.schema.json
    """
    from autopelt.cli.validate import run_validate

    run_validate(file, kind, model, schema)


@click.command()
@click.option("--fetch", multiple=True, help="Load a model or task for a later run offline.")
@click.option("--data", help="Folder with tasks' files, for --fetch.")
@click.option("--no-ray", is_flag=True, help="Do not try whether Ray starts.")
@click.option("--json", "as_json", is_flag=True, help="One JSON list.")
def doctor(fetch: tuple[str, ...], data: str | None, no_ray: bool, as_json: bool) -> None:
    """Look at this machine: versions, CPU and GPU, memory, disk, the Hub and its cache, Ray.

    Ends with 3 where something is missing that every search needs.

    \b
    Examples:
      autopelt doctor
      autopelt doctor --fetch google-bert/bert-base-uncased --fetch rte
    """
    from autopelt.cli.doctor import run_doctor

    run_doctor(fetch, data, not no_ray, as_json)


COMMANDS = (list_, validate, doctor, reproduce)
