"""Which choices the scores of a study depend on, by Optuna's importance evaluators.

An architecture is dozens of choices, of which one trial uses a few: too many for the trials of a
study, and seed architectures are not made of them. So every trial is described by a few numbers
that any architecture has, in three views, and Optuna judges these:

==========  ====================================================================================
``method``  log2(1 + total size) of each method
``layer``   sum of log2(1 + size) over what sits in each layer (and at the embeddings)
``choice``  main method; mean log2 size; number of modules; mean layer; share of modules with a
            gate; log2 of the learning-rate multiplier
==========  ====================================================================================

The target is the score of complete trials within the budget. fANOVA (Hutter et al., 2014) tells
the share of the scores' variation that a number explains; PED-ANOVA (Watanabe et al., 2023) how far
the best quarter of the trials is apart in it. The latter is said from `FEWEST_APART` on: with
fewer its density estimates take a few zeros for a rule. Three random numbers are judged along with
the others: what explains no more than these may be chance.
"""

import math
import random
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.importance import (
    BaseImportanceEvaluator,
    FanovaImportanceEvaluator,
    PedAnovaImportanceEvaluator,
)
from scipy.stats import spearmanr

from autopelt.architecture.architecture import Architecture
from autopelt.study.database import quiet_optuna
from autopelt.study.record import Importance, StudyRecord, TrialRecord

FEWEST = 15
"""Complete trials below which nothing is said."""
FEWEST_APART = 60
"""The same for PED-ANOVA."""
RANDOM = ("~0", "~1", "~2")
TREES, DEPTH = 32, 6
"""Of fANOVA's forests. What a tree costs grows with the square of its leaves; with at most 64 the
shares are those of trees without an end within 0.02, at 60 trials as at 150."""

Value = float | str
Numbers = dict[str, Value]


def with_importance(record: StudyRecord, random_seed: int) -> StudyRecord:
    """The same study with `StudyRecord.importance`.

    Takes a second or two, nearly all of it for fANOVA's forests, and hardly more of many trials.
    """
    return replace(record, importance=importances(record, random_seed))


def importances(record: StudyRecord, random_seed: int) -> tuple[Importance, ...]:
    """What each method, layer and kind of choice has to do with the score.

    Args:
        record: at least `FEWEST` complete trials within the budget that train modules.
        random_seed: of fANOVA's forests and of the random numbers for comparison.

    Returns:
        Empty with fewer trials, or where all scores are equal. A view in which nothing varies is
        left out.
    """
    trials = [t for t in record.complete if record.feasible(t) and t.architecture.modules]
    scores = [t.point[1] for t in trials]
    if len(trials) < FEWEST or len(set(scores)) < 2:
        return ()
    found: list[Importance] = []
    for by, rows in views(trials).items():
        found += _judged(by, rows, scores, random_seed)
    return tuple(found)


def views(trials: Sequence[TrialRecord]) -> dict[str, list[Numbers]]:
    """The numbers of every trial, by view."""
    made = [t.architecture for t in trials]
    methods = sorted({m.method for a in made for m in a.modules})
    layers = sorted({-1 if m.layer is None else m.layer for a in made for m in a.modules})
    return {
        "method": [{name: _total(a, name) for name in methods} for a in made],
        "layer": [
            {"embeddings" if n < 0 else str(n): _amount(a, None if n < 0 else n) for n in layers}
            for a in made
        ],
        "choice": [_choices(a) for a in made],
    }


def _total(a: Architecture, method: str) -> float:
    return math.log2(1 + sum(m.size for m in a.modules if m.method == method))


def _amount(a: Architecture, layer: int | None) -> float:
    return math.fsum(math.log2(1 + m.size) for m in a.modules if m.layer == layer)


def _choices(a: Architecture) -> Numbers:
    counts = Counter(m.method for m in a.modules)
    depths = [m.layer for m in a.modules if m.layer is not None]
    return {
        "main_method": min(counts, key=lambda name: (-counts[name], name)),
        "size": math.fsum(math.log2(m.size) for m in a.modules) / len(a.modules),
        "modules": float(len(a.modules)),
        "depth": sum(depths) / len(depths) if depths else 0.0,
        "gates": sum(m.gate is not None for m in a.modules) / len(a.modules),
        "learning_rate": math.log2(a.learning_rate_multiplier),
    }


def _judged(
    by: str, rows: Sequence[Numbers], scores: Sequence[float], random_seed: int
) -> list[Importance]:
    names = [name for name in rows[0] if len({row[name] for row in rows}) > 1]
    if not names:
        return []
    rng = random.Random(f"{random_seed} {by}")
    described = [
        {name: row[name] for name in names} | {name: rng.random() for name in RANDOM}
        for row in rows
    ]
    forests = FanovaImportanceEvaluator(n_trees=TREES, max_depth=DEPTH, seed=random_seed)
    study = _study(described, scores)
    explains = _shares(study, forests)
    apart: Mapping[str, float] = {}
    if len(scores) >= FEWEST_APART:
        apart = _shares(study, PedAnovaImportanceEvaluator(target_quantile=0.25))
    return [
        Importance(
            by=by,
            name=name,
            explains=explains[name],
            apart=apart.get(name),
            trend=_trend([row[name] for row in rows], scores),
            chance=max(explains[r] for r in RANDOM),
        )
        for name in names
    ]


def _study(rows: Sequence[Numbers], scores: Sequence[float]) -> optuna.Study:
    """An Optuna study in memory in which every trial has the same parameters."""
    spaces: dict[str, BaseDistribution] = {}
    for name in rows[0]:
        values = [row[name] for row in rows]
        numbers = [v for v in values if isinstance(v, float)]
        spaces[name] = (
            FloatDistribution(min(numbers), max(numbers))
            if numbers
            else CategoricalDistribution(sorted({str(v) for v in values}))
        )
    with quiet_optuna():
        study = optuna.create_study(direction="maximize")
    study.add_trials(
        [
            optuna.trial.create_trial(params=dict(row), distributions=spaces, value=score)
            for row, score in zip(rows, scores, strict=True)
        ]
    )
    return study


def _shares(study: optuna.Study, evaluator: BaseImportanceEvaluator) -> Mapping[str, float]:
    """Importances that sum to 1; 0 for what the evaluator has nothing to say about."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # experimental interfaces, and parameters of one value
        found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {name: float(found.get(name, 0.0)) for name in study.trials[0].params}


def _trend(values: Sequence[Value], scores: Sequence[float]) -> float | None:
    """Spearman's rank correlation with the score; None for what has no order."""
    if not all(isinstance(v, float) for v in values):
        return None
    found = float(spearmanr(values, scores).statistic)
    return found if math.isfinite(found) else None
