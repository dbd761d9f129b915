"""Small studies of which nothing was trained, by number: of all shapes that a reader may meet."""

import random
from dataclasses import replace

from small_record import STUDY, trial

from autopelt.study.facts import TaskFacts
from autopelt.study.record import Belief, StudyRecord


def made_up(seed: int) -> StudyRecord:
    """A study of at most six trials, with and without what is believed of them."""
    chance = random.Random(seed)
    trials = [
        trial(
            n,
            chance.choice([1, 2, 3, 4, 6, 8, 10]),
            round(0.7 + chance.choice([0.02, 0.2]) * chance.uniform(-1, 1), 3),
            label=chance.choice(["", f"lora-r{n}"]),
        )
        for n in range(chance.randint(1, 6))
    ]
    made = replace(STUDY, trials=tuple(trials), total=len(trials))
    if chance.random() < 0.6:
        known = {
            t.architecture.id: Belief(
                t.point[1] + chance.uniform(-0.01, 0.01), chance.choice([0.005, 0.02, 0.05]), 1.0, 1
            )
            for t in made.architectures
        }
        made = replace(made, beliefs=known)
    return replace(made, task=TaskFacts()) if chance.random() < 0.3 else made
