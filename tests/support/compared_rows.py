"""Rows of a comparison with made-up trainings, on 400 examples of the report split."""

import numpy as np

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.budget import Count
from autopelt.cards.comparison_rows import HAND, Row
from autopelt.methods.module import Module
from autopelt.study.ledger import Training

EXAMPLES, GROUPS, BACKBONE = 400, 40, 100_000


def row(
    name: str,
    right: int | None,
    deployed: int,
    within: str = "",
    role: str = HAND,
    selection: float | None = None,
    times: float | None = None,
) -> Row:
    """A row, with three trainings unless `right` is None.

    Args:
        right: of the examples in its middle training; others differ by three.
        within: names of its budgets.
        selection: score, of the rate's training and of all others; of None that on the report
            split.
        times: latency over the bare backbone's.
    """
    trainings = []
    for seed in range(0 if right is None else 3):
        order = np.random.default_rng([right or 0, seed]).permutation(EXAMPLES)
        answers = order < (right or 0) + 3 * (seed - 1)
        places = np.arange(EXAMPLES) % GROUPS
        without = tuple(float(answers[places != g].mean()) for g in range(GROUPS))
        score = float(answers.mean())
        known = score if selection is None else selection
        trainings.append(Training(seed, score, known, 1, without, examples=EXAMPLES))
    swept = selection if right is None or selection is not None else right / EXAMPLES
    made = Architecture((Module("lora", "ffn", 0, deployed),))
    return Row(
        name,
        made,
        Count(deployed, deployed, BACKBONE),
        1.0,
        tuple(trainings),
        {} if times is None else {"times_bare_1": times},
        rates=(0.5, 1.0, 2.0),
        role=role,
        within=tuple(within.split()),
        swept=swept,
    )
