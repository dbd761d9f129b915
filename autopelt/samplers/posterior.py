"""What the surrogate expects of trials that have ended: scores with the luck taken out."""

from collections.abc import Sequence

from autopelt.samplers.features import Features
from autopelt.samplers.history import ENOUGH, Observation
from autopelt.space.bound import BoundSpace
from autopelt.study.record import TrialRecord


def posterior_means(space: BoundSpace, trials: Sequence[TrialRecord]) -> dict[int, float]:
    """Expected score by trial number, given all the scores.

    The surrogate is ours whatever sampler made the study: a trial that was lucky is drawn towards
    what architectures like it reached. Scores are taken as they are where there are too few, and
    of full fine-tuning, which the surrogate does not know.

    Args:
        space: the study's, under its budget.
        trials: complete ones.
    """
    scored = {t.number: t.score for t in trials if t.score is not None}
    known = [
        Observation(t.number, t.architecture, t.count.deployed, None, t.score)
        for t in trials
        if t.score is not None and not t.architecture.full
    ]
    return scored | expected_scores(space, known)


def expected_scores(space: BoundSpace, observed: Sequence[Observation]) -> dict[int, float]:
    """Expected score by number of observations with scores; as they are where too few or equal."""
    if len(observed) < ENOUGH or len({o.score for o in observed}) < 2:
        return {o.number: o.score for o in observed}
    from autopelt.samplers.model import Model

    model = Model(space, Features(space))
    means = model.fitted(observed).predict(model.features_of(observed)).mean
    return {o.number: float(mean) for o, mean in zip(observed, means, strict=True)}
