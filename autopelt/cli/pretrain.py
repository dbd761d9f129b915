"""What `autopelt pretrain` does, once its flags are parsed."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from autopelt.errors import UsageError
from autopelt.training.spec import Setup
from autopelt.workflows.pretrain import Pretraining, pretrain, texts_of_files, texts_of_task


def run_pretrain(
    text: Sequence[str],
    task: str | None,
    data: str | None,
    model: str,
    out: str,
    flags: dict[str, Any],
) -> None:
    """Pretrain and say how to go on."""
    if not text and task is None:
        raise UsageError("there is nothing to train on; give --text FILE, or --task T.")
    how = Pretraining(**{key: value for key, value in flags.items() if value is not None})
    how.check()
    texts: list[str] = []
    origin: list[dict[str, str]] = []
    if text:
        texts, origin = texts_of_files([Path(name) for name in text])
    if task is not None:
        where = data or os.environ.get("AUTOPELT_DATA")
        found, named = texts_of_task(
            Setup(model, task, None if where is None else str(Path(where).expanduser().resolve()))
        )
        texts, origin = texts + found, origin + named
    console = Console(soft_wrap=True, highlight=False, markup=False)
    pretrain(model, texts, origin, how, Path(out), console.print)
    console.print(f"Saved:  {out}")
    console.print(f"Use it: autopelt search --model {out} --task {task or 'TASK'}")
