"""A text and several continuations, of which one is right (COPA, ARC, HellaSwag, SWAG).

Each continuation is scored by itself with one output, softmax runs over the continuations: the
computation of transformers' ``ForMultipleChoice`` classes, with the head that every family has.
Examples may have different numbers of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from autopelt.data.readers import Table
from autopelt.data.source import Origin
from autopelt.errors import UnavailableError
from autopelt.tasks.base import labels_of
from autopelt.tasks.choices import FORMS, asked, form_of, labels
from autopelt.tasks.classification import Classification, most_likely
from autopelt.tasks.padding import MODEL_INPUTS, Batch, flattened, model_inputs, nested, tokenized

if TYPE_CHECKING:
    from datasets import Dataset
    from torch import Tensor


class MultipleChoice(Classification):
    """Softmax over continuations; a raw example has ``text``, ``choices`` (a list) and ``label``.

    A row of the encoded set has a list of token lists; in a batch they lie below each other, so
    tensors have shape (continuations of all rows, tokens). `labels` are how the choices of the
    example with the most are called; none where a label is the choice's text.
    """

    kind: ClassVar[str] = "multiple_choice"
    problem_type = None
    known_scores: ClassVar[tuple[str, ...]] = ("accuracy",)
    own_options: ClassVar[frozenset[str]] = frozenset(
        {"text", "group", "text_pair", "choices", "label"}
    )
    columns = ("text", "choices")

    def __init__(self, name: str, title: str, origin: Origin, **options: Any) -> None:
        super().__init__(name, title, origin, **options)
        self.columns = ("text", "choices")

    @classmethod
    def raw(cls, table: Table, named: Mapping[str, str]) -> dict[str, list[Any]]:
        """Text, choices, and the label as it is written."""
        return {**asked(table, named), "label": labels(table, named)}

    @classmethod
    def classes_in(cls, columns: Mapping[str, list[Any]]) -> Sequence[Sequence[str]]:
        """Each example has its own."""
        return ()

    @classmethod
    def settings(cls, named: Mapping[str, str], score: str) -> dict[str, Any]:
        """The metric."""
        return {"scores": (score,)}

    def unlabelled(self, table: Table, named: Mapping[str, str]) -> dict[str, list[Any]]:
        """Text and choices, and a filler for the label."""
        known = getattr(self.origin, "named", {"text": "text", "choices": "choices"})
        return {**asked(table, {**known, **named}), "label": [0] * len(table)}

    @property
    def outputs(self) -> int:
        """One score for a continuation."""
        return 1

    def learn_labels(self, train: Dataset) -> None:
        """How choices are called, by the labels of train."""
        choices = train["choices"][:]
        form = form_of(self.name, [str(label) for label in train["label"]], choices)
        self.labels = () if form == "text" else tuple(FORMS[form](max(choices, key=len)))

    def names(self, choices: Sequence[str]) -> list[str]:
        """What the choices of an example are called."""
        return FORMS[self.labels[0] if self.labels else "text"](choices)

    def finish(self, dataset: Dataset, part: str, notes: list[str]) -> Dataset:
        """Replace labels by the index of the right continuation."""
        values = []
        for row, (label, choices) in enumerate(zip(dataset["label"], dataset["choices"]), 1):
            names = self.names(choices)
            if str(label) not in names:
                raise UnavailableError(
                    f"task '{self.name}': the {part} data has the label '{label}' (example {row}), "
                    f"which is none of: {', '.join(names)}."
                )
            values.append(names.index(str(label)))
        return dataset.remove_columns("label").add_column("label", values)

    def encode_batch(
        self, batch: Mapping[str, list[Any]], tokenizer: Any, max_length: int
    ) -> dict[str, list[Any]]:
        """Tokenise each continuation together with the text; ``names`` is what they are called."""
        pairs = list(zip(batch["text"], batch["choices"], strict=True))
        texts = [text for text, choices in pairs for _ in choices]
        flat = tokenized(
            tokenizer, texts, [c for _, choices in pairs for c in choices], max_length=max_length
        )
        columns = nested(flat, [len(choices) for _, choices in pairs])
        for key in ("length", "full_length"):
            columns[key] = [max(row) for row in columns[key]]
        names = [self.names(choices) for _, choices in pairs]
        return {**columns, "labels": batch["label"], "names": names}

    def collate(self, rows: Sequence[Mapping[str, Any]], tokenizer: Any) -> Batch:
        """Model inputs (continuations of all rows, tokens), ``labels`` and ``choices`` (rows,)."""
        import torch

        labels = torch.tensor([row["labels"] for row in rows], dtype=torch.long)
        counts = torch.tensor([len(row["input_ids"]) for row in rows], dtype=torch.long)
        return {**model_inputs(flattened(rows), tokenizer), "labels": labels, "choices": counts}

    def prior(self, train: Dataset) -> list[float] | None:
        """None: one output scores every continuation."""
        return None

    def inputs(self, batch: Batch) -> Batch:
        """Without what is not for each row that the model sees."""
        return {key: batch[key] for key in MODEL_INPUTS if key in batch}

    def loss_of_scores(self, outputs: Any, batch: Batch) -> Tensor:
        """Cross-entropy over the continuations."""
        from torch.nn.functional import cross_entropy

        return cross_entropy(self.by_choice(outputs, batch), batch["labels"])

    loss = loss_of_scores
    """The model does not know which rows belong together."""

    def by_choice(self, outputs: Any, batch: Batch) -> Tensor:
        """A score for each continuation, -inf where a row has fewer: (rows, most choices)."""
        import torch

        counts = batch["choices"]
        there = torch.arange(int(counts.max()), device=counts.device) < counts[:, None]
        flat: Tensor = outputs.logits.float().flatten()
        return flat.new_full(there.shape, -torch.inf).masked_scatter(there, flat)

    def predictions(self, outputs: Any, batch: Batch) -> list[Any]:
        """Index of the most likely continuation."""
        places: list[int] = self.by_choice(outputs, batch).argmax(dim=-1).tolist()
        return places

    def answers(self, model: Any, batch: Batch, tokenizer: Any) -> Sequence[Any]:
        """The probability of each continuation."""
        shares = self.by_choice(model(**self.inputs(batch)), batch).softmax(dim=-1).tolist()
        return [row[:count] for row, count in zip(shares, batch["choices"].tolist(), strict=True)]

    def worded(self, answers: Sequence[Any], encoded: Dataset) -> list[dict[str, Any]]:
        """What the likeliest is called, its probability and those of all."""
        return [most_likely(names, row) for names, row in zip(encoded["names"], answers)]

    def constant(self, train: Dataset) -> Any | None:
        """The place that is right most often."""
        return Counter(labels_of(train)).most_common(1)[0][0]
