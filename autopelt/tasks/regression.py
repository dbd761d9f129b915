"""One text or a pair of texts, and a number for it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, median, pstdev
from typing import TYPE_CHECKING, Any, ClassVar

from autopelt.data.readers import Table
from autopelt.errors import UnavailableError
from autopelt.tasks.base import Task, labels_of
from autopelt.tasks.classification import Classification
from autopelt.tasks.columns import numbers, text_columns
from autopelt.tasks.padding import Batch, model_inputs

if TYPE_CHECKING:
    from datasets import Dataset
    from torch import Tensor


class Regression(Classification):
    """One number for a text or a pair; squared error.

    A head learns numbers around 0 with a spread of 1: those of the training split are brought to
    that, and what the model says is brought back. See `Task.unit`.
    """

    kind: ClassVar[str] = "regression"
    problem_type = "regression"
    known_scores: ClassVar[tuple[str, ...]] = (
        "pearson_spearman",
        "pearson",
        "spearman",
        "r2",
        "rmse",
        "mae",
    )
    errors: ClassVar[frozenset[str]] = frozenset({"rmse", "mae"})
    own_options: ClassVar[frozenset[str]] = frozenset({"text", "group", "text_pair", "label"})
    answers, worded = Task.answers, Task.worded

    @classmethod
    def raw(cls, table: Table, named: Mapping[str, str]) -> dict[str, list[Any]]:
        """Text or pair, and the number."""
        return text_columns(table, named) | {"label": numbers(table, named)}

    @classmethod
    def classes_in(cls, columns: Mapping[str, list[Any]]) -> Sequence[Sequence[str]]:
        """There are no classes."""
        return ()

    @classmethod
    def settings(cls, named: Mapping[str, str], score: str) -> dict[str, Any]:
        """All scores are told."""
        others = [name for name in cls.known_scores if name != score]
        return {"scores": (score, *others), "pair": bool(named.get("text_pair"))}

    def learn_labels(self, train: Dataset) -> None:
        """There are no classes."""

    def strata(self, dataset: Dataset) -> Sequence[Any]:
        """Ten bins of equally many examples."""
        import numpy as np

        values = np.asarray(dataset["label"][:], dtype=float)
        edges = np.unique(np.quantile(values, np.linspace(0, 1, 11)[1:-1]))
        return np.searchsorted(edges, values, side="right").tolist()

    def finish(self, dataset: Dataset, part: str, notes: list[str]) -> Dataset:
        """Make numbers of the labels; refuse what is none, and one number for all."""
        self.check_texts(dataset, part, notes)
        values = []
        for row, label in enumerate(dataset["label"][:], 1):
            try:
                value = float(label)
            except (TypeError, ValueError):
                value = math.nan
            if not math.isfinite(value):
                raise UnavailableError(
                    f"task '{self.name}': the {part} data has the label '{label}' (example {row}); "
                    "a regression needs a finite number."
                )
            values.append(value)
        if part == "train" and len(set(values)) < 2:
            raise UnavailableError(
                f"task '{self.name}': all {len(values)} training examples have the number "
                f"{values[0]:g}; there is nothing to learn."
            )
        return dataset.remove_columns("label").add_column("label", values)

    def learn_from(self, train: Dataset) -> None:
        """Mean and standard deviation of the labels."""
        numbers = labels_of(train)
        self.unit = (fmean(numbers), pstdev(numbers) or 1.0)

    def collate(self, rows: Sequence[Mapping[str, Any]], tokenizer: Any) -> Batch:
        """Model inputs of shape (rows, tokens) and ``labels`` of shape (rows,), in `unit`."""
        import torch

        centre, scale = self.unit
        labels = [(row["labels"] - centre) / scale for row in rows]
        return {**model_inputs(rows, tokenizer), "labels": torch.tensor(labels)}

    def prior(self, train: Dataset) -> list[float] | None:
        """The mean."""
        return [0.0]

    def constant(self, train: Dataset) -> Any | None:
        """The median for absolute errors, else the mean; correlations with it are 0."""
        middle = median if self.metric.name == "mae" else fmean
        return middle(labels_of(train))

    def loss_of_scores(self, outputs: Any, batch: Batch) -> Tensor:
        """Squared error, in the labels' variance."""
        from torch.nn.functional import mse_loss

        return mse_loss(outputs.logits.float().squeeze(-1), batch["labels"])

    def predictions(self, outputs: Any, batch: Batch) -> list[Any]:
        """The number, as labels have it."""
        centre, scale = self.unit
        numbers: list[float] = outputs.logits.float().squeeze(-1).tolist()
        return [centre + scale * number for number in numbers]
