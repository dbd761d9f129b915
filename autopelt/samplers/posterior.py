"""What the surrogate expects of trials that have ended: scores with the luck taken out."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from autopelt.samplers.features import Features
from autopelt.samplers.history import ENOUGH, Observation
from autopelt.space.bound import BoundSpace
from autopelt.study.record import Belief, TrialRecord

if TYPE_CHECKING:
    from autopelt.samplers.model import Model


def beliefs(
    space: BoundSpace, trials: Sequence[TrialRecord], model: "Model | None" = None
) -> dict[str, Belief]:
    """What is believed of each architecture, by its id, given all trainings.

    The surrogate is ours whatever sampler made the study: a lucky training is drawn towards what
    architectures like it reached. Where there are too few scores, and of full fine-tuning, which
    the surrogate does not know, the mean of the scores is what is believed.

    Args:
        space: the study's, under its budget.
        trials: complete ones.
        model: of this space, where there is one already.
    """
    scored = [t for t in trials if t.score is not None]
    scores: dict[str, list[float]] = {}
    for t in scored:
        scores.setdefault(t.architecture.id, []).append(t.point[1])
    found = {
        key: Belief(sum(some) / len(some), math.nan, math.nan, len(some))
        for key, some in scores.items()
    }
    observed = [
        Observation(t.number, t.architecture, t.count.deployed, None, t.point[1])
        for t in scored
        if not t.architecture.full
    ]
    if not _enough(observed):
        return found
    if model is None:
        from autopelt.samplers.model import Model

        model = Model(space, Features(space))
    for key, said in model.beliefs(observed).items():
        found[key] = Belief(*said, found[key].trainings)
    return found


def posterior_means(space: BoundSpace, trials: Sequence[TrialRecord]) -> dict[int, float]:
    """Expected score by trial number, given all the scores.

    Args:
        space: the study's, under its budget.
        trials: complete ones.
    """
    known = beliefs(space, trials)
    return {t.number: known[t.architecture.id].mean for t in trials if t.score is not None}


def expected_scores(space: BoundSpace, observed: Sequence[Observation]) -> dict[int, float]:
    """Expected score by number of observations with scores; as they are where too few or equal."""
    if not _enough(observed):
        return {o.number: o.score for o in observed}
    from autopelt.samplers.model import Model

    known = Model(space, Features(space)).beliefs(observed)
    return {o.number: known[o.architecture.id][0] for o in observed}


def _enough(observed: Sequence[Observation]) -> bool:
    return len(observed) >= ENOUGH and len({o.score for o in observed}) > 1
