"""One text or a pair of texts, and a class for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from autopelt.data.readers import Table
from autopelt.data.source import Origin
from autopelt.errors import UnavailableError, UsageError, did_you_mean, parameter
from autopelt.tasks.base import PREDICTION, PROBABILITIES, PROBABILITY, Task, complete, labels_of
from autopelt.tasks.columns import class_names, some, text_columns
from autopelt.tasks.padding import Batch, model_inputs, tokenized
from autopelt.tasks.prior import balanced_weights, log_shares
from autopelt.tasks.scores import OF_ONE_CLASS, measured

if TYPE_CHECKING:
    from datasets import Dataset
    from torch import Tensor

RARE = 0.1
"""A class with a smaller share of the examples is one that accuracy hardly sees, unless there are
so many classes that it has half of an equal share."""


class Classification(Task):
    """Softmax over classes; a raw example has ``text``, maybe ``text_pair``, and ``label``.

    After `load`, ``label`` is the index in `labels`.

    Args:
        pair: there is a ``text_pair``.
        scores: names from `autopelt.tasks.scores.SCORES`.
        labels: names of the classes in order; empty: those of train, sorted.
        positive: name of the class of which F1 is told, where there are two; empty: the second of
            classes that are given, of others the rarer one of train.
        class_weights: ``balanced``: all classes count the same in the loss; empty: all examples.
    """

    kind: ClassVar[str] = "classification"
    problem_type: ClassVar[str | None] = "single_label_classification"
    known_scores: ClassVar[tuple[str, ...]] = (
        "accuracy",
        "macro_f1",
        "weighted_f1",
        "micro_f1",
        "f1",
        "matthews",
        "accuracy_f1",
        "accuracy_macro_f1",
    )
    own_options: ClassVar[frozenset[str]] = frozenset(
        {"text", "group", "text_pair", "label", "label_names", "positive", "class_weights"}
    )
    head = "sequence_classification"
    positive: int = 1
    weights: Sequence[float] | None = None

    def __init__(
        self,
        name: str,
        title: str,
        origin: Origin,
        *,
        pair: bool = False,
        positive: str = "",
        class_weights: str = "",
        **options: Any,
    ) -> None:
        super().__init__(name, title, origin, **options)
        self.columns = ("text", "text_pair") if pair else ("text",)
        self._positive, self.class_weights = positive, class_weights

    @classmethod
    def raw(cls, table: Table, named: Mapping[str, str]) -> dict[str, list[Any]]:
        """Text or pair, and the name of the class."""
        return text_columns(table, named) | {"label": class_names(table, named)}

    @classmethod
    def classes_in(cls, columns: Mapping[str, list[Any]]) -> Sequence[Sequence[str]]:
        """The label alone."""
        return [[label] for label in columns["label"]]

    @classmethod
    def usual_score(cls, table: Table, named: Mapping[str, str]) -> tuple[str, str]:
        """Macro F1 where accuracy would hardly see the rarest class."""
        if "macro_f1" not in cls.known_scores:  # of choices, and of numbers
            return super().usual_score(table, named)
        counts = Counter(class_names(table, named))
        rarest = min(sorted(counts), key=counts.__getitem__, default="")
        few = min(RARE, 0.5 / max(1, len(counts))) * counts.total()
        if len(counts) < 2 or counts[rarest] >= few:
            return super().usual_score(table, named)
        return "macro_f1", f"'{rarest}' has {counts[rarest]:,} of {counts.total():,} rows only"

    @classmethod
    def settings(cls, named: Mapping[str, str], score: str) -> dict[str, Any]:
        """Accuracy and macro F1 are told beside the metric, F1 where its class is named."""
        told = ("accuracy", "macro_f1", *(["f1"] if named.get("positive") else []))
        return {
            "scores": (score, *(name for name in told if name != score)),
            "pair": bool(named.get("text_pair")),
            "positive": named.get("positive", ""),
            "class_weights": named.get("class_weights", ""),
        }

    def learn_labels(self, train: Dataset) -> None:
        """Unless they are given, the classes are the distinct labels of train, sorted.

        Raises:
            UsageError: a score of one class is asked for, and there are more than two, or not it.
        """
        if self.labels:
            return
        counts = Counter(str(label) for label in train["label"])
        self.labels = tuple(sorted(counts))
        bound = [name for name in self.scores if name in OF_ONE_CLASS]
        if not bound:
            return
        if len(counts) > 2:
            given = parameter("positive", self._positive) if self._positive else f"'{bound[0]}'"
            shown = ", ".join(self.labels[:5]) + (", …" if len(counts) > 5 else "")
            raise UsageError(
                f"{given} is about one class of two, and there are {len(counts)} ({shown}); "
                f"{parameter('score')} may be macro_f1 or weighted_f1."
            )
        if self._positive and self._positive not in counts:
            raise UsageError(
                f"{parameter('positive', self._positive)} is no label: "
                f"{did_you_mean(self._positive, self.labels)}"
            )
        rarer = min(self.labels[::-1], key=counts.__getitem__)
        self.positive = self.labels.index(self._positive or rarer)

    def strata(self, dataset: Dataset) -> Sequence[Any]:
        """The class."""
        return dataset["label"][:]

    def finish(self, dataset: Dataset, part: str, notes: list[str]) -> Dataset:
        """Replace names of classes by their index; refuse unknown and single classes."""
        self.check_texts(dataset, part, notes)
        values = label_indices(self, dataset, part)
        if part == "train" and len(Counter(values)) < 2:
            only = self.labels[values[0]]
            raise UnavailableError(
                f"task '{self.name}': all {len(values)} training examples have the label '{only}'; "
                "there is nothing to learn with one class."
            )
        bound = [name for name in self.scores if name in OF_ONE_CLASS]
        if part == "train" and bound:
            name, count = self.labels[self.positive], values.count(self.positive)
            other = "" if self._positive else "; another may be named as positive"
            notes.append(
                f"{' and '.join(bound)}: of the class '{name}', which {count:,} of "
                f"{len(values):,} training examples have{other}."
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

    def encode_batch(
        self, batch: Mapping[str, list[Any]], tokenizer: Any, max_length: int
    ) -> dict[str, list[Any]]:
        """Tokenise text or pair; ``labels`` is the class."""
        texts = [batch[column] for column in self.columns]
        return {**tokenized(tokenizer, *texts, max_length=max_length), "labels": batch["label"]}

    def collate(self, rows: Sequence[Mapping[str, Any]], tokenizer: Any) -> Batch:
        """Model inputs of shape (rows, tokens) and ``labels`` of shape (rows,)."""
        import torch

        labels = torch.tensor([row["labels"] for row in rows], dtype=torch.long)
        return {**model_inputs(rows, tokenizer), "labels": labels}

    def learn_from(self, train: Dataset) -> None:
        """The weights of the classes, where all of them are to count the same."""
        if self.class_weights:
            self.weights = balanced_weights(labels_of(train), len(self.labels))

    def prior(self, train: Dataset) -> list[float] | None:
        """Logarithms of the classes' shares; of classes that count the same, none is likelier."""
        if self.weights is not None:
            return [0.0] * len(self.labels)
        return log_shares(train["labels"][:], len(self.labels))

    def loss(self, outputs: Any, batch: Batch) -> Tensor:
        """The model's own, which knows no weights."""
        own = self.weights is None
        return super().loss(outputs, batch) if own else self.loss_of_scores(outputs, batch)

    def loss_of_scores(self, outputs: Any, batch: Batch) -> Tensor:
        """Cross-entropy; each example times its class's weight."""
        from torch.nn.functional import cross_entropy

        logits, labels = self.logits(outputs).float(), batch["labels"]
        if self.weights is None:
            return cross_entropy(logits, labels)
        weights = logits.new_tensor(self.weights)
        return cross_entropy(logits, labels, weights, reduction="none").mean()

    def logits(self, outputs: Any) -> Tensor:
        """One for each class: shape (rows, classes)."""
        logits: Tensor = outputs.logits
        return logits

    def predictions(self, outputs: Any, batch: Batch) -> list[Any]:
        """Index of the most likely class."""
        classes: list[int] = self.logits(outputs).argmax(dim=-1).tolist()
        return classes

    def answers(self, model: Any, batch: Batch, tokenizer: Any) -> Sequence[Any]:
        """The probability of each class."""
        outputs = model(**self.inputs(batch))
        shares: list[list[float]] = self.logits(outputs).float().softmax(dim=-1).tolist()
        return shares

    def worded(self, answers: Sequence[Any], encoded: Dataset) -> list[dict[str, Any]]:
        """A class with its probability and those of all."""
        return [most_likely(self.labels, shares) for shares in answers]

    def constant(self, train: Dataset) -> Any | None:
        """The class, of equals the most frequent one."""
        gold = labels_of(train)
        counts = Counter(gold)

        def worth(answer: int) -> tuple[float, int]:
            name, same = self.metric.name, [answer] * len(gold)
            score = measured(name, gold, same, self.positive)
            return self.metric.value({name: score}), counts[answer]

        return max(range(len(self.labels)), key=worth)

    def score(self, predictions: Sequence[Any], encoded: Dataset) -> dict[str, float]:
        """The task's scores by name."""
        complete(predictions, encoded)
        gold = labels_of(encoded)
        found = list(predictions)
        return {name: measured(name, gold, found, self.positive) for name in self.scores}


def most_likely(labels: Sequence[str], shares: Sequence[float]) -> dict[str, Any]:
    """The likeliest class, its probability, and those of all."""
    best = max(range(len(shares)), key=shares.__getitem__)
    return {
        PREDICTION: labels[best],
        PROBABILITY: shares[best],
        PROBABILITIES: dict(zip(labels, shares, strict=True)),
    }


def label_indices(task: Task, dataset: Dataset, part: str) -> list[int]:
    """The place of each example's label in the task's. Raises UnavailableError for another one."""
    index = {name: i for i, name in enumerate(task.labels)}
    labels = dataset["label"][:]
    for row, label in enumerate(labels, 1):
        if str(label) not in index:
            raise UnavailableError(
                f"task '{task.name}': the {part} data has the label '{label}' (example {row}), "
                f"which is none of: {some(task.labels)}."
            )
    return [index[str(label)] for label in labels]
