"""A training context for any kind of task on a tiny random model."""

from pathlib import Path

from tiny_data import MAKERS
from tiny_models import tiny

from autopelt.training.context import Context
from autopelt.training.spec import Setup


def tiny_context(kind: str, family: str, folder: Path) -> Context:
    """Model, tokenizer and data are written to the folder and loaded from there."""
    task, source = MAKERS[kind](folder)
    _, model, tokenizer = tiny(family, task)
    model.save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    data = None if source.data is None else str(source.data)
    return Context(Setup(str(folder / "model"), task.spec, data, max_length=48))
