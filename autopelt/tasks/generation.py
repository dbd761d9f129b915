"""A text out of a text: translation, summaries. Encoder-decoders and decoders, their own LM head.

An encoder-decoder reads the source and writes the target. A decoder reads the source, a separator
and writes on; the loss looks at the target only.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from autopelt.data.readers import Table
from autopelt.data.source import Origin
from autopelt.errors import UnavailableError, UsageError, did_you_mean
from autopelt.tasks.base import Task, complete
from autopelt.tasks.columns import find_column, texts
from autopelt.tasks.greedy import room_for, stop_tokens, written
from autopelt.tasks.padding import IGNORED, Batch, model_inputs, pad_token, padded, tokenized
from autopelt.tasks.text_scores import TEXT_SCORES, all_scores, require

if TYPE_CHECKING:
    from datasets import Dataset
    from torch import Tensor

SEQ2SEQ, CAUSAL = "seq2seq", "causal_lm"

PAIRS = (
    ("source", "target"),
    ("document", "summary"),
    ("dialogue", "summary"),
    ("article", "highlights"),
)
"""Usual names of columns of a text and what is to be written for it."""

LOSS, PERPLEXITY = "loss", "perplexity"
"""Scores that need no generation: mean loss of a target token in nats, and e to the power of it."""

OF_LOSS = (LOSS, PERPLEXITY)

MEASURED = 1000
"""Training targets whose lengths tell how long an answer may get."""


class Generation(Task):
    """Predict the target's tokens; a raw example has ``source`` and ``target``.

    Args:
        scores: the first: a key of `TEXT_SCORES`, or of `OF_LOSS`, which are many times cheaper.
        prefix: put in front of every source, as T5 wants it.
        separator: between source and target, for decoders.
        max_length: limit in tokens of source and target each; for decoders, of both together.

    Attributes:
        room: tokens that an answer may have; None as long as no training target is known.
    """

    kind: ClassVar[str] = "generation"
    known_scores: ClassVar[tuple[str, ...]] = (*TEXT_SCORES, *OF_LOSS)
    own_options: ClassVar[frozenset[str]] = frozenset(
        {"text", "group", "target", "prefix", "train_target", "validation_target", "test_target"}
    )
    errors: ClassVar[frozenset[str]] = frozenset(OF_LOSS)
    scoring_batch: ClassVar[int] = 16  # scores over a whole vocabulary take far more than classes
    room: int | None = None
    head = SEQ2SEQ
    columns = ("source", "target")

    def __init__(
        self,
        name: str,
        title: str,
        origin: Origin,
        *,
        prefix: str = "",
        separator: str = "\n",
        **options: Any,
    ) -> None:
        super().__init__(name, title, origin, **options)
        score = self.scores[0]
        if score not in self.known_scores:
            raise UsageError(
                f"unknown score '{score}' of a generation task: "
                f"{did_you_mean(score, self.known_scores)}"
            )
        self.prefix, self.separator = prefix, separator

    @classmethod
    def raw(cls, table: Table, named: Mapping[str, str]) -> dict[str, list[Any]]:
        """Text and target text."""
        sources, targets = zip(*PAIRS)
        source = find_column(table, named, "text", *sources, "text")
        target = find_column(table, named, "target", *targets)
        return {"source": texts(table, source), "target": texts(table, target)}

    @classmethod
    def settings(cls, named: Mapping[str, str], score: str) -> dict[str, Any]:
        """The metric and the prefix."""
        return {"scores": (score,), "prefix": named.get("prefix", "")}

    @property
    def outputs(self) -> int:
        """There is no head of the task's own."""
        return 0

    def for_model(self, config: Any) -> Task:
        """For encoder-decoders or decoders. Raises UsageError for an encoder."""
        task = copy.copy(self)
        task.head = SEQ2SEQ if config.is_encoder_decoder else CAUSAL
        if not config.is_encoder_decoder and not _decodes(config.model_type):
            raise UsageError(
                f"task '{self.name}' generates text, but a model of the family "
                f"'{config.model_type}' is an encoder; use an encoder-decoder or a decoder."
            )
        require(self.metric.name)
        return task

    def finish(self, dataset: Dataset, part: str, notes: list[str]) -> Dataset:
        """Refuse examples with an empty side."""
        for column in self.columns:
            for row, text in enumerate(dataset[column], 1):
                if not isinstance(text, str) or not text.strip():
                    raise UnavailableError(
                        f"task '{self.name}': example {row} of the {part} data: empty {column}."
                    )
        return dataset

    def encode_batch(
        self, batch: Mapping[str, list[Any]], tokenizer: Any, max_length: int
    ) -> dict[str, list[Any]]:
        """Tokenise source and target.

        Returns:
            As `Task.encode`, with ``labels`` for the target's tokens and ``target``, its text. For
            a decoder ``input_ids`` are prompt and target; ``labels`` are `IGNORED` on the prompt.
        """
        sources, targets = [self.prefix + text for text in batch["source"]], list(batch["target"])
        if self.head == SEQ2SEQ:
            rows = _encode_apart(sources, targets, tokenizer, max_length)
        else:
            rows = _encode_joined(sources, self.separator, targets, tokenizer, max_length)
        return {**rows, "target": targets}

    def collate(self, rows: Sequence[Mapping[str, Any]], tokenizer: Any) -> Batch:
        """Model inputs and ``labels``, of shape (rows, tokens of source or target)."""
        left = self.head == CAUSAL and tokenizer.padding_side == "left"
        labels = padded([row["labels"] for row in rows], IGNORED, left)
        return {**model_inputs(rows, tokenizer), "labels": labels}

    def inputs(self, batch: Batch) -> Batch:
        """An encoder-decoder makes its decoder's inputs of the labels; a decoder needs none."""
        if self.head == SEQ2SEQ:
            return batch
        return {key: value for key, value in batch.items() if key != "labels"}

    def loss(self, outputs: Any, batch: Batch) -> Tensor:
        """Mean cross-entropy of the target's tokens."""
        from torch.nn.functional import cross_entropy

        logits, labels = self._aligned(outputs, batch)
        return cross_entropy(logits.transpose(1, 2), labels, ignore_index=IGNORED)

    def _aligned(self, outputs: Any, batch: Batch) -> tuple[Tensor, Tensor]:
        """Logits and the labels that they predict: a decoder's are one place behind."""
        logits, labels = outputs.logits.float(), batch["labels"]
        return (logits[:, :-1], labels[:, 1:]) if self.head == CAUSAL else (logits, labels)

    @property
    def one_pass(self) -> bool:
        """Only where the metric is of the loss."""
        return self.metric.name in OF_LOSS

    def learn_answers(self, train: Dataset, tokenizer: Any) -> None:
        """An answer may be a bit longer than the longest typical target of train (`room`)."""
        some = train.select(range(0, len(train), -(-len(train) // MEASURED)))
        ids = tokenizer(self.references(some), add_special_tokens=False, verbose=False)
        self.room = room_for([len(row) for row in ids["input_ids"]])

    def references(self, dataset: Dataset) -> list[str]:
        """What is to be written for each raw example."""
        targets: list[str] = dataset["target"][:]
        return targets

    def predict(self, model: Any, batch: Batch, tokenizer: Any) -> list[Any]:
        """Texts, as `answers`; for scores of the loss, what `predictions` gives."""
        if self.one_pass:
            return self.predictions(model(**self.inputs(batch)), batch)
        return self.answers(model, batch, tokenizer)

    def answers(self, model: Any, batch: Batch, tokenizer: Any) -> list[str]:
        """Texts, as `autopelt.tasks.greedy` has them written."""
        prompts = {key: batch[key] for key in ("input_ids", "attention_mask")}
        if self.head == CAUSAL:
            prompts = _prompts(batch, pad_token(tokenizer))
        stops = self.stops(model, tokenizer)
        return written(model, prompts, tokenizer, stops=stops, room=self.room)

    def stops(self, model: Any, tokenizer: Any) -> list[int]:
        """Tokens that end an answer."""
        return stop_tokens(model, tokenizer)

    def predictions(self, outputs: Any, batch: Batch) -> list[Any]:
        """Summed loss of each target (nats) and its tokens."""
        from torch.nn.functional import cross_entropy

        logits, labels = self._aligned(outputs, batch)
        losses: Tensor = cross_entropy(
            logits.transpose(1, 2), labels, ignore_index=IGNORED, reduction="none"
        )
        tokens = (labels != IGNORED).sum(dim=1)
        return list(zip(losses.sum(dim=1).tolist(), tokens.tolist(), strict=True))

    def score(self, predictions: Sequence[Any], encoded: Dataset) -> dict[str, float]:
        """All text scores, the metric first; of the loss if the metric is."""
        complete(predictions, encoded)
        if not self.one_pass:
            return all_scores(list(predictions), encoded["target"][:], self.metric.name)
        total = sum(tokens for _, tokens in predictions)
        loss = sum(loss for loss, _ in predictions) / max(1, total)
        told = {LOSS: loss, PERPLEXITY: math.exp(min(loss, 700.0))}  # of more than that, no float
        return {self.metric.name: told[self.metric.name]} | told


def _encode_apart(
    sources: list[str], targets: list[str], tokenizer: Any, max_length: int
) -> dict[str, list[Any]]:
    """Source and target in rows of their own, for an encoder-decoder."""
    rows = tokenized(tokenizer, sources, max_length=max_length)
    rows.pop("token_type_ids", None)
    pieces = tokenizer(text_target=targets, verbose=False)["input_ids"]
    labels = [_cut(ids, max_length, tokenizer.eos_token_id) for ids in pieces]
    for key, other in (("length", labels), ("full_length", pieces)):
        rows[key] = [max(n, len(ids)) for n, ids in zip(rows[key], other, strict=True)]
    return {**rows, "labels": labels}


def _encode_joined(
    sources: list[str], separator: str, targets: list[str], tokenizer: Any, max_length: int
) -> dict[str, list[Any]]:
    """Source, separator and target in one row, for a decoder."""

    def pieces(texts: Any) -> Any:
        return tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]

    first = [tokenizer.bos_token_id] if _begins(tokenizer) else []
    between, end = pieces(separator), tokenizer.eos_token_id
    keys = ("input_ids", "attention_mask", "labels", "length", "full_length")
    rows: dict[str, list[Any]] = {key: [] for key in keys}
    for prompt, target in zip(pieces(sources), pieces(targets), strict=True):
        target = target if end is None else [*target, end]
        whole = len(first) + len(prompt) + len(between) + len(target)
        target = _cut(target, max(1, max_length // 2), end) if whole > max_length else target
        room = max_length - len(first) - len(between) - len(target)
        prompt = [*first, *prompt[: max(0, room)], *between]
        length = len(prompt) + len(target)
        labels = [IGNORED] * len(prompt) + target
        values = ([*prompt, *target], [1] * length, labels, length, whole)
        for key, value in zip(keys, values, strict=True):
            rows[key].append(value)
    return rows


def _decodes(model_type: str) -> bool:
    """Whether a family writes text from left to right."""
    from transformers.models.auto import modeling_auto

    causal = modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    masked = modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES
    return model_type in causal and model_type not in masked


def _begins(tokenizer: Any) -> bool:
    """Whether the tokeniser itself puts a beginning-of-text token in front."""
    ids = tokenizer("a")["input_ids"]
    return tokenizer.bos_token_id is not None and ids[:1] == [tokenizer.bos_token_id]


def _cut(ids: Sequence[int], limit: int, end: int | None) -> list[int]:
    """The first tokens; the last one stays the end token if it was."""
    if len(ids) <= limit:
        return list(ids)
    return [*ids[: limit - 1], end] if end is not None and ids[-1] == end else list(ids[:limit])


def _prompts(batch: Batch, pad: int) -> Batch:
    """The prompts of a decoder's batch, filled up on the left as generation needs them."""
    prompt = (batch["labels"] == IGNORED) & batch["attention_mask"].bool()
    rows = [ids[mask].tolist() for ids, mask in zip(batch["input_ids"], prompt)]
    ids = padded(rows, pad, left=True)
    mask = padded([[1] * len(row) for row in rows], 0, left=True)
    return {"input_ids": ids.to(prompt.device), "attention_mask": mask.to(prompt.device)}
