"""Dropout on a processor: as often as asked, right in the mean, and the rest as PyTorch has it."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import dropout, scaled_dot_product_attention

from autopelt.training.dropout import LEVELS, FastDropout

RARE = 1 / LEVELS
"""A probability at which nothing is dropped from a few hundred elements, with the seeds here."""


@given(p=st.floats(0.001, 0.999), n=st.integers(1, 3000), seed=st.integers(0, 2**31))
def test_so_many_are_dropped_and_the_others_make_up_for_it(p: float, n: int, seed: int) -> None:
    torch.manual_seed(seed)
    x = torch.full((n,), 2.0, requires_grad=True)
    with FastDropout():
        y = dropout(x, p)
    level = round(p * LEVELS) / LEVELS
    kept = y != 0
    assert abs(int(kept.sum()) - n * (1 - level)) <= 6 * math.sqrt(n * level * (1 - level)) + 1
    torch.testing.assert_close(y[kept], torch.full_like(y[kept], 2 / (1 - level)))
    y.sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad, kept / (1 - level))


def test_elements_are_dropped_independently_of_their_neighbours() -> None:
    torch.manual_seed(0)
    with FastDropout():
        kept = (dropout(torch.ones(400_000), 0.3) != 0).double().view(-1, 4)
    correlation = torch.corrcoef(kept.T) - torch.eye(4)
    assert float(correlation.abs().max()) < 5 / math.sqrt(len(kept))


def test_the_random_seed_decides() -> None:
    x = torch.randn(5, 7)

    def one(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        with FastDropout():
            return nn.Dropout(0.5)(x)

    assert torch.equal(one(1), one(1))
    assert not torch.equal(one(1), one(2))


def test_what_drops_nothing_or_everything_is_pytorchs() -> None:
    x, module = torch.randn(5, 7), nn.Dropout(0.5).eval()
    with FastDropout():
        assert torch.equal(module(x), x)
        assert torch.equal(dropout(x, 0.0), x)
        assert not dropout(x, 1.0).any()
        assert nn.functional.dropout(x.clone(), 0.5, inplace=True).shape == x.shape


MASKS = {
    "none": None,
    "bool": torch.rand(2, 1, 5, 6, generator=torch.Generator().manual_seed(0)) > 0.3,
    "a query without keys": torch.tensor([[True] * 6] * 4 + [[False] * 6]),
    "float": torch.randn(2, 3, 5, 6, generator=torch.Generator().manual_seed(0)),
}


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("scale", [None, 0.7])
def test_attention_is_pytorchs_but_for_what_is_dropped(mask: str, scale: float | None) -> None:
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, 3, n, 8, requires_grad=True) for n in (5, 6, 6))
    wanted = scaled_dot_product_attention(q, k, v, MASKS[mask], scale=scale)
    with FastDropout():
        made = scaled_dot_product_attention(q, k, v, MASKS[mask], dropout_p=RARE, scale=scale)
    torch.testing.assert_close(made, wanted, rtol=1e-4, atol=1e-4)
    weights = torch.randn_like(wanted)
    for got, right in zip(
        torch.autograd.grad(made, (q, k, v), weights),
        torch.autograd.grad(wanted, (q, k, v), weights),
        strict=True,
    ):
        torch.testing.assert_close(got, right, rtol=1e-3, atol=1e-4)


def test_attention_drops_shares_not_numbers_of_its_result() -> None:
    q, k, v = torch.zeros(1, 1, 1, 4), torch.zeros(1, 1, 10, 4), torch.eye(10)[None, None]
    torch.manual_seed(0)
    with FastDropout():
        made = scaled_dot_product_attention(q, k, v, dropout_p=0.5).flatten()
    assert {round(x, 3) for x in made.tolist()} == {0.0, 0.2}


def test_causal_attention_is_left_to_pytorch() -> None:
    q = torch.randn(1, 1, 4, 8)
    torch.manual_seed(0)
    wanted = scaled_dot_product_attention(q, q, q, dropout_p=0.5, is_causal=True)
    torch.manual_seed(0)
    with FastDropout():
        made = scaled_dot_product_attention(q, q, q, dropout_p=0.5, is_causal=True)
    assert torch.equal(made, wanted)
