"""A text and several continuations, of which one is right (COPA).

Each continuation is scored by itself with one output, softmax runs over the continuations: the
computation of transformers' ``ForMultipleChoice`` classes, with the head that every family has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from autopelt.data.source import Origin
from autopelt.tasks.classification import Classification, label_indices
from autopelt.tasks.padding import MODEL_INPUTS, Batch, model_inputs, tokenized

if TYPE_CHECKING:
    from datasets import Dataset
    from torch import Tensor


class MultipleChoice(Classification):
    """Softmax over continuations; a raw example has ``text``, ``choices`` (a list) and ``label``.

    A row of the encoded set has a list of token lists; in a batch they lie below each other, so
    tensors have shape (rows x choices, tokens).
    """

    kind: ClassVar[str] = "multiple_choice"
    problem_type = None
    known_scores: ClassVar[tuple[str, ...]] = ("accuracy",)

    def __init__(self, name: str, title: str, origin: Origin, **options: Any) -> None:
        super().__init__(name, title, origin, **options)
        self.columns = ("text", "choices")

    @property
    def outputs(self) -> int:
        """One score for a continuation."""
        return 1

    def finish(self, dataset: Dataset, part: str, notes: list[str]) -> Dataset:
        """Replace labels by the index of the right continuation."""
        values = label_indices(self, dataset, part)
        return dataset.remove_columns("label").add_column("label", values)

    def encode_batch(
        self, batch: Mapping[str, list[Any]], tokenizer: Any, max_length: int
    ) -> dict[str, list[Any]]:
        """Tokenise each continuation together with the text."""
        width = len(self.labels)
        texts = [text for text in batch["text"] for _ in range(width)]
        choices = [choice for row in batch["choices"] for choice in row]
        flat = tokenized(tokenizer, texts, choices, max_length=max_length)
        nested: dict[str, list[Any]] = {
            key: [values[i : i + width] for i in range(0, len(values), width)]
            for key, values in flat.items()
        }
        for key in ("length", "full_length"):
            nested[key] = [max(row) for row in nested[key]]
        return {**nested, "labels": batch["label"]}

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

    def prior(self, train: Dataset) -> list[float] | None:
        """None: one output scores every continuation."""
        return None

    def inputs(self, batch: Batch) -> Batch:
        """Without labels, which are not one for each row that the model sees."""
        return {key: value for key, value in batch.items() if key != "labels"}

    def loss_of_scores(self, outputs: Any, batch: Batch) -> Tensor:
        """Cross-entropy over the continuations."""
        from torch.nn.functional import cross_entropy

        return cross_entropy(self.logits(outputs), batch["labels"])

    loss = loss_of_scores
    """The model does not know which rows belong together."""

    def logits(self, outputs: Any) -> Tensor:
        """One for each continuation: shape (rows, choices)."""
        logits: Tensor = outputs.logits.view(-1, len(self.labels))
        return logits
