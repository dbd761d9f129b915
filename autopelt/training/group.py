"""What one worker trains at once: a single trial, or several that share a batch."""

import time
import traceback
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path

import torch

from autopelt.architecture.architecture import Architecture
from autopelt.training.context import is_warm, warm_context
from autopelt.training.costs import costs
from autopelt.training.loop import EpochResult
from autopelt.training.population import Population, can_share
from autopelt.training.shared_arrays import shared_arrays
from autopelt.training.spec import Doing, TrialSpec
from autopelt.training.trial import LOADING, beginning, failure_reason, measuring, trial_steps

Told = tuple[int, EpochResult | Doing | str]
"""Number of a trial, and its epoch, what it is about to do, or the reason why it failed."""


def run_group(specs: Sequence[TrialSpec]) -> Generator[list[Told], None, None]:
    """Train specs of one study, yielding after every epoch what there is to tell.

    What may take long before a first epoch is told, too.

    Those that can share a batch are trained at once, then the others one after another. The weights
    of a trial's best epoch are in its ``weights`` folder when its last epoch is told. No exception
    of a training leaves this: it is told as that trial's failure.
    """
    together: list[TrialSpec] = []
    if len(specs) > 1:
        if not is_warm():
            yield [(spec.number, LOADING) for spec in specs]
        try:
            context = warm_context(specs[0].setup)
            together = [
                s for s in specs if can_share(Architecture.from_json(s.architecture), context)
            ]
        except Exception as error:
            yield [(spec.number, _reason(error)) for spec in specs]
            return
    if len(together) < 2:
        together = []
    else:
        yield from _shared(together)
    for spec in specs:
        if spec not in together:
            yield from _alone(spec)


def _alone(spec: TrialSpec) -> Iterator[list[Told]]:
    with closing(trial_steps(spec)) as steps:
        try:
            for step in steps:
                if isinstance(step, EpochResult) and step.epoch >= spec.training.epochs:
                    for _ in steps:  # the weights are written when the iterator ends
                        pass
                yield [(spec.number, step)]
        except Exception as error:
            yield [(spec.number, _reason(error))]


def _shared(specs: Sequence[TrialSpec]) -> Iterator[list[Told]]:
    first = specs[0]
    torch.set_num_threads(first.threads)
    begun = time.perf_counter()
    context = warm_context(first.setup)
    context.arrays = shared_arrays(first.cache)
    waited = (time.perf_counter() - begun) / len(specs)
    running = {spec.number for spec in specs}
    try:
        members = [(Architecture.from_json(s.architecture), s.random_seed) for s in specs]
        begun = time.perf_counter()
        if first.costs:
            yield [(spec.number, measuring(spec)) for spec in specs]
        measured = {
            spec.number: costs(context, architecture, spec)
            for spec, (architecture, _) in zip(specs, members, strict=True)
        }
        spent = {"load": waited}
        if first.costs:
            spent["costs"] = (time.perf_counter() - begun) / len(specs)
        order_seed = first.random_seed if first.order_seed is None else first.order_seed
        population = Population(context, members, first.training, order_seed)
        doing = beginning(context, [architecture for architecture, _ in members])
        yield [(spec.number, doing) for spec in specs]
        with closing(population.train()) as epochs:
            for epoch, entries in enumerate(epochs, 1):
                told: list[Told] = []
                for spec, entry in zip(specs, entries, strict=True):
                    if isinstance(entry, EpochResult):
                        if epoch == 1:
                            entry.seconds.update(spent)
                            entry.notes.extend(context.notes)
                            entry.costs.update(measured[spec.number])
                        told.append((spec.number, entry))
                    elif entry is not None:
                        running.discard(spec.number)
                        told.append((spec.number, _reason(entry)))
                if epoch == first.training.epochs:
                    for _ in epochs:  # then the members have the weights of their best epochs
                        pass
                    for member, spec in enumerate(specs):
                        if spec.number in running and spec.weights is not None:
                            population.save(member, Path(spec.weights))
                    running.clear()
                yield told
    except Exception as error:
        yield [(number, _reason(error)) for number in sorted(running)]


def _reason(error: BaseException) -> str:
    """Why a trial failed, in one line; the whole of it is printed, for the trial's log."""
    with suppress(OSError):  # the log is on a disk that may be full
        traceback.print_exception(error)
    return failure_reason(error)
