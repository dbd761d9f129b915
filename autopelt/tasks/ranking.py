"""How well queries find their texts: recall and mean reciprocal rank over a corpus."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any

import numpy as np

AT_ONCE = 512
"""Queries whose similarities are computed together."""


def ranking_scores(pairs: Sequence[tuple[int, int]], embeddings: Sequence[Any]) -> dict[str, float]:
    """Means over the distinct queries; the corpus is the distinct positives.

    A text that is as similar as a positive is taken to stand before it, so embeddings that are all
    alike find nothing.

    Args:
        pairs: numbers of the texts of query and positive; equal texts have equal numbers.
        embeddings: of each pair, an array of shape (2, hidden); of length 1.

    Returns:
        ``mrr@10``: 1 / rank of the first positive, 0 beyond ten; ``recall@1`` and ``recall@10``:
        share of a query's positives among the first.
    """
    corpus: dict[int, int] = {}
    queries: dict[int, int] = {}
    fitting: dict[int, set[int]] = {}
    for row, (query, positive) in enumerate(pairs):
        corpus.setdefault(positive, row)
        queries.setdefault(query, row)
        fitting.setdefault(query, set()).add(positive)
    place = {key: i for i, key in enumerate(corpus)}
    texts = np.stack([embeddings[row][1] for row in corpus.values()])
    asked = np.stack([embeddings[row][0] for row in queries.values()])
    mrr, first, ten = [], [], []
    for start in range(0, len(asked), AT_ONCE):
        block = asked[start : start + AT_ONCE] @ texts.T
        for similar, query in zip(block, list(queries)[start : start + AT_ONCE], strict=True):
            right = np.array([place[key] for key in fitting[query]])
            others = np.delete(similar, right)
            own = -np.sort(-similar[right])
            ranks = [1 + i + int((others >= value).sum()) for i, value in enumerate(own)]
            mrr.append(1 / ranks[0] if ranks[0] <= 10 else 0.0)
            first.append(sum(rank <= 1 for rank in ranks) / len(ranks))
            ten.append(sum(rank <= 10 for rank in ranks) / len(ranks))
    return {"mrr@10": fmean(mrr), "recall@1": fmean(first), "recall@10": fmean(ten)}
