"""Cuts: stratified, in whole groups, the same for the same random seed."""

from collections import Counter

import pytest
from datasets import Dataset
from hypothesis import given
from hypothesis import strategies as st

from autopelt.data.source import DataFacts, Parts
from autopelt.data.splits import content_hash, draw, selection_size
from autopelt.errors import UnavailableError
from autopelt.tasks import Source
from autopelt.tasks.classification import Classification


@pytest.mark.parametrize(
    ("examples", "size"), [(4, 1), (250, 62), (635, 158), (2490, 249), (67349, 2000)]
)
def test_selection_is_a_tenth_within_bounds(examples, size):
    assert selection_size(examples) == size


@given(
    strata=st.lists(st.sampled_from("aabc"), min_size=1, max_size=200),
    share=st.floats(0.0, 1.0),
    seed=st.integers(0, 100),
)
def test_a_draw_is_stratified_to_within_one_example(strata, share, seed):
    size = int(share * len(strata))
    drawn = draw(size, len(strata), seed, 1, strata=strata)
    assert drawn == sorted(set(drawn))
    assert len(drawn) == size
    assert drawn == draw(size, len(strata), seed, 1, strata=strata)
    found, whole = Counter(strata[i] for i in drawn), Counter(strata)
    rare = sum(0 < size * n / len(strata) < 1 for n in whole.values())
    for name, n in whole.items():
        assert abs(found[name] - size * n / len(strata)) < 1 + rare


def test_every_class_is_drawn_at_least_once_where_that_fits():
    strata = ["often"] * 97 + ["rare"] * 3
    assert Counter(strata[i] for i in draw(10, 100, 0, 1, strata=strata))["rare"] == 1


def test_groups_are_never_torn_apart():
    groups = [n // 7 for n in range(100)]
    drawn = draw(20, 100, 0, 1, groups=groups)
    assert 20 <= len(drawn) < 27
    assert {groups[i] for i in drawn}.isdisjoint(groups[i] for i in range(100) if i not in drawn)


def test_the_hash_tells_examples_apart_not_how_they_are_stored():
    rows = [{"text": f"t{n}", "label": n % 2} for n in range(3000)]
    data = Dataset.from_list(rows)
    picked = Dataset.from_list([*rows, {"text": "more", "label": 0}]).select(range(3000))
    assert content_hash(data) == content_hash(picked)
    assert content_hash(data) != content_hash(data.select([*range(1, 3000), 0]))


class _Rows:
    def __init__(self, rows):
        self.rows = rows

    def find(self, source):
        return Parts({"train": lambda: Dataset.from_list(self.rows)}, DataFacts("x", ""))


def test_too_few_examples_and_too_many_wanted(tmp_path):
    def task(examples):
        rows = [{"text": f"t{n}", "label": str(n % 2)} for n in range(examples)]
        return Classification("few", "", _Rows(rows))

    with pytest.raises(UnavailableError, match="has 3 training examples, too few"):
        task(3).load(Source())
    splits = task(40).load(Source(train_examples=1000))
    assert splits.facts.notes == ("1000 training examples were asked for; there are 23.",)
    assert len(splits.train) == 23
