"""A text and several continuations, of which one is right (COPA).

Each continuation is scored by itself with one output, softmax runs over the continuations: the
computation of transformers' ``ForMultipleChoice`` classes, with the head that every family has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from autopelt.data.source import Origin
from autopelt.errors import UnavailableError
from autopelt.tasks.base import Batch, Metric, Task, complete, labels_of
from autopelt.tasks.padding import MODEL_INPUTS, ROWS, joined, model_inputs, tokenized
from autopelt.tasks.scores import SCORES

if TYPE_CHECKING:
    from datasets import Dataset
    from torch import Tensor


class MultipleChoice(Task):
    """Softmax over continuations; a raw example has ``text``, ``choices`` (a list) and ``label``.

    A row of the encoded set has a list of token lists; in a batch they lie below each other, so
    tensors have shape (rows x choices, tokens).
    """

    kind: ClassVar[str] = "multiple_choice"

    def __init__(
        self,
        name: str,
        title: str,
        origin: Origin,
        *,
        labels: Sequence[str],
        max_length: int = 128,
    ) -> None:
        self.name, self.title, self.origin = name, title, origin
        self.head = "sequence_classification"
        self.metric = Metric("accuracy")
        self.columns = ("text", "choices")
        self.labels = tuple(labels)
        self.max_length = max_length

    @property
    def outputs(self) -> int:
        """One score for a continuation."""
        return 1

    def strata(self, dataset: Dataset) -> Sequence[Any]:
        """Which continuation is right."""
        return dataset["label"][:]

    def finish(self, dataset: Dataset, part: str, notes: list[str]) -> Dataset:
        """Replace labels by the index of the right continuation."""
        index = {name: i for i, name in enumerate(self.labels)}
        values = []
        for row, label in enumerate(dataset["label"][:], 1):
            if str(label) not in index:
                raise UnavailableError(
                    f"task '{self.name}': the {part} data has the label '{label}' (example "
                    f"{row}), which is none of: {', '.join(self.labels)}."
                )
            values.append(index[str(label)])
        return dataset.remove_columns("label").add_column("label", values)

    def encode(self, dataset: Dataset, tokenizer: Any, max_length: int) -> Dataset:
        """Tokenise each continuation together with the text."""
        width = len(self.labels)
        batches = []
        for batch in dataset.iter(batch_size=ROWS):
            texts = [text for text in batch["text"] for _ in range(width)]
            choices = [choice for row in batch["choices"] for choice in row]
            flat = tokenized(tokenizer, texts, choices, max_length=max_length)
            made: dict[str, list[Any]] = {
                key: [values[i : i + width] for i in range(0, len(values), width)]
                for key, values in flat.items()
            }
            for key in ("length", "full_length"):
                made[key] = [max(row) for row in made[key]]
            batches.append({**made, "labels": batch["label"]})
        return joined(batches)

    def collate(self, rows: Sequence[Mapping[str, Any]], tokenizer: Any) -> Batch:
        """Model inputs of shape (rows x choices, tokens) and ``labels`` of shape (rows,)."""
        import torch

        flat = [
            {key: row[key][choice] for key in MODEL_INPUTS if key in row}
            for row in rows
            for choice in range(len(self.labels))
        ]
        labels = torch.tensor([row["labels"] for row in rows], dtype=torch.long)
        return {**model_inputs(flat, tokenizer), "labels": labels}

    def inputs(self, batch: Batch) -> Batch:
        """Without labels, which are not one for each row that the model sees."""
        return {key: value for key, value in batch.items() if key != "labels"}

    def loss(self, outputs: Any, batch: Batch) -> Tensor:
        """Cross-entropy over the continuations."""
        from torch.nn.functional import cross_entropy

        return cross_entropy(outputs.logits.view(-1, len(self.labels)), batch["labels"])

    def loss_of_scores(self, outputs: Any, batch: Batch) -> Tensor:
        """As `loss`, which the model has no part in."""
        return self.loss(outputs, batch)

    def predictions(self, outputs: Any, batch: Batch) -> list[Any]:
        """Index of the most likely continuation."""
        found: list[int] = outputs.logits.view(-1, len(self.labels)).argmax(dim=-1).tolist()
        return found

    def constant(self, train: Dataset) -> Any | None:
        """The place that the right continuation has most often."""
        counts = Counter(labels_of(train))
        return max(range(len(self.labels)), key=lambda place: counts[place])

    def score(self, predictions: Sequence[Any], encoded: Dataset) -> dict[str, float]:
        """Accuracy."""
        complete(predictions, encoded)
        return {"accuracy": SCORES["accuracy"](labels_of(encoded), list(predictions))}
