"""What a study would cost, before it runs: from its space, and from training a few real steps."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from autopelt.architecture.architecture import Architecture
from autopelt.space.bound import BoundSpace
from autopelt.space.points import sample_feasible
from autopelt.system.units import format_bytes, format_seconds, format_share
from autopelt.training.context import Context, Split
from autopelt.training.loop import release, train_epochs
from autopelt.training.sampled_texts import allowance, samples
from autopelt.training.spec import Setup
from autopelt.training.threads import cpu_threads
from autopelt.workflows.memory import Memory, sentence
from autopelt.workflows.plan import Plan, default_threads

DRAWN = 2000
"""Architectures that are drawn to learn about the space."""

STEPS, WARM_UP = 6, 2
"""Training steps that are timed, and those before them that are not."""

PAGE_BYTES, TRIAL_BYTES = 4 * 2**20, 25_000
"""Of the report with its own copy of plotly.js, and what a trial adds to page and database."""


@dataclass(frozen=True)
class Price:
    """What a study would cost.

    Attributes:
        log10_size: decimal logarithm of the number of architectures in the space.
        feasible_share: of the space's architectures, drawn choice by choice, within the budget.
        parameters: quantile ("0", "0.25", …) -> deployed parameters of proposals.
        load_seconds: a worker takes to load model and data, once.
        step_seconds: of one training step.
        score_seconds: of scoring the selection split once.
        trial_seconds: of one trial; with the most that texts beside its metric may take.
        study_seconds: of all trials, `workers` at a time; the sampler's own time is not in it.
        disk_bytes: that the study's folder takes at most.
        memory: of the workers, by what it is for, and what is free; None where that is not known.
    """

    log10_size: float
    feasible_share: float
    parameters: Mapping[str, int]
    load_seconds: float
    step_seconds: float
    score_seconds: float
    trial_seconds: float
    study_seconds: float
    disk_bytes: int
    memory: Memory | None


def price(plan: Plan) -> Price:
    """Estimate a study: draw architectures, load model and data, train a few steps.

    Raises:
        UnavailableError: model or data are not to be had.
        TrialFailure: the few steps fail.
    """
    space, config = plan.space, plan.config
    memory = None if plan.forecast is None else plan.forecast.of(config)  # before a model is here
    rng = np.random.default_rng(config.random_seed)
    points = sample_feasible(space, rng, DRAWN)
    costs = np.sort(space.costs(points))
    quantiles = {f"{q:g}": int(np.quantile(costs, q)) for q in (0, 0.25, 0.5, 0.75, 1)}
    middle = points[np.argsort(space.costs(points))[len(points) // 2]]
    load, step, score, texts = _measure(plan, space.decode(tuple(int(v) for v in middle)))
    steps = math.ceil((plan.facts.task.train or 0) / config.training.batch_size)
    train, scoring = (config.training.epochs * part for part in (steps * step, score))
    trial = train + scoring
    if texts:  # at most
        trial += allowance({"train": train, "score": scoring})
    rounds = math.ceil(config.trials / config.workers)
    weights = 4 * (plan.limit + plan.facts.head)
    return Price(
        math.log10(space.size),
        feasible_share(space, rng),
        quantiles,
        load,
        step,
        score,
        trial,
        load + rounds * trial,
        PAGE_BYTES + config.trials * TRIAL_BYTES + (config.workers + 2) * weights,
        memory,
    )


def feasible_share(space: BoundSpace, rng: np.random.Generator, draws: int = DRAWN) -> float:
    """Share of architectures within the budget when every choice is drawn evenly."""
    drawn = [
        space.canonical([int(rng.integers(len(d.values))) for d in space.dimensions])
        for _ in range(draws)
    ]
    costs = space.costs(np.array(drawn, dtype=np.int64))
    return float(np.mean((costs >= max(1, space.minimum)) & (costs <= space.limit)))


def _measure(plan: Plan, architecture: Architecture) -> tuple[float, float, float, bool]:
    """Seconds of loading, of a step, of scoring the selection split; whether texts are sampled."""
    config = plan.config
    with cpu_threads(default_threads(config.workers)):
        begun = time.perf_counter()
        context = Context(Setup.of(config))
        load = time.perf_counter() - begun
        whole = len(context.splits["selection"].rows)
        batch, draw = config.training.batch_size, random.Random(config.random_seed)
        training = config.training.model_copy(update={"epochs": 1})
        kept, scored_at_once = dict(context.splits), context.task.scoring_batch
        seconds: Mapping[str, float] = {}
        for steps in (WARM_UP, STEPS):
            context.splits["train"] = _part(kept["train"], steps * batch, draw)
            context.splits["selection"] = _part(kept["selection"], 2 * scored_at_once, draw)
            for result in train_epochs(context, architecture, training, config.random_seed):
                seconds = result.seconds
            release(context)
        done = math.ceil(len(context.splits["train"].rows) / batch)
        scored = len(context.splits["selection"].rows)
        step, score = seconds.get("train", 0.0) / done, seconds["score"] * whole / scored
        return load, step, score, samples(context.task)


def _part(split: Split, examples: int, draw: random.Random) -> Split:
    """Random examples of a split, so that their lengths are typical; neighbours stay in order."""
    count = len(split.rows)
    return split.select(sorted(draw.sample(range(count), min(examples, count))))


def sentences(plan: Plan, cost: Price) -> list[str]:
    """The price for a person."""
    config, whole = plan.config, plan.facts.backbone.parameters
    least, few, _, many, most = (
        f"{n:,} ({format_share(n / whole)})" for n in cost.parameters.values()
    )
    return [
        f"space {config.space.name}: {len(plan.space.dimensions)} choices, about "
        f"10^{cost.log10_size:.1f} architectures, "
        f"{cost.feasible_share:.1%} of them within {plan.limit:,} parameters",
        f"parameters of a trial: {least} to {most}, half of them {few} to {many}",
        f"time: {format_seconds(cost.step_seconds)} a step, "
        f"{format_seconds(cost.score_seconds)} to score, so about "
        f"{format_seconds(cost.trial_seconds)} a trial of {config.training.epochs} epochs; "
        f"{format_seconds(cost.study_seconds)} for {config.trials} trials, {config.workers} at a "
        f"time (the sampler's own time and what the caches save are not counted)",
        f"disk: at most {format_bytes(cost.disk_bytes)}",
        *([] if cost.memory is None else [sentence(cost.memory)]),
    ]
