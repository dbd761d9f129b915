"""Trials in a worker: specs come in, numbers go out, and they do not harm the next ones."""

import math
import time
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import torch

from autopelt.architecture.architecture import Architecture
from autopelt.errors import AutopeltError
from autopelt.study.objectives import COSTS
from autopelt.system.files import NO_ROOM, no_room
from autopelt.training.context import Context, is_warm, warm_context
from autopelt.training.costs import costs
from autopelt.training.forgetting import probes
from autopelt.training.gradient_accumulation import out_of_memory
from autopelt.training.held_out import held_out
from autopelt.training.loop import release, train
from autopelt.training.population import Population
from autopelt.training.precision import precision
from autopelt.training.results import Doing, EpochResult, TrialFailure
from autopelt.training.sampled_texts import SHARE, allowance, sampled_texts, samples
from autopelt.training.shared_arrays import shared_arrays
from autopelt.training.spec import TrialSpec
from autopelt.training.trainee import Trainee, single
from autopelt.training.trunk import missing_trunk

LOADING = "loading the model and the data"


Told = tuple[int, EpochResult | Doing | TrialFailure]
"""Number of a trial, and its epoch, what it is about to do, or why it has failed."""


def run_trial(spec: TrialSpec) -> Generator[EpochResult, None, None]:
    """Train one spec with this process's warm model and data, yielding after every epoch.

    Raises:
        TrialFailure: why the trial cannot go on, in one line.
    """
    with closing(run_together([spec])) as steps:
        for ((_, told),) in steps:
            if isinstance(told, TrialFailure):
                raise told
            if isinstance(told, EpochResult):
                yield told


def run_together(specs: Sequence[TrialSpec]) -> Generator[list[Told], None, None]:
    """Train specs of one study in one batch, yielding after every epoch what there is to tell.

    Before a part of the beginning that may take long it yields what it is about to do. The weights
    of a trial's best epoch are in its ``weights`` folder when its last epoch is told.

    Args:
        specs: one, or several of which each can share a batch (`population.alone_because`).
    """
    first = specs[0]
    torch.set_num_threads(first.threads)

    def busy(text: str) -> list[Told]:
        return [(spec.number, Doing(text)) for spec in specs]

    if not is_warm():
        yield busy(LOADING)
    begun = time.perf_counter()
    context = warm_context(first.setup, first.report)
    context.arrays = shared_arrays(first.cache)
    spent = {"load": time.perf_counter() - begun}
    architectures = [Architecture.from_json(spec.architecture) for spec in specs]
    measured: list[dict[str, float]] = [{} for _ in specs]
    before = [name for name in first.costs if not COSTS[name].trained]
    after = [name for name in first.costs if name not in before and name not in context.probes]
    if before or after:
        text = ["the bare backbone on general text"] if after else []
        yield busy(f"measuring {' and '.join([f'its {name}' for name in before] + text)}")
        begun = time.perf_counter()
        probes(context, first.costs, first.general_text)
        measured = [costs(context, a, s) for a, s in zip(architectures, specs, strict=True)]
        spent["costs"] = time.perf_counter() - begun
    context.precision = precision(first.training.precision, context.device)
    layers = missing_trunk(context, architectures)
    frozen = f"{layers} frozen layer{'s' if layers > 1 else ''}"
    doing = f"computing {frozen} once for all epochs, then its first epoch"
    yield busy(doing if layers else "in its first epoch")
    try:
        trainee = _trainee(context, architectures, specs)
        trainee.seconds |= spent
        trainee.notes += context.notes
        for member, costs_of_one in zip(trainee.members, measured, strict=True):
            member.costs = costs_of_one
        yield from _epochs(trainee, specs)
    finally:
        release(context)


def _trainee(
    context: Context, architectures: Sequence[Architecture], specs: Sequence[TrialSpec]
) -> Trainee:
    first = specs[0]
    if len(specs) == 1:
        return single(
            context, architectures[0], first.training, first.random_seed, first.order_seed
        )
    members = [(a, spec.random_seed) for a, spec in zip(architectures, specs, strict=True)]
    order_seed = first.random_seed if first.order_seed is None else first.order_seed
    return Population(context, members, first.training, order_seed)


def _epochs(trainee: Trainee, specs: Sequence[TrialSpec]) -> Generator[list[Told], None, None]:
    spent: list[Counter[str]] = [Counter() for _ in specs]
    with closing(train(trainee, specs[0].training)) as epochs:
        for entries in epochs:
            told: list[Told] = []
            for number, (spec, entry) in enumerate(zip(specs, entries, strict=True)):
                if entry is None:
                    continue
                told.append((spec.number, entry))
                if isinstance(entry, EpochResult):
                    spent[number].update(entry.seconds)
                if isinstance(entry, TrialFailure) or entry.epoch < spec.training.epochs:
                    continue
                for _ in epochs:  # the best epochs' weights are back when the iterator has ended
                    pass
                if spec.report:
                    selection = trainee.members[number].best_scores
                    entry.held_out.update(held_out(trainee.context, selection))
                _write_texts(trainee, number, spec, entry, spent[number])
                failure = _measure_trained(trainee, number, spec, entry)
                if failure is not None:
                    told[-1] = (spec.number, failure)
                    continue
                if spec.weights is not None:
                    begun = time.perf_counter()
                    trainee.save(number, Path(spec.weights))
                    entry.seconds["save"] = time.perf_counter() - begun
            yield told


def _write_texts(
    trainee: Trainee, number: int, spec: TrialSpec, entry: EpochResult, spent: Mapping[str, float]
) -> None:
    """Add to a member's last epoch the scores of texts that it writes beside its metric.

    Args:
        spent: seconds of the member so far, by phase.
    """
    context, task = trainee.context, trainee.context.task
    if not task.one_pass and spent["score"] > SHARE * sum(spent.values()):
        entry.notes.append(
            f"scoring takes more than {SHARE:.0%} of a trial, as {task.metric.name} needs texts: "
            "the score loss, or fewer texts to write, would be faster."
        )
    if not samples(task):
        return
    begun = time.perf_counter()
    with trainee.attached(number):
        made = sampled_texts(context, "selection", allowance(spent))
        entry.texts.update(made.scores)
        entry.notes.extend(made.notes)
        if spec.report:
            left = allowance(spent) - (time.perf_counter() - begun)
            entry.held_out["metrics"].update(sampled_texts(context, "report", left).scores)
    entry.seconds["score"] = entry.seconds.get("score", 0.0) + time.perf_counter() - begun


def _measure_trained(
    trainee: Trainee, number: int, spec: TrialSpec, entry: EpochResult
) -> TrialFailure | None:
    """Add to a member's last epoch what is measured of it once it is trained.

    Returns:
        Why the trial fails, where what was measured is no number.
    """
    wanted = probes(trainee.context, spec.costs, spec.general_text)
    if not wanted:
        return None
    begun = time.perf_counter()
    with trainee.attached(number):
        entry.costs.update({name: probe.change() for name, probe in wanted.items()})
    entry.seconds["costs"] = entry.seconds.get("costs", 0.0) + time.perf_counter() - begun
    wrong = [name for name in wanted if not math.isfinite(entry.costs[name])]
    return TrialFailure(f"its {wrong[0]} is {entry.costs[wrong[0]]}") if wrong else None


def failure_reason(error: BaseException) -> str:
    """The one line that a study keeps about a failed trial."""
    if isinstance(error, TrialFailure | AutopeltError):
        return str(error)
    if out_of_memory(error):
        return "out of memory; a smaller batch_size or max_length may help"
    line = next((part for part in str(error).splitlines() if part.strip()), "")
    if no_room(error):
        return f"{NO_ROOM}: {line}"
    return f"{type(error).__name__}: {line}" if line else type(error).__name__
