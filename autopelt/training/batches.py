"""Which examples make a batch: random, yet of like length, so that little padding is computed."""

from collections.abc import Iterator, Sequence

import torch

POOL = 16
"""Batches that are drawn together and sorted by length. On RTE a random batch of 16 pads its 70
tokens on average to 165; buckets out of 16 batches pad them to 77."""


def training_batches(
    lengths: Sequence[int], batch_size: int, generator: torch.Generator
) -> Iterator[list[int]]:
    """Indices of one epoch: every example once, random pools, sorted inside, in random order.

    Args:
        lengths: tokens of each example.
        batch_size: examples a batch; the last one may be smaller.
        generator: source of the order; it moves on, so the next epoch differs.
    """
    order = torch.randperm(len(lengths), generator=generator).tolist()
    batches: list[list[int]] = []
    for start in range(0, len(order), POOL * batch_size):
        pool = sorted(order[start : start + POOL * batch_size], key=lengths.__getitem__)
        batches += [pool[i : i + batch_size] for i in range(0, len(pool), batch_size)]
    for i in torch.randperm(len(batches), generator=generator).tolist():
        yield batches[i]


def scoring_batches(lengths: Sequence[int], batch_size: int) -> Iterator[list[int]]:
    """Every index once, longest first, so that memory is needed at once and never grows."""
    order = sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True)
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]
