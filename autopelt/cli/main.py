"""The command line: parse, call, map errors to exit codes. Heavy imports happen inside commands."""

import os
import re
import shlex
import sys
from collections.abc import Sequence
from typing import Any

import click

from autopelt import __version__
from autopelt.cli import checks as cli_checks
from autopelt.cli import honest as cli_honest
from autopelt.cli import results as cli_results
from autopelt.errors import PARAMETER, AutopeltError, UsageError, did_you_mean

INTERRUPTED = 130


class _Group(click.Group):
    """Names the likely command where one is unknown."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            raise UsageError(
                f"unknown command '{args[0]}': {did_you_mean(args[0], self.list_commands(ctx))}"
            )
        return super().resolve_command(ctx, args)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(
    __version__, "--version", prog_name="autopelt", message="%(prog)s %(version)s"
)
def cli() -> None:
    """Find which parameter-efficient modules should sit where in a transformer, and how big.

    \b
    Examples:
      autopelt search --task demo --budget 1%
      autopelt show unipelt
      autopelt train reports/demo-minilm-1pct
    """


# ---------------------------------------------------------------------- search
def _study_options(command: Any) -> Any:
    for option in reversed(
        [
            click.option("--task", help="Task to train and score on; autopelt list tasks."),
            click.option("--model", help="Hub name, folder, or minilm.  [default: minilm]"),
            click.option("--revision", help="Revision of a Hub model."),
            click.option("--budget", help="Most trainable parameters: 1%, 300k.  [default: 1%]"),
            click.option("--min-budget", help="Fewest trainable parameters, like --budget."),
            click.option("--space", help="Search space, by name or file.  [default: pelt]"),
            click.option(
                "--sampler",
                help="Who proposes: pelt, random, tpe, nsga2, gp, autopeft.  [default: pelt]",
            ),
            click.option(
                "--objectives",
                help="score, score,params, or these and latency, memory.  [default: score,params]",
            ),
            click.option(
                "--early-stopping/--no-early-stopping",
                default=None,
                help="Stop trials that can hardly join the front.  [default: no]",
            ),
            click.option("--trials", type=int, help="Trials of the study in total."),
            click.option("--workers", type=int, help="Trials at once.  [default: 2, or the cores]"),
            click.option(
                "--trials-per-worker",
                type=int,
                help="Trials that share a batch in one worker, for large GPUs.  [default: 1]",
            ),
            click.option("--trial-timeout", help="A trial that takes longer fails: 90s, 30m."),
            click.option("--epochs", type=int, help="Epochs of a trial."),
            click.option("--batch-size", type=int, help="Examples a batch.  [default: 16]"),
            click.option("--max-length", type=int, help="Tokens an example may have."),
            click.option("--train-examples", type=int, help="Train on this many examples."),
            click.option("--learning-rate-factor", type=float, help="Factor on all rates."),
            click.option("--confirm-seeds", type=int, help="Confirm the best with so many seeds."),
            click.option("--random-seed", type=int, help="Seed of all randomness.  [default: 0]"),
            click.option("--seeds", help="Seed architectures, comma-separated, or none."),
            click.option("--warm-start", help="Learn from this study, of another task perhaps."),
            click.option(
                "--cache-memory",
                help="Most memory for states of the frozen layers: 4GiB, off.  "
                "[default: a quarter of what is free]",
            ),
            click.option("--data", help="Folder with the task's files, else AUTOPELT_DATA."),
            click.option(
                "--storage",
                help="Database of the trials: postgresql://USER@HOST/NAME.  [default: study.db]",
            ),
            click.option(
                "--tensorboard/--no-tensorboard",
                default=None,
                help="Write TensorBoard's files of each trial.  [default: no]",
            ),
            click.option("--train", help="Own data: CSV, TSV, JSON lines, Parquet, or a Hub name."),
            click.option("--validation", help="Own data: selection split.  [default: cut]"),
            click.option("--test", help="Own data: report split.  [default: cut]"),
            click.option("--text", help="Own data: column of the text."),
            click.option("--text-pair", help="Own data: column of the second text."),
            click.option("--label", help="Own data: column of the label."),
            click.option("--target", help="Own data: column of the text to generate."),
            click.option("--train-target", help="Own data: lines aligned with --train."),
            click.option("--validation-target", help="Own data: lines aligned with --validation."),
            click.option("--test-target", help="Own data: lines aligned with --test."),
            click.option("--kind", help="Own data: classification, regression, and so on."),
            click.option("--score", help="Own data: the score to optimise."),
            click.option("--prefix", help="Own data: words before each text of a T5."),
        ]
    ):
        command = option(command)
    return command


def _running_options(command: Any) -> Any:
    """How a search runs and what it shows; no part of a study."""
    for option in (
        click.option("--ray-address", help="A running Ray cluster: auto, or HOST:PORT."),
        click.option("--json", "as_json", is_flag=True, help="One event a line on stdout."),
    ):
        command = option(command)
    return command


@cli.command()
@_study_options
@click.option("--config", "config_file", help="A configuration file; flags override it.")
@click.option("--out", help="Folder of the study.  [default: reports/TASK-MODEL-BUDGET]")
@click.option("--dry-run", is_flag=True, help="Say what it would cost, and start nothing.")
@_running_options
def search(
    config_file: str | None,
    out: str | None,
    dry_run: bool,
    as_json: bool,
    ray_address: str | None,
    **flags: Any,
) -> None:
    """Search architectures for a task within a budget of trainable parameters.

    Evaluates hand-made seed architectures first, then what the sampler proposes, and keeps
    everything in one folder: report (index.html), study.db, config.yaml, trials.csv, best/.
    The same command on the same --out goes on with the study; --trials is its total.
    Ctrl-C once finishes the running trials, twice stops now; either can be resumed.

    \b
    Examples:
      autopelt search --task demo --budget 1%
      autopelt search --task rte --data glue --budget 0.5% --trials 60
      autopelt search --train a.csv --text premise --text-pair hypothesis --label gold
      autopelt search --config reports/rte-minilm-1pct/config.yaml --out reports/again
    """
    if dry_run:
        from autopelt.cli.dry_run import run_dry_run

        run_dry_run(config_file, flags, as_json)
        return
    from autopelt.cli.search import run_search

    command = shlex.join(["autopelt", *sys.argv[1:]])
    run_search(config_file, out, flags, command, as_json=as_json, ray_address=ray_address)


@cli.command()
@click.argument("study")
@click.option("--trials", type=int, help="New total of trials.")
@click.option("--workers", type=int, help="Trials at once.")
@click.option("--trial-timeout", help="A trial that takes longer fails: 90s, 30m; none for none.")
@click.option("--cache-memory", help="Most memory for states of the frozen layers: 4GiB, off.")
@click.option(
    "--tensorboard/--no-tensorboard", default=None, help="Write TensorBoard's files from now on."
)
@_running_options
def resume(study: str, as_json: bool, ray_address: str | None, **changes: Any) -> None:
    """Go on with a study that was stopped or killed, or give it more trials.

    \b
    Examples:
      autopelt resume reports/rte-minilm-1pct
      autopelt resume reports/rte-minilm-1pct --trials 100
    """
    from autopelt.cli.search import run_resume

    run_resume(study, changes, as_json=as_json, ray_address=ray_address)


@cli.command()
@click.argument("study")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def status(study: str, as_json: bool) -> None:
    """Show how far a study is, what it has found, and what to do next; also while it runs.

    \b
    Examples:
      autopelt status reports/rte-minilm-1pct
      autopelt status reports/rte-minilm-1pct --json
    """
    from autopelt.cli.status import run_status

    run_status(study, as_json)


@cli.command()
@click.argument("studies", metavar="STUDY...", nargs=-1, required=True)
@click.option(
    "--against", multiple=True, metavar="STUDY", help="Draw this study's progress as well."
)
@click.option("--out", help="Folder of the page; needed for several studies.")
def report(studies: tuple[str, ...], against: tuple[str, ...], out: str | None) -> None:
    """Build a study's report again, also while its search runs; or lay several over each other.

    Several studies go into one page under one budget and one reference point: fronts, progress,
    and what differs. They must be of one task on one backbone. --against draws another study's
    progress, one of random search for instance, into the report of a single study.

    \b
    Examples:
      autopelt report reports/rte-minilm-1pct
      autopelt report reports/rte-minilm-1pct --against reports/rte-random
      autopelt report reports/rte-minilm-1pct reports/rte-lora --out reports/compared
    """
    from autopelt.cli.report import run_report

    run_report(studies, against, out)


for _command in (*cli_results.COMMANDS, *cli_honest.COMMANDS, *cli_checks.COMMANDS):
    cli.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of the program; returns the exit code after printing at most one error line."""
    try:
        os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
        os.environ.setdefault("DO_NOT_TRACK", "1")
        code = cli.main(args=arguments, standalone_mode=False)
    except AutopeltError as error:
        return _fail(PARAMETER.sub(_option, error.marked), error.exit_code)
    except click.ClickException as error:
        return _fail(" ".join(error.format_message().split()), error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        return _fail("stopped.", INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code if isinstance(code, int) else 0


def _option(marked: re.Match[str]) -> str:
    """A marked parameter as a user of the command line writes it: ``--epochs 0``, ``--force``."""
    name, value = marked[1].replace("_", "-"), marked[2]
    if value == "=False":
        return f"--no-{name}"
    return f"--{name}" if value in (None, "=True") else f"--{name} {value[1:].strip(chr(39))}"


def _fail(message: str, code: int) -> int:
    click.echo(f"autopelt: {message}", err=True)
    return code
