"""What a task is: where its examples come from, how they become model inputs, how it is scored.

A task is one object that serves a whole study. `load` reads raw examples, `encode` tokenises
them, `collate` makes a batch, `loss`, `predictions` and `score` look at what the model made of it.
Nothing here holds a model; torch is imported only where tensors are made.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from autopelt.data.readers import Table
from autopelt.data.source import GROUP, Origin, Source, Splits
from autopelt.tasks.padding import IGNORED, Batch, joined

if TYPE_CHECKING:
    from datasets import Dataset
    from torch import Tensor


PREDICTION, PROBABILITY, PROBABILITIES = "prediction", "probability", "probabilities"
"""Keys of what a user is told of an example."""


@dataclass(frozen=True)
class Metric:
    """Name of a score and its direction."""

    name: str
    higher_is_better: bool = True

    def value(self, scores: Mapping[str, float]) -> float:
        """This score out of all of a task's, turned so that larger is better."""
        return scores[self.name] if self.higher_is_better else -scores[self.name]


class Task(ABC):
    """One task. Subclasses, one for each kind, say how it is encoded and scored.

    Args:
        scores: the first is the metric; empty: the first of `known_scores`.
        labels: names of the classes in order; empty: there are none, or train tells them.
        max_length: None: the kind's own.

    Attributes:
        name: as users give it.
        title: one line for a person.
        kind: ``classification``, ``ordinal``, ``regression``, ``multi_label``,
            ``token_classification``, ``question_answering``, ``generation``, ``chat``,
            ``multiple_choice``, ``retrieval``, ``image_classification`` or
            ``audio_classification``.
        example: what one is, in a word.
        known_scores: scores that may be the metric; the first is the usual one.
        own_options: options of the user's own data that this kind looks at, beside those of every
            kind (`autopelt.tasks.task_file.TaskFile`); any other that is given is an error.
        errors: those of them of which less is better.
        problem_type: what transformers calls the kind in the configuration of a model that is
            exported, where it has a name for it.
        writes: whether a model's own LM head writes texts.
        head: name of the model class that it needs (a key of `autopelt.backbones.head.HEADS`).
        metric: the score that a search optimises; `score` returns it first.
        columns: text columns of a raw example.
        rows_at_once: raw examples that are tokenised together.
        scoring_batch: examples in a batch of predictions.
        max_length: default limit in tokens.
        labels: names of the classes in the order of the head's outputs; empty where there are
            none. Known after `load`, and before it for a benchmark.
        score_hash: of the file that has it; "" where none does.
        generate: examples of a split for which texts are written; 0: none beside a metric that
            needs no texts, all for one that does.
        unit: (centre, scale) of the numbers that the head is trained on: a label is centre plus
            scale times the head's output. Known after `learn_from`. Weights are kept with it folded
            into the head, so a model that was loaded gives labels, and a task that has not learned
            from any examples takes them as they are.
        spec: what `make_task` makes the same task of: its name, or the text of a task file.
        usual_trials, usual_epochs, usual_batch, usual_factor: what a study takes unless it is told
            otherwise; the last multiplies learning rates.
    """

    kind: ClassVar[str]
    example: ClassVar[str] = "text"
    known_scores: ClassVar[tuple[str, ...]]
    own_options: ClassVar[frozenset[str]] = frozenset()
    errors: ClassVar[frozenset[str]] = frozenset()
    problem_type: ClassVar[str | None] = None
    writes: ClassVar[bool] = False
    rows_at_once: ClassVar[int] = 1000
    scoring_batch: ClassVar[int] = 64
    head: str
    columns: tuple[str, ...]
    max_length: int = 128
    spec: str = ""
    score_hash: str = ""
    generate: int = 0
    unit: tuple[float, float] = (0.0, 1.0)
    usual_trials: int = 60
    usual_epochs: int = 5
    usual_batch: int = 16
    usual_factor: float = 1.0
    usual_dropout: bool = True

    def __init__(
        self,
        name: str,
        title: str,
        origin: Origin,
        *,
        scores: Sequence[str] = (),
        labels: Sequence[str] = (),
        max_length: int | None = None,
    ) -> None:
        self.name, self.title, self.origin = name, title, origin
        self.scores = tuple(scores) or self.known_scores[:1]
        self.metric = Metric(self.scores[0], self.scores[0] not in self.errors)
        self.labels = tuple(labels)
        self.max_length = max_length or self.max_length

    @property
    def one_pass(self) -> bool:
        """Whether `predict` is one forward pass over the batch; generation is many."""
        return True

    @property
    def writes_on(self) -> bool:
        """Whether each token is learned from those before it: ``labels`` a token, a decoder's head.

        Such examples may share a row, and only learned tokens need to go through the head.
        """
        return False

    def judged(self, examples: int) -> int:
        """How many of so many examples of the selection split the metric is of."""
        return examples if self.one_pass or not self.generate else min(self.generate, examples)

    @property
    def refuses_long(self) -> bool:
        """Whether `encode` refuses an example that is too long."""
        return False

    @property
    def asked(self) -> tuple[str, ...]:
        """Columns of what the model is given of a raw example: the text columns but the target."""
        return tuple(column for column in self.columns if column != "target")

    @property
    def outputs(self) -> int:
        """Outputs of the head: one for each class, 1 for a single number."""
        return len(self.labels) or 1

    def load(self, source: Source, *, report: bool = False) -> Splits:
        """Read train and selection, and the report split only if it is asked for.

        Selection is a part of its own where the source has three parts, else it is cut from train.

        Raises:
            UnavailableError: the data is not there or cannot be used.
        """
        from autopelt.data.hub import quiet
        from autopelt.data.splits import cut

        with quiet():
            return cut(self, self.origin.find(source), source, report=report)

    @classmethod
    def raw(cls, table: Table, named: Mapping[str, str]) -> dict[str, list[Any]]:
        """The columns of raw examples out of a table of the user's, every value checked.

        Args:
            named: of `own_options`, which column of the table is meant; where it is missing or
                empty, the usual names are tried.

        Raises:
            UnavailableError: a column is missing, or a value is not what this kind needs.
        """
        raise NotImplementedError(f"a {cls.kind} is not read from a table")

    def examples(self, table: Table, named: Mapping[str, str]) -> Table:
        """A table to predict for with one row for each example; `named` as in `unlabelled`."""
        return table

    def unlabelled(self, table: Table, named: Mapping[str, str]) -> dict[str, list[Any]] | None:
        """Columns of a table to predict for, as `encode` takes them, with fillers for labels.

        Args:
            named: as in `raw`, where they have other names than in training.

        Returns:
            None for a kind that takes its text columns as they are.

        Raises:
            UnavailableError: as `raw`.
        """
        return None

    @classmethod
    def classes_in(cls, columns: Mapping[str, list[Any]]) -> Sequence[Sequence[str]]:
        """Names of classes in each example of `raw`, which train must have; or none at all."""
        return ()

    @classmethod
    def usual_score(cls, table: Table, named: Mapping[str, str]) -> tuple[str, str]:
        """The metric where the user names none, and why in words ("" for the usual one).

        Args:
            table: the training examples. named: as in `raw`.
        """
        return cls.known_scores[0], ""

    @classmethod
    def settings(cls, named: Mapping[str, str], score: str) -> dict[str, Any]:
        """Keywords that a task on the user's own data is made with.

        Args:
            named: as in `raw`. score: the metric.
        """
        return {"scores": (score,)}

    def learn_labels(self, train: Dataset) -> None:  # noqa: B027  (most kinds have nothing to learn)
        """Take the names of the classes from the whole of train, before anything is cut."""

    def strata(self, dataset: Dataset) -> Sequence[Any] | None:
        """A class for each example, to draw stratified; None draws at random."""
        return None

    def told(self, train: Dataset, tokenizer: Any) -> list[str]:
        """Sentences on how raw examples are written for this tokeniser; a search shows them."""
        return []

    def groups(self, dataset: Dataset) -> Sequence[Any] | None:
        """A group for each example that may not be torn apart between splits; None: no groups."""
        return None

    def finish(self, dataset: Dataset, part: str, notes: list[str]) -> Dataset:
        """Check one part and bring its label column into final form. Raises UnavailableError."""
        return dataset

    def names_of(self, label: Any) -> list[str]:
        """Names of a raw example's label, or labels, each as often as it stands there."""
        indices = label if isinstance(label, list) else [label]
        return [self.labels[index] for index in indices]

    def for_model(self, config: Any) -> Task:
        """The task as this model does it; `config` is the model's `PretrainedConfig`.

        Raises:
            UsageError: a model of this family cannot do the task.
        """
        return self

    def encode(self, dataset: Dataset, tokenizer: Any, max_length: int) -> Dataset:
        """Tokenise raw examples.

        Returns:
            One row for each model input, in the order of `dataset`: ``input_ids`` and what else the
            tokeniser makes, labels where there are any, ``length`` (tokens of the row) and
            ``full_length`` (tokens before it was cut to `max_length`); `GROUP` where `dataset` has
            it. It is kept in memory.
        """
        batches, indices = [], range(len(dataset))
        for start in range(0, len(dataset), self.rows_at_once):
            few = slice(start, start + self.rows_at_once)
            batch = {**dataset[few], "example": list(indices[few])}
            encoded = self.encode_batch(batch, tokenizer, max_length)
            if GROUP in batch:
                owners = encoded.get("example", batch["example"])
                encoded[GROUP] = [batch[GROUP][owner - start] for owner in owners]
            batches.append(encoded)
        return joined(batches)

    @abstractmethod
    def encode_batch(
        self, batch: Mapping[str, list[Any]], tokenizer: Any, max_length: int
    ) -> dict[str, list[Any]]:
        """`encode` for a few examples, as columns; ``example`` is their index in the data set."""

    def notes(self, encoded: Dataset) -> list[str]:
        """Sentences on what encoding could not keep; a caller shows them."""
        lengths, full = encoded["length"][:], encoded["full_length"][:]
        cut = sum(1 for a, b in zip(lengths, full, strict=True) if a < b)
        if not cut:
            return []
        return [
            f"{cut} of {len(lengths)} texts are longer than {max(lengths)} tokens and were cut "
            f"(the longest has {max(full)})."
        ]

    @abstractmethod
    def collate(self, rows: Sequence[Mapping[str, Any]], tokenizer: Any) -> Batch:
        """Pad rows of an encoded data set to the longest of them: shapes (rows, tokens)."""

    def inputs(self, batch: Batch) -> Batch:
        """What of a batch goes to the model; with labels, so that it computes its own loss."""
        return batch

    def loss(self, outputs: Any, batch: Batch) -> Tensor:
        """Mean training loss of a batch, a scalar; the model's own unless a kind says otherwise."""
        loss: Tensor = outputs.loss
        return loss

    def terms(self, row: Mapping[str, Any]) -> int:
        """How many terms an encoded example adds to those that the loss of a batch is the mean of.

        One, or its learned labels where there is one for each token.
        """
        labels = row.get("labels")
        return sum(label != IGNORED for label in labels) if isinstance(labels, list) else 1

    def loss_of_scores(self, outputs: Any, batch: Batch) -> Tensor:
        """The same loss from the outputs' scores alone, without the model's own.

        For batches of which a part is looked at. Raises NotImplementedError where a kind has none.
        """
        raise NotImplementedError

    def learn_answers(self, train: Dataset, tokenizer: Any) -> None:  # noqa: B027  (as below)
        """Take from the raw training split how long what is written gets."""

    def learn_from(self, train: Dataset) -> None:  # noqa: B027  (most kinds need nothing)
        """Take what losses and predictions need from the encoded training split."""

    def prior(self, train: Dataset) -> list[float] | None:
        """What predicts the encoded training labels best without a look at the texts.

        A fresh task head's biases begin here (Lin et al. 2017, "Focal loss for dense object
        detection", 3.3), so that no steps are spent on what is known before.

        Returns:
            A number for each output of the head, or None for a kind of task without such numbers.
        """
        return None

    def constant(self, train: Dataset) -> Any | None:
        """The prediction that scores best on train if every example gets the same one.

        Args:
            train: raw or encoded examples; only their labels are read.

        Returns:
            One prediction as `score` takes it; None for a kind of task without a constant one.
        """
        return None

    @abstractmethod
    def predictions(self, outputs: Any, batch: Batch) -> list[Any]:
        """One prediction for each row of the batch, off the device, as `score` takes it."""

    def predict(self, model: Any, batch: Batch, tokenizer: Any) -> list[Any]:
        """What `score` takes, from a model in evaluation mode: one forward pass, or generation."""
        return self.predictions(model(**self.inputs(batch)), batch)

    def answers(self, model: Any, batch: Batch, tokenizer: Any) -> Sequence[Any]:
        """What the model says about each row for a user, who has no labels; see `worded`."""
        return self.predict(model, batch, tokenizer)

    def worded(self, answers: Sequence[Any], encoded: Dataset) -> list[dict[str, Any]]:
        """For each example `PREDICTION`, and probabilities where the kind has them.

        Args:
            answers: of all rows of `encoded`, in order.
        """
        return [{PREDICTION: answer} for answer in answers]

    def decided(self, selection: Mapping[str, float]) -> Task:
        """The task with what a model's scores on the selection split decide, as thresholds.

        Args:
            selection: from `score`.

        Returns:
            The task itself for a kind that decides nothing there.
        """
        return self

    def score_texts(self, found: list[str], gold: list[str]) -> dict[str, float]:
        """Scores of texts that `answers` wrote; the kinds that write any have them."""
        raise NotImplementedError(f"a {self.kind} has no texts to score")

    @abstractmethod
    def score(self, predictions: Sequence[Any], encoded: Dataset) -> dict[str, float]:
        """Scores of all rows of `encoded`, in order; the first is `metric`."""


def complete(predictions: Sequence[Any], encoded: Dataset) -> None:
    """Refuse to score anything but one prediction for each row. Raises ValueError."""
    if len(predictions) != len(encoded):
        raise ValueError(f"{len(predictions)} predictions, but {len(encoded)} examples")


def labels_of(dataset: Dataset) -> list[Any]:
    """The labels of raw (column ``label``) or encoded (``labels``) examples."""
    column = "labels" if "labels" in dataset.column_names else "label"
    labels: list[Any] = dataset[column][:]
    return labels
