"""Ranks, recall and reciprocal ranks, counted by hand."""

import math

import numpy as np
import pytest
import torch

from autopelt.tasks.ranking import ranking_scores


def at(degrees):
    return [math.cos(math.radians(degrees)), math.sin(math.radians(degrees))]


def scores(*rows):
    """Of rows (query, its angle, positive, its angle)."""
    pairs = [(query, positive) for query, _, positive, _ in rows]
    return ranking_scores(pairs, [np.array([at(a), at(b)]) for _, a, _, b in rows])


def test_the_rank_of_each_positive_among_all_of_them():
    # Query 1 finds its text at once; query 2 is nearer to the text of 1, query 3 to both.
    found = scores((1, 0, 11, 5), (2, 10, 12, 90), (3, 40, 13, 180))
    assert found["recall@1"] == pytest.approx(1 / 3)
    assert found["recall@10"] == 1.0
    assert found["mrr@10"] == pytest.approx((1 + 1 / 2 + 1 / 3) / 3)


def test_a_query_with_two_positives_counts_once():
    found = scores((1, 0, 11, 5), (1, 0, 12, 10), (2, 40, 13, 100))
    # Query 1 has half of its texts first. Query 2 is nearer to both of those than to its own.
    assert found["recall@1"] == pytest.approx((1 / 2 + 0) / 2)
    assert found["mrr@10"] == pytest.approx((1 + 1 / 3) / 2)


def test_a_text_that_several_queries_want_is_there_once():
    found = scores((1, 0, 11, 5), (2, 30, 11, 5), (3, 90, 12, 80))
    assert found["recall@1"] == 1.0


def test_beyond_ten_counts_nothing():
    rows = [(n, 0, 100 + n, n) for n in range(12)]  # the nearest to all is the text of 0
    found = scores(*rows)
    assert found["recall@10"] == pytest.approx(10 / 12)
    assert found["mrr@10"] == pytest.approx(sum(1 / rank for rank in range(1, 11)) / 12)


def test_embeddings_that_are_all_alike_find_nothing():
    assert scores(*((n, 7, 100 + n, 7) for n in range(20)))["recall@10"] == 0.0


def test_the_same_by_sentence_transformers():
    """Its evaluator of information retrieval on random embeddings with several positives each."""
    evaluation = pytest.importorskip(
        "sentence_transformers.sentence_transformer.evaluation",
        reason="sentence-transformers is not installed",
    )
    draw = np.random.default_rng(0)
    pairs = [(int(q), 100 + int(p)) for q, p in draw.integers(0, 30, (60, 2))]
    vector = {key: draw.normal(size=8) for key in {k for pair in pairs for k in pair}}
    vector = {key: v / np.linalg.norm(v) for key, v in vector.items()}
    found = ranking_scores(pairs, [np.array([vector[q], vector[p]]) for q, p in pairs])

    class Known:
        similarity_fn_name = "cosine"
        similarity = staticmethod(lambda a, b: torch.as_tensor(a) @ torch.as_tensor(b).T)

        class model_card_data:  # noqa: N801
            @staticmethod
            def set_evaluation_metrics(*_):
                return None

        def encode_query(self, sentences, **_):
            return np.stack([vector[int(text)] for text in sentences])

        encode_document = encode = encode_query

    relevant: dict[str, set[str]] = {}
    for query, positive in pairs:
        relevant.setdefault(str(query), set()).add(str(positive))
    evaluator = evaluation.InformationRetrievalEvaluator(
        {key: key for key in relevant},
        {str(p): str(p) for _, p in pairs},
        relevant,
        mrr_at_k=[10],
        precision_recall_at_k=[1, 10],
        write_csv=False,
    )
    theirs = {name.removeprefix("cosine_"): value for name, value in evaluator(Known()).items()}
    for name, value in found.items():
        assert value == pytest.approx(theirs[name]), name
