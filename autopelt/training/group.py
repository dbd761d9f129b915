"""What one worker is given at once: trials that share a batch as far as they can."""

import traceback
from collections.abc import Generator, Sequence
from contextlib import closing, suppress

from autopelt.architecture.architecture import Architecture
from autopelt.training.context import is_warm, warm_context
from autopelt.training.population import alone_because
from autopelt.training.results import Doing, EpochResult, TrialFailure
from autopelt.training.spec import TrialSpec
from autopelt.training.trial import LOADING, failure_reason, run_together

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
    reasons: dict[int, str] = {}
    if len(specs) > 1:
        if not is_warm():
            yield [(spec.number, Doing(LOADING)) for spec in specs]
        try:
            context = warm_context(specs[0].setup, specs[0].report)
            for spec in specs:
                architecture = Architecture.from_json(spec.architecture)
                reasons[spec.number] = alone_because(architecture, context)
            together = [spec for spec in specs if not reasons[spec.number]]
        except Exception as error:
            reason = _reason(error)
            yield [(spec.number, reason) for spec in specs]
            return
    if len(together) > 1:
        yield from _tell(together)
        specs = [spec for spec in specs if spec not in together]
    for spec in specs:
        why = reasons.get(spec.number)
        yield from _tell([spec], f"trained alone: {why}." if why else "")


def _tell(specs: Sequence[TrialSpec], note: str = "") -> Generator[list[Told], None, None]:
    """Train specs in one batch; what ends them all is told of each that has not failed before.

    Args:
        note: a sentence for the user, told with the first epoch.
    """
    running = {spec.number for spec in specs}
    try:
        with closing(run_together(specs)) as steps:
            for step in steps:
                for _, told in step:
                    if note and isinstance(told, EpochResult):
                        told.notes.append(note)
                        note = ""
                running -= {number for number, told in step if isinstance(told, TrialFailure)}
                yield [
                    (number, _reason(told) if isinstance(told, TrialFailure) else told)
                    for number, told in step
                ]
    except Exception as error:
        reason = _reason(error)
        yield [(number, reason) for number in sorted(running)]


def _reason(error: BaseException) -> str:
    """Why a trial failed, in one line; the whole of it is printed, for the trial's log."""
    with suppress(OSError):  # the log is on a disk that may be full
        traceback.print_exception(error)
    return failure_reason(error)
