"""Texts that find each other: a query, a text that fits it, maybe texts that do not.

A text's embedding is the mean of the backbone's last hidden states over its tokens, of length 1;
there is no task head. In training the positives and negatives of a whole batch are what a query
chooses from (Henderson et al. 2017, arXiv:1705.00652, section 4; sentence-transformers'
MultipleNegativesRankingLoss).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from autopelt.data.readers import Table
from autopelt.errors import UnavailableError, UsageError
from autopelt.tasks.base import PREDICTION, Task, complete
from autopelt.tasks.columns import find_column, texts
from autopelt.tasks.padding import MODEL_INPUTS, Batch, flattened, model_inputs, nested, tokenized
from autopelt.tasks.ranking import ranking_scores

if TYPE_CHECKING:
    from datasets import Dataset
    from torch import Tensor

SCALE = 20.0
"""Of cosines before the softmax: a temperature of 0.05."""

QUERIES = ("query", "anchor", "question", "sentence1")
POSITIVES = ("positive", "pos", "passage", "document", "answer", "sentence2")
RANKED = (("query", "positive"), ("anchor", "positive"), ("query", "pos"))
"""Pairs of names that say what a table is for."""

_NEGATIVE = re.compile(r"negatives?|neg|hard_negatives?|negative[ _.-]?\d+", re.IGNORECASE)
"""Usual names of columns."""


class Retrieval(Task):
    """Softmax over the other texts of a batch; cosine, times `SCALE`.

    A raw example has ``query``, ``positive`` and ``negatives`` (a list). A row of the encoded set
    has a list of token lists: the query, its positive, its negatives; in a batch they lie below
    each other. ``keys`` are numbers that equal texts share.
    """

    kind: ClassVar[str] = "retrieval"
    known_scores: ClassVar[tuple[str, ...]] = ("mrr@10", "recall@1", "recall@10")
    own_options: ClassVar[frozenset[str]] = frozenset({"text", "text_pair", "negatives"})
    head = "none"
    columns = ("query", "positive")
    usual_batch = 32

    @classmethod
    def raw(cls, table: Table, named: Mapping[str, str]) -> dict[str, list[Any]]:
        """Query, positive, negatives; a row for each positive where there is a list of them."""
        query = find_column(table, named, "text", *QUERIES)
        positive = find_column(table, named, "text_pair", *POSITIVES)
        queries = texts(table, query)
        against = negative_columns(table, named.get("negatives", ""))
        table.require(against)
        columns: dict[str, list[Any]] = {"query": [], "positive": [], "negatives": []}
        sides = {name: table.column(name) for name in (positive, *against)}

        def listed(row: int, *names: str) -> list[str]:
            return [n for name in names for n in _listed(table.where(row), name, sides[name][row])]

        for row, text in enumerate(queries):
            found, negatives = listed(row, positive), listed(row, *against)
            if not found:
                raise UnavailableError(
                    f"{table.where(row)} has an empty text in column '{positive}'; fill it or "
                    "remove the example."
                )
            for one in found:
                for name, value in zip(columns, (text, one, negatives), strict=True):
                    columns[name].append(value)
        return columns

    def unlabelled(self, table: Table, named: Mapping[str, str]) -> dict[str, list[Any]]:
        """Texts of either side; there is nothing to find."""
        known = {**getattr(self.origin, "named", {}), **named}
        usual = (known.get("text_pair", ""), *QUERIES, "text", "sentence", *POSITIVES)
        if "text" not in named and not (known.get("text") and known["text"] in table):
            known.pop("text", None)
        column = find_column(table, known, "text", *usual)
        nothing: dict[str, list[Any]] = {
            "positive": [""] * len(table),
            "negatives": [[]] * len(table),
        }
        return {"query": texts(table, column), **nothing}

    @property
    def outputs(self) -> int:
        """There is no head."""
        return 0

    def for_model(self, config: Any) -> Task:
        """Raises UsageError for an encoder-decoder, of which no one reads the encoder alone."""
        if config.is_encoder_decoder:
            raise UsageError(
                f"task '{self.name}' makes embeddings, for which a model of the family "
                f"'{config.model_type}' would have to be taken apart; use an encoder or a decoder."
            )
        return self

    def groups(self, dataset: Dataset) -> Sequence[Any]:
        """Examples that share a query or a positive, directly or by others, stay together.

        A group is named by the first of its texts in the alphabet, wherever that stands.
        """
        import numpy as np
        from scipy.sparse import coo_matrix
        from scipy.sparse.csgraph import connected_components

        known: dict[str, int] = {}
        pairs = np.array(
            [
                [known.setdefault(text.strip(), len(known)) for text in pair]
                for pair in zip(dataset["query"][:], dataset["positive"][:], strict=True)
            ]
        )
        ones = np.ones(len(pairs), dtype=np.int8)
        graph = coo_matrix((ones, pairs.T), shape=(len(known), len(known)))
        _, component = connected_components(graph, directed=False)
        names: dict[int, str] = {}
        for text, group in zip(known, component.tolist(), strict=True):
            names[group] = min(text, names.get(group, text))
        return [names[group] for group in component[pairs[:, 0]].tolist()]

    def encode_batch(
        self, batch: Mapping[str, list[Any]], tokenizer: Any, max_length: int
    ) -> dict[str, list[Any]]:
        """Tokenise each text by itself."""
        sides = zip(batch["query"], batch["positive"], batch["negatives"], strict=True)
        rows = [
            [query, *([positive] if positive else []), *more] for query, positive, more in sides
        ]
        flat = tokenized(tokenizer, [text for row in rows for text in row], max_length=max_length)
        columns = nested(flat, [len(row) for row in rows])
        for key in ("length", "full_length"):
            columns[key] = [max(row) for row in columns[key]]
        return {**columns, "keys": [[_key(text) for text in row] for row in rows]}

    def collate(self, rows: Sequence[Mapping[str, Any]], tokenizer: Any) -> Batch:
        """Model inputs (texts, tokens), ``keys`` (texts,) and ``texts`` (rows,), their number."""
        import torch

        keys = torch.tensor([key for row in rows for key in row["keys"]], dtype=torch.long)
        counts = torch.tensor([len(row["keys"]) for row in rows], dtype=torch.long)
        return {**model_inputs(flattened(rows), tokenizer), "keys": keys, "texts": counts}

    def inputs(self, batch: Batch) -> Batch:
        """Without what is not for the model."""
        return {key: batch[key] for key in MODEL_INPUTS if key in batch}

    def embeddings(self, outputs: Any, batch: Batch) -> Tensor:
        """Of all texts of a batch: (texts, hidden), of length 1."""
        from torch.nn.functional import normalize

        mask = batch["attention_mask"].unsqueeze(-1).float()
        states = outputs.last_hidden_state.float() * mask
        return normalize(states.sum(dim=1) / mask.sum(dim=1).clamp(min=1e-9), dim=-1)

    def loss_of_scores(self, outputs: Any, batch: Batch) -> Tensor:
        """Cross-entropy of each query's positive among all positives and negatives of the batch.

        Other texts that are known to fit the query do not count as wrong.
        """
        import torch
        from torch.nn.functional import cross_entropy

        made, keys, counts = self.embeddings(outputs, batch), batch["keys"], batch["texts"]
        first = counts.cumsum(0) - counts
        offered = torch.ones_like(keys, dtype=torch.bool)
        offered[first] = False
        right = first - torch.arange(len(first), device=first.device)  # among what is offered
        scores = SCALE * made[first] @ made[offered].T
        same_query = keys[first][:, None] == keys[first]
        fits = keys[first + 1][:, None] == keys[offered]
        known = (same_query.float() @ fits.float()).bool()
        known[torch.arange(len(first), device=first.device), right] = False
        return cross_entropy(scores.masked_fill(known, -torch.inf), right)

    loss = loss_of_scores
    """The model computes none."""

    def predictions(self, outputs: Any, batch: Batch) -> list[Any]:
        """Embeddings of query and positive: arrays of shape (2, hidden)."""
        first = batch["texts"].cumsum(0) - batch["texts"]
        made = self.embeddings(outputs, batch)
        both = made[first[:, None] + first.new_tensor([0, 1])]
        return list(both.detach().cpu().numpy())

    def answers(self, model: Any, batch: Batch, tokenizer: Any) -> Sequence[Any]:
        """The embedding of each query, as numbers."""
        first = batch["texts"].cumsum(0) - batch["texts"]
        made = self.embeddings(model(**self.inputs(batch)), batch)[first]
        return [[round(value, 7) for value in row] for row in made.tolist()]

    def worded(self, answers: Sequence[Any], encoded: Dataset) -> list[dict[str, Any]]:
        """The embedding."""
        return [{PREDICTION: answer} for answer in answers]

    def score(self, predictions: Sequence[Any], encoded: Dataset) -> dict[str, float]:
        """How well each query finds its positives among those of all rows."""
        complete(predictions, encoded)
        pairs = [row[:2] for row in encoded["keys"][:]]
        scores = ranking_scores(pairs, predictions)
        return {self.metric.name: scores.pop(self.metric.name), **scores}


def negative_columns(table: Table, named: str = "") -> list[str]:
    """The columns of negatives: those that the user named, with commas between, or the usual."""
    if named and named in table:
        return [named]
    if named:
        return [name.strip() for name in named.split(",") if name.strip()]
    return [name for name in table.columns if _NEGATIVE.fullmatch(name)]


def _listed(where: str, column: str, value: Any) -> list[str]:
    """A text or a list of texts, without empty ones. Raises UnavailableError for anything else."""
    listed = value if isinstance(value, list) else [] if value is None else [value]
    if not all(isinstance(text, str) for text in listed):
        raise UnavailableError(
            f"{where} has neither a text nor a list of texts in column '{column}'."
        )
    return [text for text in listed if text.strip()]


def _key(text: str) -> int:
    """A number of 63 bits that equal texts share."""
    digest = hashlib.blake2b(text.strip().encode(), digest_size=8).digest()
    return int.from_bytes(digest) >> 1
