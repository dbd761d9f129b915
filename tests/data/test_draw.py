"""What a cut and a draw take: by hash, stratified, in whole groups, whatever stands around."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopelt.data.draw import CUT, draw, part, share

NAMES = [f"text {n}" for n in range(5000)]


@pytest.mark.parametrize(
    ("examples", "size"), [(8, 2), (250, 62.5), (635, 158), (2490, 249), (67349, 2000)]
)
def test_a_split_is_about_a_tenth_within_bounds(examples, size):
    assert share(examples) * examples == pytest.approx(size, rel=0.13)


def test_the_share_never_grows_and_has_few_steps():
    shares = [share(n) for n in range(4, 100_000)]
    assert shares == sorted(shares, reverse=True)
    assert len(set(shares)) < 15


@pytest.mark.parametrize("examples", [40, 300, 1200, 4000])
def test_one_more_example_moves_no_other(examples):
    """35 of 100 held-out examples became training examples when a row was appended."""
    strata = [n % 3 for n in range(examples + 1)]
    wanted = share(examples)
    for seed in range(20):
        before = part(NAMES[:examples], wanted, seed, CUT, strata[:examples])
        after = part(NAMES[: examples + 1], share(examples + 1), seed, CUT, strata)
        assert set(before) == set(after) - {examples}


@pytest.mark.parametrize(("before", "after"), [(500, 1000), (999, 1010), (2100, 4900)])
def test_however_much_a_file_grows_nothing_comes_from_train(before, after):
    for seed in range(5):
        now = part(NAMES[:after], share(after), seed, CUT)
        assert {i for i in now if i < before} <= set(part(NAMES[:before], share(before), seed, CUT))


def test_a_sorted_file_is_cut_alike():
    order = random.Random(0).sample(range(1000), 1000)
    sorted_ = part(NAMES[:1000], 0.2, 0, CUT)
    mixed = part([NAMES[i] for i in order], 0.2, 0, CUT)
    assert {order[i] for i in mixed} == set(sorted_)


@given(
    keys=st.lists(st.sampled_from(NAMES[:60]), min_size=8, max_size=200),
    seed=st.integers(0, 100),
)
def test_equal_keys_stay_together_and_half_stays_at_least(keys, seed):
    chosen = part(keys, share(len(keys)), seed, CUT)
    assert chosen == sorted(set(chosen))
    assert 2 * len(chosen) <= len(keys)
    taken = set(chosen)
    assert {keys[i] for i in taken}.isdisjoint(keys[i] for i in range(len(keys)) if i not in taken)
    assert chosen or max(Counter(keys).values()) > len(keys) / 2


def test_where_a_few_keys_have_most_examples_the_part_is_still_reached():
    for seed in range(50):
        chosen = part([NAMES[n % 4] for n in range(400)], 0.25, seed, CUT)
        assert len(chosen) in (100, 200)
    assert part(["one"] * 50, 0.25, 0, CUT) == []


def test_classes_get_their_share_and_stand_on_both_sides():
    strata = [n % 50 == 0 for n in range(4000)]
    chosen = part(NAMES[:4000], 0.1, 0, CUT, strata)
    assert 4 <= sum(strata[i] for i in chosen) <= 14
    for seed in range(40):
        few = ["often"] * 97 + ["rare"] * 2 + ["once"]
        found = Counter(few[i] for i in part(NAMES[:100], 0.25, seed, CUT, few))
        assert found["rare"] == 1
        assert found["once"] == 0


@given(
    strata=st.lists(st.sampled_from("aabc"), min_size=1, max_size=200),
    share=st.floats(0.0, 1.0),
    seed=st.integers(0, 100),
)
def test_a_draw_is_stratified_to_within_one_example(strata, share, seed):
    size, keys = int(share * len(strata)), NAMES[: len(strata)]
    drawn = draw(size, keys, seed, strata)
    assert drawn == sorted(set(drawn))
    assert len(drawn) == size
    assert drawn == draw(size, keys, seed, strata)
    found, whole = Counter(strata[i] for i in drawn), Counter(strata)
    rare = sum(0 < size * n / len(strata) < 1 for n in whole.values())
    for name, n in whole.items():
        assert abs(found[name] - size * n / len(strata)) < 1 + rare


def test_every_class_is_drawn_at_least_once_where_that_fits():
    strata = ["often"] * 97 + ["rare"] * 3
    assert Counter(strata[i] for i in draw(10, NAMES[:100], 0, strata))["rare"] == 1


def test_one_more_example_moves_one_other_at_most_in_a_draw():
    before = draw(50, NAMES[:400], 0)
    for more in range(401, 440):
        after = draw(50, NAMES[:more], 0)
        assert len({i for i in after if i < more - 1} ^ {i for i in before if i < more - 1}) <= 1
        before = after
