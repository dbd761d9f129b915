"""A tag for every word: entities, parts of speech. The first piece of a word carries its tag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from autopelt.data.readers import Table
from autopelt.errors import UnavailableError, UsageError
from autopelt.tasks.base import PREDICTION, PROBABILITY, Task, complete
from autopelt.tasks.classification import most_likely
from autopelt.tasks.columns import some
from autopelt.tasks.padding import (
    IGNORED,
    Batch,
    model_inputs,
    padded,
    require_offsets,
    tokenized,
)
from autopelt.tasks.prior import log_shares
from autopelt.tasks.sentences import tagged, untagged
from autopelt.tasks.spans import span_scores

if TYPE_CHECKING:
    from datasets import Dataset
    from torch import Tensor

OUTSIDE = "O"


class TokenClassification(Task):
    """Softmax over tags for each word; a raw example has lists ``words`` and ``tags``.

    After `load`, ``tags`` are indices in `labels`. A word that has no piece of its own, or that was
    cut off because the sentence is too long, counts as predicted `OUTSIDE`.

    Args:
        labels: the tags in order; empty: those of train, `OUTSIDE` first.
        scores: ``span_f1`` (entities) or ``accuracy`` (a tag a word, such as parts of speech).
    """

    kind: ClassVar[str] = "token_classification"
    known_scores: ClassVar[tuple[str, ...]] = ("span_f1", "accuracy")
    own_options: ClassVar[frozenset[str]] = frozenset(
        {"text", "group", "label", "sentence", "label_names"}
    )
    head = "token_classification"
    columns = ("words",)

    @classmethod
    def raw(cls, table: Table, named: Mapping[str, str]) -> dict[str, list[Any]]:
        """Lists of words, and a tag for each word."""
        return tagged(table, named)

    @classmethod
    def classes_in(cls, columns: Mapping[str, list[Any]]) -> Sequence[Sequence[str]]:
        """The tags."""
        return columns["tags"]

    def unlabelled(self, table: Table, named: Mapping[str, str]) -> dict[str, list[Any]]:
        """Lists of words, and a filler for their tags."""
        words = self.examples(table, named).column("words")
        return {"words": words, "tags": [[0] * len(some) for some in words]}

    def examples(self, table: Table, named: Mapping[str, str]) -> Table:
        """A row for each sentence; columns are named now, or else were in training."""
        if unknown := set(named) - {"words"}:
            raise UsageError(f"task '{self.name}' reads no {unknown.pop()}; it reads: words.")
        table.require(list(named.values()))
        known = dict(getattr(self.origin, "named", {}))
        return untagged(table, known | ({"text": named["words"]} if named else {}))

    def for_model(self, config: Any) -> Task:
        """Raises UsageError for an encoder-decoder: transformers tags with its encoder alone."""
        if config.is_encoder_decoder:
            raise UsageError(
                f"task '{self.name}' tags words, which an encoder-decoder of the family "
                f"'{config.model_type}' does not do as a whole; use an encoder or a decoder."
            )
        return self

    def learn_labels(self, train: Dataset) -> None:
        """Unless they are given, the tags of train, sorted, with `OUTSIDE` first."""
        if not self.labels:
            distinct = {tag for tags in train["tags"] for tag in tags}
            self.labels = tuple(sorted(distinct, key=lambda tag: (tag != OUTSIDE, tag)))

    def finish(self, dataset: Dataset, part: str, notes: list[str]) -> Dataset:
        """Replace tags by their index; refuse unknown tags and words without one."""
        index = {name: i for i, name in enumerate(self.labels)}
        values = []
        for row, (words, tags) in enumerate(zip(dataset["words"][:], dataset["tags"][:]), 1):
            if len(words) != len(tags):
                raise UnavailableError(
                    f"task '{self.name}': sentence {row} of the {part} data has {len(words)} "
                    f"words, but {len(tags)} tags."
                )
            unknown = [tag for tag in tags if tag not in index]
            if unknown:
                raise UnavailableError(
                    f"task '{self.name}': sentence {row} of the {part} data has the tag "
                    f"'{unknown[0]}', which is none of: {some(self.labels)}."
                )
            values.append([index[tag] for tag in tags])
        if part == "train" and len({tag for tags in values for tag in tags}) < 2:
            raise UnavailableError(
                f"task '{self.name}': all words of the training data have the same tag; there is "
                "nothing to learn."
            )
        return dataset.remove_columns("tags").add_column("tags", values)

    def encode_batch(
        self, batch: Mapping[str, list[Any]], tokenizer: Any, max_length: int
    ) -> dict[str, list[Any]]:
        """Tokenise sentences, their words joined by spaces.

        Returns:
            As `Task.encode`, with ``labels`` for each token (`IGNORED` off the first pieces),
            ``tags`` for each word, and ``places``: the token of each word's first piece, or -1.
        """
        require_offsets(self.name, tokenizer)
        texts = [" ".join(words) for words in batch["words"]]
        inputs = tokenized(tokenizer, texts, max_length=max_length, return_offsets_mapping=True)
        offsets = inputs.pop("offset_mapping")
        places = [first_pieces(w, o) for w, o in zip(batch["words"], offsets, strict=True)]
        labels = [[IGNORED] * len(ids) for ids in inputs["input_ids"]]
        for row, tags in enumerate(batch["tags"]):
            for place, tag in zip(places[row], tags, strict=True):
                if place >= 0:
                    labels[row][place] = tag
        return {**inputs, "labels": labels, "tags": batch["tags"], "places": places}

    def notes(self, encoded: Dataset) -> list[str]:
        """Sentences that were cut, and the words that lost their tag by that."""
        notes = super().notes(encoded)
        lost = sum(place < 0 for places in encoded["places"][:] for place in places)
        if lost:
            total = sum(len(places) for places in encoded["places"][:])
            notes.append(
                f"{lost} of {total} words have no token; they count as tagged '{OUTSIDE}'."
            )
        return notes

    def collate(self, rows: Sequence[Mapping[str, Any]], tokenizer: Any) -> Batch:
        """Model inputs and ``labels``, all of shape (rows, tokens)."""
        left = tokenizer.padding_side == "left"
        labels = padded([row["labels"] for row in rows], IGNORED, left)
        return {**model_inputs(rows, tokenizer), "labels": labels}

    def prior(self, train: Dataset) -> list[float] | None:
        """Logarithms of the tags' shares."""
        tags = (tag for row in train["labels"] for tag in row if tag != IGNORED)
        return log_shares(tags, len(self.labels))

    def loss_of_scores(self, outputs: Any, batch: Batch) -> Tensor:
        """Cross-entropy of the tags of first pieces."""
        from torch.nn.functional import cross_entropy

        logits = outputs.logits.float()
        return cross_entropy(logits.transpose(1, 2), batch["labels"], ignore_index=IGNORED)

    def predictions(self, outputs: Any, batch: Batch) -> list[Any]:
        """Index of the most likely tag of each token, without padding."""
        tags = outputs.logits.argmax(dim=-1)
        return [row[mask.bool()].tolist() for row, mask in zip(tags, batch["attention_mask"])]

    def answers(self, model: Any, batch: Batch, tokenizer: Any) -> Sequence[Any]:
        """The probability of each tag by token, without padding."""
        shares = model(**self.inputs(batch)).logits.float().softmax(dim=-1)
        return [row[mask.bool()].tolist() for row, mask in zip(shares, batch["attention_mask"])]

    def worded(self, answers: Sequence[Any], encoded: Dataset) -> list[dict[str, Any]]:
        """A tag for each word; a word that was cut off has the first tag and the probability 0."""
        cut = {PREDICTION: self.labels[0], PROBABILITY: 0.0}
        examples = []
        for tokens, places in zip(answers, encoded["places"][:], strict=True):
            words = [most_likely(self.labels, tokens[p]) if p >= 0 else cut for p in places]
            examples.append({key: [word[key] for word in words] for key in cut})
        return examples

    def score(self, predictions: Sequence[Any], encoded: Dataset) -> dict[str, float]:
        """Span F1, precision, recall, and the share of words with the right tag."""
        complete(predictions, encoded)
        outside = OUTSIDE if OUTSIDE in self.labels else self.labels[0]
        gold, predicted = [], []
        right = words = 0
        for tags, places, tokens in zip(encoded["tags"][:], encoded["places"][:], predictions):
            gold.append([self.labels[tag] for tag in tags])
            predicted.append([self.labels[tokens[p]] if p >= 0 else outside for p in places])
            right += sum(a == b for a, b in zip(gold[-1], predicted[-1], strict=True))
            words += len(tags)
        scores = {**span_scores(gold, predicted), "accuracy": right / words}
        return {self.metric.name: scores.pop(self.metric.name), **scores}


def first_pieces(words: Sequence[str], offsets: Sequence[Sequence[int]]) -> list[int]:
    """Index of the first token of each word, -1 where a word has none.

    Args:
        words: of a sentence; the tokenised text is these, joined by single spaces.
        offsets: begin and end of each token in the text; begin = end for special tokens. A token
            may begin with the space in front of its word.
    """
    word_at = [i for i, word in enumerate(words) for _ in range(len(word) + 1)]
    places = [-1] * len(words)
    for token, (begin, end) in enumerate(offsets):
        if end > begin:
            word = word_at[end - 1]
            if places[word] < 0:
                places[word] = token
    return places
