"""Groups of examples, and the score without each of them."""

import numpy as np

from autopelt.training.example_groups import GROUPS, example_groups


def test_groups_are_even_and_keep_an_example_together() -> None:
    groups = example_groups([{}] * 100, 0)
    counts = np.bincount(groups)
    assert len(counts) == GROUPS
    assert set(counts.tolist()) <= {2, 3}
    rows = [{"example": i // 3} for i in range(30)]
    groups = example_groups(rows, 0)
    assert all(len(set(groups[i : i + 3])) == 1 for i in range(0, 30, 3))
    assert len(set(groups)) == 10
