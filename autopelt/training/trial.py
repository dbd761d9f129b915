"""One trial in a worker: a spec comes in, numbers go out, and it does not harm the next one."""

import time
from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path

import torch

from autopelt.architecture.architecture import Architecture
from autopelt.errors import AutopeltError
from autopelt.modules.checkpoint import save
from autopelt.system.files import NO_ROOM, no_room
from autopelt.training.context import Context, is_warm, warm_context
from autopelt.training.costs import costs
from autopelt.training.gradient_accumulation import out_of_memory
from autopelt.training.held_out import held_out
from autopelt.training.loop import EpochResult, release, train_epochs
from autopelt.training.precision import precision
from autopelt.training.shared_arrays import shared_arrays
from autopelt.training.spec import Doing, TrialFailure, TrialSpec
from autopelt.training.trunk import missing_trunk

LOADING = Doing("loading the model and the data")


def run_trial(spec: TrialSpec) -> Generator[EpochResult, None, None]:
    """As `trial_steps`, the epochs only."""
    with closing(trial_steps(spec)) as steps:
        for step in steps:
            if isinstance(step, EpochResult):
                yield step


def trial_steps(spec: TrialSpec) -> Generator[EpochResult | Doing, None, None]:
    """Train a spec with this process's warm model and data, yielding after every epoch.

    Before a part of the beginning that may take long it yields what it is about to do.

    The weights of the best epoch are in ``spec.weights`` when the last result has been yielded and
    the iterator is exhausted.

    Raises:
        TrialFailure: why the trial cannot go on, in one line.
    """
    torch.set_num_threads(spec.threads)
    if not is_warm():
        yield LOADING
    begun = time.perf_counter()
    context = warm_context(spec.setup, spec.report)
    waited = time.perf_counter() - begun
    context.arrays = shared_arrays(spec.cache)
    first = True
    try:
        architecture = Architecture.from_json(spec.architecture)
        spent = {"load": waited}
        begun = time.perf_counter()
        if spec.costs:
            yield measuring(spec)
        measured = costs(context, architecture, spec)
        if spec.costs:
            spent["costs"] = time.perf_counter() - begun
        context.precision = precision(spec.training.precision, context.device)
        yield beginning(context, [architecture])
        epochs = train_epochs(
            context, architecture, spec.training, spec.random_seed, spec.order_seed
        )
        for result in epochs:
            if first:
                result.seconds.update(spent)
                result.notes.extend(context.notes)
                result.costs.update(measured)
            first = False
            if spec.report and result.epoch >= spec.training.epochs:
                for _ in epochs:  # the best epoch's weights are back when the iterator has ended
                    pass
                result.held_out.update(held_out(context))
            yield result
        if spec.weights is not None:
            begun = time.perf_counter()
            save(context.model, Path(spec.weights))
            # The last result is told when the iterator is exhausted, so this is told with it.
            result.seconds["save"] = time.perf_counter() - begun
    finally:
        release(context)


def measuring(spec: TrialSpec) -> Doing:
    """What comes before the training where latency or memory are objectives."""
    return Doing(f"measuring its {' and '.join(spec.costs)}")


def beginning(context: Context, architectures: Sequence[Architecture]) -> Doing:
    """What training these, alone or in one batch, begins with."""
    layers = missing_trunk(context, architectures)
    if layers:
        return Doing(f"computing the trunk of {layers} layers, then its first epoch")
    return Doing("in its first epoch")


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
