"""Groups of examples, and the score without each of them."""

from types import SimpleNamespace

import numpy as np
from datasets import Dataset

from autopelt.tasks import make_task
from autopelt.training.example_groups import GROUPS, example_groups, without_groups


def test_groups_are_even_and_keep_an_example_together() -> None:
    groups = example_groups([{}] * 100, 0)
    counts = np.bincount(groups)
    assert len(counts) == GROUPS
    assert set(counts.tolist()) <= {2, 3}
    rows = [{"example": i // 3} for i in range(30)]
    groups = example_groups(rows, 0)
    assert all(len(set(groups[i : i + 3])) == 1 for i in range(0, 30, 3))
    assert len(set(groups)) == 10


def test_each_group_is_left_out_of_rows_that_were_selected_before() -> None:
    rng, task = np.random.default_rng(0), make_task("demo")
    whole = Dataset.from_dict(
        {"labels": rng.integers(0, 2, 60).tolist(), "input_ids": [[1, 2]] * 60}
    )
    encoded = whole.select(range(5, 55))
    predictions = rng.integers(0, 2, 50).tolist()
    split = SimpleNamespace(rows=encoded.to_list(), encoded=encoded)
    context = SimpleNamespace(splits={"report": split}, setup=SimpleNamespace(random_seed=3))
    found = without_groups(context, "report", predictions, task)
    groups = np.array(example_groups(split.rows, 3))
    right = np.equal(predictions, encoded["labels"][:])
    assert np.allclose(found, [right[groups != group].mean() for group in range(GROUPS)])
