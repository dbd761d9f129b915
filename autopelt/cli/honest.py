"""Commands that check a result beyond the search, as click sees them."""

import shlex
import sys
from typing import Any

import click


@click.command()
@click.argument("study")
@click.option("--seeds", type=int, help="Random seeds for each architecture.  [default: 5]")
@click.option("--top", type=int, help="Most architectures found, and seed ones.  [default: 3]")
@click.option("--workers", type=int, help="Trainings at once.  [default: the study's]")
def confirm(study: str, seeds: int | None, top: int | None, workers: int | None) -> None:
    """Train a study's best again with fresh random seeds and score the report split.

    Confirms the best architectures of the front and the best seed architectures, chosen by what
    the surrogate expects of them and not by the luckiest score. The verdict then gives their
    difference with a 95% interval. Goes on where it stopped.

    \b
    Examples:
      autopelt confirm reports/rte-minilm-1pct
      autopelt confirm reports/rte-minilm-1pct --seeds 10 --top 2
    """
    from autopelt.cli.confirm import run_confirm

    run_confirm(study, seeds, top, workers)


@click.command()
@click.option("--task", required=True, help="Task, or a task file; autopelt list tasks.")
@click.option("--methods", required=True, help="Comma-separated; see above.")
@click.option("--seeds", type=int, default=5, show_default=True, help="Random seeds a method.")
@click.option("--rates", help="Factors on the learning rates to try.  [default: 0.5,1,2]")
@click.option(
    "--rate-seeds",
    type=int,
    default=1,
    show_default=True,
    help="Random seeds a rate is tried with.",
)
@click.option("--budget", help="Refuse methods above it: 1%, 300k.")
@click.option("--model", help="Hub name, folder, or minilm.  [default: minilm]")
@click.option("--revision", help="Revision of a Hub model.")
@click.option("--data", help="Folder with the task's files, else AUTOPELT_DATA.")
@click.option("--workers", type=int, help="Trainings at once.  [default: 2, or the cores]")
@click.option("--epochs", type=int, help="Epochs of a training.")
@click.option("--batch-size", type=int, help="Examples a batch.")
@click.option("--max-length", type=int, help="Tokens an example may have.")
@click.option("--train-examples", type=int, help="Train on this many examples.")
@click.option("--random-seed", type=int, help="Seed of all randomness.  [default: 0]")
@click.option("--out", help="Folder to write.  [default: reports/compare-TASK]")
def compare(**options: Any) -> None:
    """Hold methods against each other on one task, with equal effort for each.

    A method is a seed architecture (unipelt, lora-r8, adapterdrop-3, head-only, full), a file,
    STUDY:best or STUDY:TRIAL. NAME~ is shrunk to --budget; NAME@MODEL sits on another model.

    Every method chooses its learning rate from the same few by the selection split, is trained with
    the same fresh random seeds, and scored on the report split; time, memory, latency and energy
    are measured alone. Goes on where it stopped.

    \b
    Examples:
      autopelt compare --task demo --methods unipelt,lora-r8,full --seeds 3
      autopelt compare --task rte --methods lora-r8,reports/rte-minilm-1pct:best --seeds 5
      autopelt compare --task rte --methods full,full@models/tapt,lora-r8@models/tapt
    """
    from autopelt.cli.compare import run_compare

    run_compare(shlex.join(["autopelt", *sys.argv[1:]]), **options)


@click.command()
@click.option("--text", multiple=True, help="A file with a text on each line; may be repeated.")
@click.option("--task", help="The task's own training texts, without their labels (TAPT).")
@click.option("--data", help="Folder with the task's files, else AUTOPELT_DATA.")
@click.option("--model", default="minilm", show_default=True, help="Hub name, folder, or minilm.")
@click.option("--out", required=True, help="Model folder to make.")
@click.option("--epochs", type=int, help="Epochs.  [default: 3]")
@click.option("--batch-size", type=int, help="Blocks a batch.  [default: 32]")
@click.option("--max-length", type=int, help="Tokens of a block.  [default: 256]")
@click.option("--learning-rate", type=float, help="Of AdamW.  [default: 1e-4]")
@click.option("--random-seed", type=int, help="Seed of all randomness.  [default: 0]")
def pretrain(
    text: tuple[str, ...], task: str | None, data: str | None, model: str, out: str, **flags: Any
) -> None:
    """Go on with pretraining a model on raw text, and write a folder that --model takes.

    Encoders go on with masked, decoders with causal language modelling, on a domain's texts (DAPT)
    or a task's own (TAPT).

    \b
    Examples:
      autopelt pretrain --text papers.txt --model minilm --out models/dapt
      autopelt pretrain --task rte --model models/dapt --out models/dapt-tapt
    """
    from autopelt.cli.pretrain import run_pretrain

    run_pretrain(text, task, data, model, out, flags)


COMMANDS = (confirm, compare, pretrain)
