"""One text or a pair of texts, and any number of labels for it."""

from __future__ import annotations

import copy
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from autopelt.data.readers import Table
from autopelt.errors import UnavailableError
from autopelt.tasks.base import PREDICTION, PROBABILITIES, Task, complete, labels_of
from autopelt.tasks.classification import Classification
from autopelt.tasks.columns import text_columns
from autopelt.tasks.label_sets import label_sets
from autopelt.tasks.padding import Batch, model_inputs
from autopelt.tasks.thresholds import SET_SCORES, best_thresholds

if TYPE_CHECKING:
    from datasets import Dataset
    from torch import Tensor

THRESHOLD = "threshold {}"
"""Name of a label's threshold beside the scores of the split on which it was chosen."""


class MultiLabel(Classification):
    """A yes or no for each label; after `load` a raw example's ``label`` is a list of 0 and 1.

    From which probability on an example has a label is chosen on the selection split, by the F1 of
    the label. The thresholds stand with that split's scores, and so with the trained model.
    """

    kind: ClassVar[str] = "multi_label"
    problem_type = "multi_label_classification"
    known_scores: ClassVar[tuple[str, ...]] = tuple(SET_SCORES)
    own_options: ClassVar[frozenset[str]] = frozenset(
        {"text", "group", "text_pair", "label", "label_names", "separator"}
    )
    thresholds: Sequence[float] | None = None

    @classmethod
    def raw(cls, table: Table, named: Mapping[str, str]) -> dict[str, list[Any]]:
        """Text or pair, and the list of labels."""
        return text_columns(table, named) | {"label": label_sets(table, named)}

    @classmethod
    def classes_in(cls, columns: Mapping[str, list[Any]]) -> Sequence[Sequence[str]]:
        """Its labels."""
        return columns["label"]

    @classmethod
    def usual_score(cls, table: Table, named: Mapping[str, str]) -> tuple[str, str]:
        """Micro F1."""
        return cls.known_scores[0], ""

    @classmethod
    def settings(cls, named: Mapping[str, str], score: str) -> dict[str, Any]:
        """All scores are told."""
        others = [name for name in cls.known_scores if name != score]
        return {"scores": (score, *others), "pair": bool(named.get("text_pair"))}

    def learn_labels(self, train: Dataset) -> None:
        """The labels of train, sorted. Raises UnavailableError for fewer than two."""
        if not self.labels:
            self.labels = tuple(sorted({label for labels in train["label"] for label in labels}))
        if len(self.labels) < 2:
            raise UnavailableError(
                f"task '{self.name}': the training examples have {len(self.labels)} different "
                "labels; it takes two at least."
            )

    def strata(self, dataset: Dataset) -> None:  # type: ignore[override]  # there is no one class
        """None: an example is of several classes."""

    def finish(self, dataset: Dataset, part: str, notes: list[str]) -> Dataset:
        """Replace labels by a yes or no for each; refuse unknown ones."""
        self.check_texts(dataset, part, notes)
        index = {name: i for i, name in enumerate(self.labels)}
        values = []
        for row, labels in enumerate(dataset["label"][:], 1):
            unknown = [label for label in labels if label not in index]
            if unknown:
                raise UnavailableError(
                    f"task '{self.name}': the {part} data has the label '{unknown[0]}' (example "
                    f"{row}), which no training example has."
                )
            values.append([int(name in labels) for name in self.labels])
        counts = Counter(sum(value) for value in values)
        if part == "train":
            notes.append(
                f"{len(self.labels)} labels; {counts[0]:,} of {len(values):,} training examples "
                f"have none, {counts.total() - counts[0] - counts[1]:,} more than one."
            )
        return dataset.remove_columns("label").add_column("label", values)

    def names_of(self, label: Any) -> list[str]:
        """Names of the labels that it has."""
        return [name for name, has in zip(self.labels, label, strict=True) if has]

    def collate(self, rows: Sequence[Mapping[str, Any]], tokenizer: Any) -> Batch:
        """Model inputs of shape (rows, tokens) and ``labels``, 0 or 1: (rows, labels), float."""
        import torch

        labels = torch.tensor([row["labels"] for row in rows], dtype=torch.float32)
        return {**model_inputs(rows, tokenizer), "labels": labels}

    def prior(self, train: Dataset) -> list[float] | None:
        """Logarithms of each label's odds; half an example more on both sides keeps them finite."""
        counts = np.sum(labels_of(train), axis=0)
        return [math.log((n + 0.5) / (len(train) - n + 0.5)) for n in counts.tolist()]

    def loss_of_scores(self, outputs: Any, batch: Batch) -> Tensor:
        """Binary cross-entropy, the mean over examples and labels."""
        from torch.nn.functional import binary_cross_entropy_with_logits

        return binary_cross_entropy_with_logits(self.logits(outputs).float(), batch["labels"])

    loss = loss_of_scores

    def inputs(self, batch: Batch) -> Batch:
        """Without labels: those to predict for have none, of whatever length."""
        return {key: value for key, value in batch.items() if key != "labels"}

    def predictions(self, outputs: Any, batch: Batch) -> list[Any]:
        """The probability of each label."""
        shares: list[list[float]] = self.logits(outputs).float().sigmoid().tolist()
        return shares

    answers = Task.answers

    def decided(self, selection: Mapping[str, float]) -> Task:
        """With the thresholds of its labels."""
        names = [THRESHOLD.format(label) for label in self.labels]
        if not all(name in selection for name in names):
            return self
        task = copy.copy(self)
        task.thresholds = [selection[name] for name in names]
        return task

    def score(self, predictions: Sequence[Any], encoded: Dataset) -> dict[str, float]:
        """The task's scores; with the thresholds, where these examples choose them."""
        complete(predictions, encoded)
        gold = np.asarray(labels_of(encoded), dtype=bool)
        shares = np.asarray(predictions, dtype=float)
        known = self.thresholds
        chosen = best_thresholds(gold, shares) if known is None else np.asarray(known)
        scores = {name: SET_SCORES[name](gold, shares > chosen) for name in self.scores}
        if known is None:
            names = map(THRESHOLD.format, self.labels)
            scores |= dict(zip(names, chosen.tolist(), strict=True))
        return scores

    def constant(self, train: Dataset) -> Any | None:
        """The likeliest labels, as many as score best, or the likeliest set."""
        gold = np.asarray(labels_of(train), dtype=bool)
        order = np.argsort(-gold.sum(axis=0), kind="stable")
        sets = [np.isin(np.arange(len(order)), order[:n]) for n in range(1, len(order) + 1)]
        sets.append(np.asarray(Counter(map(tuple, gold.tolist())).most_common(1)[0][0]))
        score = SET_SCORES[self.metric.name]
        best = max(sets, key=lambda answer: score(gold, np.tile(answer, (len(gold), 1))))
        return best.astype(float).tolist()

    def worded(self, answers: Sequence[Any], encoded: Dataset) -> list[dict[str, Any]]:
        """The labels, likeliest first, and the probabilities of all."""
        limits = self.thresholds or [0.5] * len(self.labels)
        told = []
        for shares in answers:
            known = sorted(zip(shares, limits, self.labels, strict=True), key=lambda k: -k[0])
            labels = [name for share, limit, name in known if share > limit]
            told.append({PREDICTION: labels, PROBABILITIES: dict(zip(self.labels, shares))})
        return told
