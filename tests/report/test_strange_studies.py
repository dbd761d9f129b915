"""Whatever a study holds, every card is made or says why, and the page stands."""

import math
import random
from dataclasses import replace

import pytest
from example_studies import study

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.budget import Count
from autopelt.methods.module import EMBEDDINGS, Module
from autopelt.report.page import make_cards, page, tidy
from autopelt.space.space import SearchSpace
from autopelt.study.config import TrainingConfig
from autopelt.study.facts import BackboneFacts, TaskFacts
from autopelt.study.objectives import Objectives

STRANGE = (
    {"space": SearchSpace.load("tiny"), "objectives": Objectives(("score",))},
    {"space": SearchSpace.load("lora"), "training": TrainingConfig(epochs=1)},
)


def strange_trial(t, rng):
    """One trial with values at their edges."""
    odd = rng.choice
    score = odd((t.score, t.score, 0.0, 1.0, -0.3, 57.31, None, math.nan, math.inf))
    scores = odd((t.scores, (), (0.5,), (math.nan, 0.5), (0.1, 0.1, 0.1), (0.2,) * 40))
    state = odd(("complete", "complete", "failed", "running", "stopped"))
    modules = odd(
        (
            t.architecture.modules,
            t.architecture.modules,
            (),
            (Module("brand_new", "somewhere.else", 30, 7, "token", None, 64),),
            (Module("prompt", EMBEDDINGS, None, 5), Module("p_tuning", EMBEDDINGS, None, 3)),
        )
    )
    deployed = odd((t.count.deployed, t.count.deployed, 0, 1, 22_713_216))
    return replace(
        t,
        architecture=Architecture(modules, odd((1.0, 0.25)), full=odd((False, False, True))),
        count=Count(deployed, deployed, t.count.backbone),
        state=state,
        score=score,
        scores=scores,
        losses=odd((t.losses, (), (math.nan,), (1e9, 1e-9))),
        reason=odd(("", "out of memory", "two\nlines", "=1+1")),
        seconds=odd((t.seconds, {}, {"train": math.nan}, {"": 0.0}, {"train": 1e7})),
        started=odd((t.started, t.started, None, 0.0)),
        finished=odd((t.finished, t.finished, None, 1.0)),
        worker=odd(("", "a", "b")),
        believed=odd((t.believed, {}, {"mean": math.nan, "sd": 1.0}, {"mean": 0.5, "sd": -1.0})),
        label=odd(("", "", "unipelt", "~", "x" * 200)),
        origin=odd(("", "seed", "start", "model", "else")),
    )


def strange_study(seed):
    rng = random.Random(seed)
    base = study()
    trials = rng.sample(base.trials, rng.randrange(33))
    trials = [strange_trial(t, rng) if rng.random() < 0.7 else t for t in trials]
    odd = rng.choice
    return replace(
        base,
        trials=tuple(sorted(trials, key=lambda t: t.number)),
        limit=odd((1, 227_132, 10**9)),
        metric=odd(("accuracy", "mcc", "bleu", "")),
        config=odd((base.config, *(base.config.model_copy(update=u) for u in STRANGE))),
        task=odd((base.task, TaskFacts(), TaskFacts(selection=0), TaskFacts(labels=("a",)))),
        backbone=odd((base.backbone, BackboneFacts(), BackboneFacts(layers=1))),
        total=odd((0, 32, 1000)),
    )


@pytest.mark.parametrize("seed", range(60))
def test_no_card_breaks(seed):
    broken = [c.lead for c in make_cards(tidy(strange_study(seed))) if "could not be" in c.lead]
    assert broken == []


@pytest.mark.parametrize("seed", range(5))
def test_the_page_stands(seed):
    assert page(strange_study(seed)).endswith("</html>")
