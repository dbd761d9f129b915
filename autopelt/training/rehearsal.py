"""One step of a training on a few of the user's examples, to find what every trial would meet.

Before a worker starts: the model is loaded as a worker loads it, an architecture is attached, and
two examples go forward and back, then some are scored. What goes wrong is looked into, so that its
one line says whether model, texts, a method or the score is at fault.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from autopelt.architecture.architecture import Architecture
from autopelt.data.source import Splits
from autopelt.errors import AutopeltError, UnavailableError, UsageError, parameter
from autopelt.study.config import TrainingConfig
from autopelt.system.memory import trim_heap
from autopelt.tasks import Task
from autopelt.tasks.by_group import scored
from autopelt.training.context import Context
from autopelt.training.gradient_accumulation import out_of_memory
from autopelt.training.loop import release
from autopelt.training.spec import Setup
from autopelt.training.trainee import single

LARGEST = 500_000_000
"""Parameters of a backbone above which loading it once more would take too long."""

_WORK = 3e9
"""Parameters times tokens of an example that is taken: about a second forward and back."""

_LOOKED_AT, _SCORED = 32, 8
"""Training examples that a task learns its prior from, and examples that are scored."""

Step = Callable[[Architecture, Sequence[int]], None]


@dataclass(frozen=True)
class Rehearsal:
    """What is tried.

    Attributes:
        setup: model, task, data.
        task: for the model, with what loading the data told it.
        splits: raw examples; few of them are looked at.
        longest: the training example that is the longest, as far as is known.
        architecture: with every method that the study may attach.
        training: as the study trains.
    """

    setup: Setup
    task: Task
    splits: Splits
    longest: int
    architecture: Architecture
    training: TrainingConfig


def rehearse(asked: Rehearsal) -> None:
    """Try a step. Nothing of it is left in memory, and no trial is changed by it.

    Raises:
        UnavailableError: the model does not train on the data, whatever is attached.
        UsageError: a method does not work on the model, or the user's own score fails.
    """
    try:
        with torch.random.fork_rng():
            _rehearse(asked)
    finally:
        if torch.cuda.is_available():
            torch.cuda.empty_cache()  # the workers' by now
        trim_heap()


def _rehearse(asked: Rehearsal) -> None:
    context = Context(asked.setup, given=(copy.copy(asked.task), _few(asked)))
    _check_vocabulary(context)

    def step(architecture: Architecture, rows: Sequence[int]) -> None:
        _step(context, architecture, asked.training, rows)

    rows = _chosen(context)
    try:
        step(asked.architecture, rows)
    except AutopeltError:
        raise
    except Exception as error:  # a model, a method or a score of somebody else's raises anything
        explained = _explained(context, asked.architecture, step, rows, error)
        if explained is not None:
            raise explained from error


def _few(asked: Rehearsal) -> Splits:
    train, selection = asked.splits.train, asked.splits.selection
    spread = [*range(0, len(train), -(-len(train) // _LOOKED_AT))]
    return replace(
        asked.splits,
        train=train.select(sorted({*spread, min(asked.longest, len(train) - 1)})),
        selection=selection.select(range(min(_SCORED, len(selection)))),
        report=None,
    )


def _chosen(context: Context) -> list[int]:
    """The shortest example, and the longest of those that are computed in about a second."""
    lengths = context.splits["train"].lengths
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    most = _WORK / max(1, context.model.num_parameters())
    return [order[0], max(order[1:], key=lambda i: (lengths[i] <= most, lengths[i]), default=0)]


def _step(
    context: Context, architecture: Architecture, training: TrainingConfig, rows: Sequence[int]
) -> None:
    """Forward, back and a score with an architecture attached; takes it off again."""
    task = context.task
    try:
        trainee = single(context, architecture, training, 0)
        trainee.set_training(True)
        with torch.enable_grad(), context.autocast():
            loss = trainee.losses(rows, context.batch("train", rows), _as_it_is)[0]
        trained = trainee.members[0].trained
        if trained:
            _require_finite(float(loss.detach()), "the loss of the first step")
            loss.backward()
            norms = [p.grad.norm() for p in trained if p.grad is not None]
            _require_finite(float(sum(norms)), "the gradient of the first step")
        trainee.set_training(False)
        _score(context, task, max(context.splits["train"].lengths[row] for row in rows))
    finally:
        for weight in context.model.parameters():
            weight.grad = None
        release(context)


@torch.inference_mode()
def _score(context: Context, task: Task, longest: int) -> None:
    """Score few examples, none longer than `longest`; texts are made up: an empty, a wrong one."""
    part = context.splits["selection"]
    part = part.select([i for i, length in enumerate(part.lengths) if length <= longest])
    if task.one_pass and part.rows:
        batch = context.batch("selection", range(len(part.rows)))
        with context.autocast():
            predictions = task.predict(context.model, batch, context.tokenizer)
        scored(task, predictions, part.encoded)
    if part.rows and (task.generate or not task.one_pass):
        gold = part.encoded["target"][:]
        task.score_texts(["", *gold[:-1]], gold)


def _as_it_is(indices: Sequence[int], batch: Any) -> None:
    """Feeds a model from its first layer on."""


def _require_finite(value: float, what: str) -> None:
    if not math.isfinite(value):
        raise ArithmeticError(f"{what} is {value}")


def _check_vocabulary(context: Context) -> None:
    """Refuse tokens that the model has no vector for."""
    table = context.model.get_input_embeddings()
    rows = [row for part in context.splits.values() for row in part.rows]
    most = max((_largest(row.get("input_ids")) for row in rows), default=-1)
    known = getattr(getattr(table, "weight", None), "shape", (most + 1,))[0]
    if most >= known:
        raise UnavailableError(
            f"the tokenizer of model '{context.setup.model}' writes token {most:,}, but the model "
            f"has {known:,} of them; put the model's own tokenizer beside its weights."
        )


def _largest(ids: Any) -> int:
    """The largest token of a row, which may hold several texts."""
    if not isinstance(ids, list):
        return -1
    return max((_largest(i) if isinstance(i, list) else int(i) for i in ids), default=-1)


# ---------------------------------------------------------------------- what is at fault
def _explained(
    context: Context,
    architecture: Architecture,
    step: Step,
    rows: Sequence[int],
    error: Exception,
) -> AutopeltError | None:
    """The error of a step as one line that says what is at fault, found by leaving things out."""

    def fails(architecture: Architecture, rows: Sequence[int]) -> Exception | None:
        try:
            step(architecture, rows)
        except Exception as found:
            return found
        return None

    model, bare = f"model '{context.setup.model}'", Architecture(())
    if out_of_memory(error):
        return UnavailableError(
            f"{model} does not train on two examples: out of memory; a smaller "
            f"{parameter('max_length')} or {parameter('precision', 'bf16')} may help."
        )
    without = fails(bare, rows)
    if without is None:
        return _of_method(context, architecture, rows, fails)
    broken = _broken_weight(context)
    if broken:
        return UnavailableError(
            f"the weights of {model} hold numbers that are not finite ('{broken}' first); use "
            "another checkpoint."
        )
    lengths = context.splits["train"].lengths
    short, long = (lengths[row] for row in (rows[0], rows[-1]))
    if short < long and fails(bare, rows[:1]) is None:
        return UnavailableError(
            f"{model} does not train on a text of {long} tokens, only on one of {short} "
            f"({_line(without)}); give a smaller {parameter('max_length')}."
        )
    return UnavailableError(
        f"{model} does not train on task '{context.task.name}', tried on two examples: "
        f"{_line(without)}; is its tokenizer the model's own?"
    )


def _of_method(
    context: Context,
    architecture: Architecture,
    rows: Sequence[int],
    fails: Callable[[Architecture, Sequence[int]], Exception | None],
) -> AutopeltError | None:
    """The model works bare, so one of the methods does not; None: only not all of them at once."""
    methods = list(dict.fromkeys(module.method for module in architecture.modules))
    for method in methods:
        own = tuple(m for m in architecture.modules if m.method == method)
        why = fails(Architecture(own), rows)
        if why is not None:
            return UsageError(
                f"method '{method}' does not work on model '{context.setup.model}', tried on two "
                f"examples: {_line(why)}; leave it out of {parameter('space')} and "
                f"{parameter('seeds')}."
            )
    return None


def _broken_weight(context: Context) -> str:
    """Name of the first weight with a number that is not finite; "" where all are."""
    for name, weight in context.model.named_parameters():
        if weight.is_floating_point() and not bool(weight.isfinite().all()):
            return name
    return ""


def _line(error: Exception) -> str:
    """What an error says, in one line, with its kind where it is Python's."""
    first = next((line for line in str(error).splitlines() if line.strip()), "")
    named = type(error).__name__
    return f"{named}: {first.strip()}" if first else named
