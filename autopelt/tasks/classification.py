"""One text or a pair of texts, and a class or a number for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any, ClassVar

from autopelt.data.source import Origin
from autopelt.errors import UnavailableError
from autopelt.tasks.base import Batch, Metric, Task, complete, labels_of
from autopelt.tasks.padding import ROWS, joined, model_inputs, tokenized
from autopelt.tasks.prior import log_shares
from autopelt.tasks.scores import SCORES

if TYPE_CHECKING:
    from datasets import Dataset
    from torch import Tensor


class Classification(Task):
    """Softmax over classes; a raw example has ``text``, maybe ``text_pair``, and ``label``.

    After `load`, ``label`` is the index in `labels`.

    Args:
        scores: names from `autopelt.tasks.scores.SCORES`; the first is the metric.
        labels: names of the classes in order; empty: those of train, sorted.
    """

    kind: ClassVar[str] = "classification"

    def __init__(
        self,
        name: str,
        title: str,
        origin: Origin,
        *,
        pair: bool,
        scores: Sequence[str] = ("accuracy",),
        labels: Sequence[str] = (),
        max_length: int = 128,
    ) -> None:
        self.name, self.title, self.origin = name, title, origin
        self.head = "sequence_classification"
        self.scores = tuple(scores)
        self.metric = Metric(self.scores[0])
        self.columns = ("text", "text_pair") if pair else ("text",)
        self.labels = tuple(labels)
        self.max_length = max_length

    def learn_labels(self, train: Dataset) -> None:
        """Unless they are given, the classes are the distinct labels of train, sorted."""
        if not self.labels:
            self.labels = tuple(sorted({str(label) for label in train["label"]}))

    def strata(self, dataset: Dataset) -> Sequence[Any]:
        """The class."""
        return dataset["label"][:]

    def finish(self, dataset: Dataset, part: str, notes: list[str]) -> Dataset:
        """Replace names of classes by their index; refuse unknown and single classes."""
        self.check_texts(dataset, part, notes)
        index = {name: i for i, name in enumerate(self.labels)}
        values = [index.get(str(label)) for label in dataset["label"][:]]
        for row, value in enumerate(values, 1):
            if value is None:
                label = dataset["label"][row - 1]
                raise UnavailableError(
                    f"task '{self.name}': the {part} data has the label '{label}' (example "
                    f"{row}), which is none of: {', '.join(self.labels)}."
                )
        if part == "train" and len(Counter(values)) < 2:
            only = self.labels[values[0] or 0]
            raise UnavailableError(
                f"task '{self.name}': all {len(values)} training examples have the label '{only}'; "
                "there is nothing to learn with one class."
            )
        return dataset.remove_columns("label").add_column("label", values)

    def check_texts(self, dataset: Dataset, part: str, notes: list[str]) -> None:
        """Refuse what is no text; note how many are empty (QQP has a few)."""
        for column in self.columns:
            values = dataset[column][:]
            for row, value in enumerate(values, 1):
                if not isinstance(value, str):
                    raise UnavailableError(
                        f"task '{self.name}': example {row} of the {part} data has no text in "
                        f"column '{column}', but '{value}'."
                    )
            empty = sum(not value.strip() for value in values)
            if empty:
                notes.append(f"{part}: {empty} of {len(values)} texts are empty.")

    def encode(self, dataset: Dataset, tokenizer: Any, max_length: int) -> Dataset:
        """Tokenise text or pair; ``labels`` is the class, or the number."""
        batches = []
        for batch in dataset.iter(batch_size=ROWS):
            texts = [batch[column] for column in self.columns]
            made = tokenized(tokenizer, *texts, max_length=max_length)
            batches.append({**made, "labels": batch["label"]})
        return joined(batches)

    def collate(self, rows: Sequence[Mapping[str, Any]], tokenizer: Any) -> Batch:
        """Model inputs of shape (rows, tokens) and ``labels`` of shape (rows,)."""
        import torch

        labels = [row["labels"] for row in rows]
        dtype = torch.float32 if self.kind == "regression" else torch.long
        return {**model_inputs(rows, tokenizer), "labels": torch.tensor(labels, dtype=dtype)}

    def prior(self, train: Dataset) -> list[float] | None:
        """Logarithms of the classes' shares."""
        return log_shares(train["labels"][:], len(self.labels))

    def loss_of_scores(self, outputs: Any, batch: Batch) -> Tensor:
        """Cross-entropy."""
        from torch.nn.functional import cross_entropy

        return cross_entropy(outputs.logits.float(), batch["labels"])

    def predictions(self, outputs: Any, batch: Batch) -> list[Any]:
        """Index of the most likely class."""
        found: list[int] = outputs.logits.argmax(dim=-1).tolist()
        return found

    def constant(self, train: Dataset) -> Any | None:
        """The class, of equals the most frequent one."""
        gold = labels_of(train)
        scores, counts = SCORES[self.metric.name], Counter(gold)
        return max(
            range(len(self.labels)), key=lambda c: (scores(gold, [c] * len(gold)), counts[c])
        )

    def score(self, predictions: Sequence[Any], encoded: Dataset) -> dict[str, float]:
        """The task's scores by name."""
        complete(predictions, encoded)
        gold = labels_of(encoded)
        return {name: SCORES[name](gold, list(predictions)) for name in self.scores}


class Regression(Classification):
    """One number for a text or a pair; squared error."""

    kind: ClassVar[str] = "regression"

    def learn_labels(self, train: Dataset) -> None:
        """There are no classes."""

    def strata(self, dataset: Dataset) -> Sequence[Any]:
        """Ten bins of equally many examples."""
        import numpy as np

        values = np.asarray(dataset["label"][:], dtype=float)
        edges = np.unique(np.quantile(values, np.linspace(0, 1, 11)[1:-1]))
        return np.searchsorted(edges, values, side="right").tolist()

    def finish(self, dataset: Dataset, part: str, notes: list[str]) -> Dataset:
        """Make numbers of the labels; refuse what is none."""
        import math

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
        return dataset.remove_columns("label").add_column("label", values)

    def prior(self, train: Dataset) -> list[float] | None:
        """The mean."""
        return [fmean(train["labels"][:])]

    def constant(self, train: Dataset) -> Any | None:
        """The mean; correlations with it are 0."""
        return fmean(labels_of(train))

    def loss_of_scores(self, outputs: Any, batch: Batch) -> Tensor:
        """Squared error."""
        from torch.nn.functional import mse_loss

        return mse_loss(outputs.logits.float().squeeze(-1), batch["labels"])

    def predictions(self, outputs: Any, batch: Batch) -> list[Any]:
        """The number."""
        found: list[float] = outputs.logits.float().squeeze(-1).tolist()
        return found
