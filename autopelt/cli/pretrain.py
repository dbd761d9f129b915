"""`autopelt pretrain`: a model goes on with raw text before it is searched on."""

from pathlib import Path
from typing import Any

import click

from autopelt.cli.console import event, for_programs, json_option, say, talk
from autopelt.cli.options import option
from autopelt.errors import UsageError


@click.command(short_help="Go on with pretraining a model on raw text.")
@click.option("--text", multiple=True, help="A file with a text on each line; may be repeated.")
@option("task", words="The task's own training texts, without their labels (TAPT).")
@option("data")
@option("model")
@click.option("--out", required=True, help="Model folder to make.")
@option("epochs", words="Epochs.", otherwise="3")
@option("batch_size", words="Blocks a batch.", otherwise="32")
@option("max_length", words="Tokens of a block.", otherwise="256")
@click.option("--learning-rate", type=float, help="Of AdamW.  [default: 1e-4]")
@option("random_seed")
@json_option
def pretrain(
    text: tuple[str, ...],
    task: str | None,
    data: str | None,
    model: str | None,
    out: str,
    **choices: Any,
) -> None:
    """Go on with pretraining a model on raw text, and write a folder that --model takes.

    Encoders go on with masked, decoders with causal language modelling, on a domain's texts (DAPT)
    or a task's own (TAPT).

    \b
    Examples:
      autopelt pretrain --text papers.txt --model minilm --out models/dapt
      autopelt pretrain --task rte --model models/dapt --out models/dapt-tapt
    """
    from autopelt.training.spec import Setup
    from autopelt.workflows.pretrain import Pretraining, pretrain, texts_of_files, texts_of_task
    from autopelt.workflows.settings import data_folder

    if not text and task is None:
        raise UsageError("there is nothing to train on; give --text FILE, or --task T.")
    how = Pretraining(**{name: value for name, value in choices.items() if value is not None})
    how.check()
    model = model or "minilm"
    texts, origin = texts_of_files([Path(name) for name in text])
    if task is not None:
        more, named = texts_of_task(Setup(model, task, data_folder(data)))
        texts, origin = texts + more, origin + named
    record = pretrain(model, texts, origin, how, Path(out), talk)
    following = f"autopelt search --model {out} --task {task or 'TASK'}"
    if for_programs():
        known = ("objective", "texts", "blocks", "tokens", "losses")
        event("done", folder=out, **{key: record[key] for key in known}, next=following)
        return
    say(f"Saved:  {out}")
    say(f"Use it: {following}")
