"""Batches hold every example once and pad little."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from autopelt.training.batches import scoring_batches, training_batches

LENGTHS = st.lists(st.integers(1, 200), min_size=1, max_size=300)


@given(LENGTHS, st.integers(1, 40), st.integers(0, 99))
def test_an_epoch_holds_every_example_once(lengths: list[int], size: int, seed: int) -> None:
    batches = list(training_batches(lengths, size, torch.Generator().manual_seed(seed)))
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    assert all(1 <= len(batch) <= size for batch in batches)


@given(LENGTHS, st.integers(1, 40))
def test_scoring_sees_every_example_once_longest_first(lengths: list[int], size: int) -> None:
    order = [i for batch in scoring_batches(lengths, size) for i in batch]
    assert sorted(order) == list(range(len(lengths)))
    assert [lengths[i] for i in order] == sorted(lengths, reverse=True)


def test_order_follows_the_seed_and_changes_between_epochs() -> None:
    lengths = list(range(1, 101))
    generator = torch.Generator().manual_seed(3)
    first, second = (list(training_batches(lengths, 8, generator)) for _ in range(2))
    again = list(training_batches(lengths, 8, torch.Generator().manual_seed(3)))
    assert first == again
    assert first != second


def test_buckets_pad_much_less_than_random_batches() -> None:
    generator = torch.Generator().manual_seed(0)
    lengths = (torch.rand(2000, generator=generator) ** 3 * 200 + 10).int().tolist()

    def padded(batches: list[list[int]]) -> int:
        return sum(max(lengths[i] for i in b) * len(b) for b in batches)

    bucketed = padded(list(training_batches(lengths, 16, generator)))
    order = torch.randperm(2000, generator=generator).tolist()
    random = padded([order[i : i + 16] for i in range(0, 2000, 16)])
    assert bucketed < 0.6 * random
