"""Studies to make reports of: a realistic one of 32 trials, and the sparse ones that happen."""

import math
import random
from dataclasses import replace

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.budget import Count
from autopelt.methods.module import EMBEDDINGS, Module
from autopelt.space.space import Row, SearchSpace
from autopelt.study.config import StudyConfig, TrainingConfig
from autopelt.study.facts import BackboneFacts, TaskFacts
from autopelt.study.record import Belief, StudyRecord, TrialRecord

LAYERS, HIDDEN, BACKBONE, LIMIT = 6, 384, 22_713_216, 227_132
BEGAN = 1_780_000_000.0


def layered(*kinds, layers=range(LAYERS)):
    """The same modules in every layer: (method, location, size, gate)."""
    return Architecture(
        tuple(
            Module(m, where, layer, size, gate)
            for layer in layers
            for m, where, size, gate in kinds
        )
    )


def unipelt(adapter=24, lora=8, prefix=10, prompt=0):
    made = layered(
        ("sequential_adapter", "ffn", adapter, "auto"),
        ("lora", "attention.query", lora, "auto"),
        ("lora", "attention.value", lora, "auto"),
        ("prefix", "attention", prefix, "auto"),
    )
    extra = (Module("prompt", EMBEDDINGS, None, prompt),) if prompt else ()
    return made.with_modules((*made.modules, *extra))


def count(architecture):
    """Deployed parameters by formula; a gate has width + 1."""
    total = 0
    for m in architecture.modules:
        total += {
            "sequential_adapter": 2 * HIDDEN * m.size + m.size + HIDDEN,
            "parallel_adapter": 2 * HIDDEN * m.size + m.size + HIDDEN,
            "prefix": 2 * HIDDEN * m.size,
            "lora": 2 * HIDDEN * m.size,
            "prompt": HIDDEN * m.size,
        }[m.method]
        total += HIDDEN + 1 if m.gate else 0
    extra = 50_000 if any(m.method == "prefix" for m in architecture.modules) else 0
    return Count(total + extra, total, BACKBONE)


SEEDS = [
    ("head-only", Architecture()),
    ("unipelt", unipelt()),
    ("pt-unipelt", unipelt(prompt=10)),
    (
        "lora-r8",
        layered(("lora", "attention.query", 8, None), ("lora", "attention.value", 8, None)),
    ),
    ("adapter-pfeiffer", layered(("sequential_adapter", "ffn", 24, None))),
    ("unipelt~", unipelt(22, 7, 9)),
    ("pt-unipelt~", unipelt(21, 7, 9, 9)),
    ("prefix-10", layered(("prefix", "attention", 10, None))),
    ("mam", layered(("prefix", "attention", 30, None), ("parallel_adapter", "ffn", 192, None))),
    ("mam~", layered(("prefix", "attention", 4, None), ("parallel_adapter", "ffn", 38, None))),
    ("adapterdrop-2", layered(("sequential_adapter", "ffn", 24, None), layers=range(2, 6))),
    (
        "lora-r2",
        layered(("lora", "attention.query", 2, None), ("lora", "attention.value", 2, None)),
    ),
]


SPACE = SearchSpace(
    name="pelt",
    modules=(
        Row(
            method="lora",
            location=["attention.query", "attention.value"],
            sizes=(0, 1, 2, 4, 8, 16, 32),
        ),
    ),
)


def _sampled(rng):
    """An architecture of the default space within the budget."""
    while True:
        modules = []
        scale = rng.choice((1, 1, 2, 4, 8))
        for layer in range(rng.choice((0, 0, 1, 2, 3)), LAYERS):
            if rng.random() < 0.5:
                gate = rng.choice((None, "auto"))
                modules.append(
                    Module("sequential_adapter", "ffn", layer, rng.choice((3, 6)) * scale, gate)
                )
            if rng.random() < 0.35:
                modules.append(Module("prefix", "attention", layer, rng.choice((1, 2, 5)), None))
            if rng.random() < 0.5:
                size = rng.choice((1, 2, 4)) * scale
                modules += [
                    Module("lora", f"attention.{part}", layer, min(size, 32))
                    for part in ("query", "value")
                ]
            if rng.random() < 0.15:
                modules.append(Module("parallel_adapter", "ffn", layer, 3 * scale))
        if rng.random() < 0.3:
            modules.append(Module("prompt", EMBEDDINGS, None, rng.choice((2, 5, 10))))
        made = Architecture(tuple(modules), rng.choice((0.5, 1.0, 1.0, 2.0)))
        if modules and count(made).deployed <= LIMIT:
            return made


def _truth(architecture):
    """A plausible score: saturating in size, better high up, a little for having two methods."""
    value = 0.0
    for m in architecture.modules:
        depth = 0.5 if m.layer is None else 0.4 + 0.6 * (m.layer / (LAYERS - 1)) ** 0.7
        weight = {"sequential_adapter": 1.0, "lora": 0.5, "prefix": 0.35, "prompt": 0.3}.get(
            m.method, 0.7
        )
        value += depth * weight * (1 - math.exp(-m.size / 6))
    kinds = len({m.method for m in architecture.modules})
    return 0.548 + 0.115 * (1 - math.exp(-value / 2.2)) + 0.006 * min(kinds, 3)


def _trained(number, architecture, rng, label="", epochs=5):
    score = round(277 * min(0.99, _truth(architecture) + rng.gauss(0, 0.008))) / 277
    rise = [0.53 + (score - 0.53) * (1 - math.exp(-1.1 * (e + 1))) for e in range(epochs)]
    scores = [min(score, round(277 * (v + rng.gauss(0, 0.006))) / 277) for v in rise]
    scores[rng.choice((epochs - 1, epochs - 1, epochs - 2))] = score
    losses = [
        0.69 - 0.22 * (1 - math.exp(-0.5 * (e + 1))) + rng.gauss(0, 0.006) for e in range(epochs)
    ]
    worker, began = number % 2, BEGAN + (number // 2) * 31.0 + rng.uniform(0, 3)
    seconds = {"attach": 0.1, "train": rng.uniform(18, 25), "score": rng.uniform(1.5, 2.5)}
    model = number >= 18
    believed = {}
    if model:
        believed = {
            "mean": _truth(architecture) + rng.gauss(0, 0.006),
            "sd": 0.012,
            "acquisition": rng.uniform(0.0005, 0.004),
            "seconds": rng.uniform(0.8, 2.2),
        }
    return TrialRecord(
        number=number,
        architecture=architecture,
        count=count(architecture),
        state="complete",
        label=label,
        score=score,
        scores=tuple(scores),
        losses=tuple(losses),
        seconds=seconds,
        started=began,
        finished=began + sum(seconds.values()),
        worker=f"worker-{worker}",
        believed=believed,
        random_seed=1000 + number,
        origin="seed" if label else "model" if model else "start",
    )


def study(trials=32, name="rte-minilm-1pct", total=None, **changes):
    """A study as the default search makes it, deterministic: one failed, one stopped early."""
    rng = random.Random(7)
    made = [_trained(i, a, rng, label) for i, (label, a) in enumerate(SEEDS)]
    while len(made) < max(trials, len(SEEDS)):
        made.append(_trained(len(made), _sampled(rng), rng))
    made = made[:trials]
    if trials > 20:
        failed = made[15]
        made[15] = replace(
            failed,
            state="failed",
            score=None,
            scores=failed.scores[:2],
            losses=failed.losses[:2],
            reason="the loss became NaN in epoch 3; try --learning-rate-factor 0.5",
            log="epoch 3: loss nan, gradient norm inf",
        )
        stopped = made[20]
        made[20] = replace(
            stopped,
            state="stopped",
            score=None,
            scores=stopped.scores[:2],
            losses=stopped.losses[:2],
            stopped_because="after epoch 2 its score was below that of smaller trials",
        )
    values = {
        "name": name,
        "config": StudyConfig(
            task="rte",
            space=SPACE,
            trials=total or trials,
            early_stopping=True,
            training=TrainingConfig(max_length=128),
        ),
        "command": "autopelt search --task rte --data glue --budget 1% --trials 32 --workers 2",
        "metric": "accuracy",
        "limit": LIMIT,
        "backbone": BackboneFacts(
            name="minilm",
            family="bert",
            parameters=BACKBONE,
            layers=LAYERS,
            hidden=HIDDEN,
            revision="",
        ),
        "task": TaskFacts(
            name="rte",
            title="Recognising Textual Entailment (GLUE)",
            kind="sentence_pair",
            labels=("entailment", "not_entailment"),
            train=2213,
            selection=277,
            report=277,
            source="glue/RTE",
        ),
        "head": 770,
        "versions": {
            "autopelt": "0.1.0",
            "python": "3.11.9",
            "torch": "2.13.0",
            "transformers": "5.3.0",
        },
        "trials": tuple(made),
        "total": total or trials,
    }
    return StudyRecord(**(values | changes))


def repeated_study():
    """The study of 32 trials and eight trainings again, with what is believed after them.

    Two architectures are trained again: the one with the highest score, which turns out lower every
    time and learns nothing once, and another one found, which turns out better.
    """
    base = study(total=40)
    lucky, steady = base.best, [t for t in base.ranked if not t.label][1]
    rng = random.Random(3)
    again = []
    for first, scores in (
        (lucky, (-0.012, -0.016, None, -0.014)),
        (steady, (0.012, 0.006, 0.010, 0.008)),
    ):
        for off in scores:
            number = len(base.trials) + len(again)
            made = _trained(number, first.architecture, rng, first.label)
            score = 0.527 if off is None else first.score + off
            curve = (*made.scores[:-1], score)
            origin = {"origin": "repeat", "repeats": first.number, "believed": {}}
            again.append(replace(made, score=score, scores=curve, **origin))
    made = replace(base, trials=(*base.trials, *again))
    beliefs = {}
    for t in made.architectures:
        scores = [o.score for o in made.trainings_of(t)]
        n, lost = len(scores), len(made.collapsed(t))
        mean = (sum(scores) + 2 * _truth(t.architecture)) / (n + 2)
        learns = (n - lost + 9) / (n + 9)
        beliefs[t.architecture.id] = Belief(mean, 0.008 / (n + 1) ** 0.5, learns, n)
    return replace(made, beliefs=beliefs)


def running_study():
    """Ten of forty trials done, two running."""
    made = list(study(12, total=40).trials)
    for i in (10, 11):
        made[i] = replace(
            made[i], state="running", score=None, finished=None, scores=made[i].scores[:1]
        )
    return replace(study(12, total=40), trials=tuple(made))


def failed_study():
    """Three trials, all failed for one cause."""
    made = [
        replace(t, state="failed", score=None, scores=(), losses=(), reason="out of memory")
        for t in study(12).trials[:3]
    ]
    return replace(study(12), trials=tuple(made), total=3)


HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>%{x}</script><b>bold"


def hostile_study():
    """Every text that comes from outside tries to become markup."""
    base = study()
    trials = [
        replace(
            t,
            label=HOSTILE if t.label == "unipelt~" else t.label,
            reason=HOSTILE if t.reason else "",
        )
        for t in base.trials
    ]
    return replace(
        base,
        name=HOSTILE,
        command=f"autopelt search --task '{HOSTILE}'",
        metric=HOSTILE,
        task=base.task.model_copy(update={"name": HOSTILE, "source": HOSTILE}),
        backbone=base.backbone.model_copy(update={"name": HOSTILE}),
        versions={HOSTILE: HOSTILE},
        config=base.config.model_copy(update={"task": HOSTILE, "data": HOSTILE}),
        trials=tuple(replace(t, worker=HOSTILE) for t in trials),
    )
