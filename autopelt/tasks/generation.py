"""A text out of a text: translation, summaries. Encoder-decoders and decoders, their own LM head.

An encoder-decoder reads the source and writes the target. A decoder reads the source, a separator
and writes on; the loss looks at the target only.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from autopelt.data.conversations import Conversation, asked_in, chat_form, conversations
from autopelt.data.readers import Table
from autopelt.data.source import Origin
from autopelt.errors import UnavailableError, UsageError, did_you_mean, parameter
from autopelt.tasks.base import Metric, Task, complete
from autopelt.tasks.columns import find_column, texts
from autopelt.tasks.cutting import CUT, DROP, ERROR, beginning, refuse
from autopelt.tasks.final_numbers import has_number
from autopelt.tasks.greedy import room_for, stop_tokens, written
from autopelt.tasks.own_score import OwnScore, is_own, own_score
from autopelt.tasks.padding import (
    IGNORED,
    Batch,
    model_inputs,
    pad_token,
    padded,
)
from autopelt.tasks.pairs import encode_apart, encode_joined, prompts_of
from autopelt.tasks.text_scores import BESIDE, TEXT_SCORES, all_scores, require

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

TRIED = 20
"""Targets on which a score of the user's own is tried before a search starts."""

MEASURED = 1000
"""Training targets whose lengths tell how long an answer may get."""


class Generation(Task):
    """Predict the target's tokens; a raw example has ``source`` and ``target``.

    Args:
        scores: the first: a key of `TEXT_SCORES`, one of `OF_LOSS`, which are many times cheaper,
            or a function of the user's own (`autopelt.tasks.own_score`).
        generate: as `Task.generate`.
        prefix: put in front of every source, as T5 wants it.
        separator: between source and target, for decoders.
        too_long: what is done with examples of more tokens, of `autopelt.tasks.cutting.TOO_LONG`.
        max_length: limit in tokens of source and target each; for decoders, of both together.

    Attributes:
        room: tokens that an answer may have; None as long as no training target is known.
    """

    kind: ClassVar[str] = "generation"
    known_scores: ClassVar[tuple[str, ...]] = (*TEXT_SCORES, *OF_LOSS)
    own_options: ClassVar[frozenset[str]] = frozenset(
        {
            *("text", "group", "target", "prefix", "too_long", "generate"),
            *("train_target", "validation_target", "test_target"),
        }
    )
    errors: ClassVar[frozenset[str]] = frozenset(OF_LOSS)
    writes: ClassVar[bool] = True
    scoring_batch: ClassVar[int] = 16  # scores over a whole vocabulary take far more than classes
    room: int | None = None
    head = SEQ2SEQ
    columns: tuple[str, ...] = ("source", "target")

    def __init__(
        self,
        name: str,
        title: str,
        origin: Origin,
        *,
        prefix: str = "",
        separator: str = "\n",
        too_long: str = CUT,
        generate: int = 0,
        **options: Any,
    ) -> None:
        super().__init__(name, title, origin, **options)
        score, self.generate = self.scores[0], generate
        self.own: OwnScore | None = own_score(score) if is_own(score) else None
        if self.own is not None:
            self.metric = Metric(self.own.name, not self.own.lower_is_better)
            self.score_hash = self.own.hash
        elif score not in self.known_scores:
            raise UsageError(
                f"unknown score '{score}' of a generation task: "
                f"{did_you_mean(score, self.known_scores)}"
            )
        self.prefix, self.separator, self.too_long = prefix, separator, too_long
        self.left_out: list[int] = []

    @classmethod
    def raw(cls, table: Table, named: Mapping[str, str]) -> dict[str, list[Any]]:
        """Text and target text."""
        sources, targets = zip(*PAIRS)
        usual = any({*pair} <= {*table.columns} for pair in PAIRS)
        if not usual and not named.get("text") and not named.get("target"):
            form = chat_form(table, forced=True)
            if form and not form.turns:
                read = conversations(table, form)
                return {
                    "source": list(map(_asked, read)),
                    "target": [c[-1]["content"] for c in read],
                }
        source = find_column(table, named, "text", *sources, "text")
        target = find_column(table, named, "target", *targets)
        return {"source": texts(table, source), "target": texts(table, target)}

    def unlabelled(self, table: Table, named: Mapping[str, str]) -> dict[str, list[Any]] | None:
        """Instructions with what belongs to them, where `raw` reads such; None for all else."""
        known = {**getattr(self.origin, "named", {}), **named}
        if known.get("text") or known.get("source") or {"source", "text"} & {*table.columns}:
            return None
        form = chat_form(table, forced=True, asks=True)
        if form is None or form.turns:
            return None
        read = conversations(table, form, asks=True)
        return {"source": list(map(_asked, read)), "target": ["-"] * len(read)}

    @classmethod
    def settings(cls, named: Mapping[str, str], score: str) -> dict[str, Any]:
        """The metric, the prefix, what becomes of long texts, how many texts are written."""
        return {
            "scores": (score,),
            "prefix": named.get("prefix", ""),
            "too_long": named.get("too_long", "") or CUT,
            "generate": int(named.get("generate") or 0),
        }

    @property
    def outputs(self) -> int:
        """There is no head of the task's own."""
        return 0

    def for_model(self, config: Any) -> Task:
        """For encoder-decoders or decoders. Raises UsageError for an encoder."""
        task = copy.copy(self)
        task.head = SEQ2SEQ if config.is_encoder_decoder else CAUSAL
        if not config.is_encoder_decoder and not decodes(config.model_type):
            raise UsageError(
                f"task '{self.name}' generates text, but a model of the family "
                f"'{config.model_type}' is an encoder; use an encoder-decoder or a decoder."
            )
        if self.own is None:
            require(self.metric.name)
        return task

    def finish(self, dataset: Dataset, part: str, notes: list[str]) -> Dataset:
        """Refuse examples with an empty side, and targets that the metric cannot be about."""
        for column in self.columns:
            for row, text in enumerate(dataset[column], 1):
                if not isinstance(text, str) or not text.strip():
                    raise UnavailableError(
                        f"task '{self.name}': example {row} of the {part} data: empty {column}."
                    )
        self.check_score(self.references(dataset), part)
        return dataset

    def encode(self, dataset: Dataset, tokenizer: Any, max_length: int) -> Dataset:
        """As `Task.encode`; what is too long is cut, left out or refused, as `too_long` says.

        Raises:
            UnavailableError: one is too long and that is an error, or all are.
        """
        encoded = super().encode(dataset, tokenizer, max_length)
        full = encoded["full_length"][:]
        self.left_out = [n for n in full if n > max_length] if self.too_long == DROP else []
        kept = [place for place, n in enumerate(full) if n <= max_length]
        if len(kept) == len(full) or self.too_long == CUT:
            return encoded
        if self.too_long == ERROR or not kept:
            place = next(place for place, n in enumerate(full) if n > max_length)
            raise refuse(self.shown(dataset[place]), full[place], max_length)
        return encoded.select(kept)

    @property
    def refuses_long(self) -> bool:
        """Where the user says so."""
        return self.too_long == ERROR

    def shown(self, example: Mapping[str, Any]) -> str:
        """Which raw example it is, for a message."""
        return beginning("the text", example["source"])

    def notes(self, encoded: Dataset) -> list[str]:
        """How many examples were cut or left out."""
        if self.left_out:
            return [
                f"{len(self.left_out)} of {len(encoded) + len(self.left_out)} {self.example}s are "
                f"too long and left out (the longest has {max(self.left_out)} tokens)."
            ]
        return super().notes(encoded)

    def check_score(self, gold: list[str], part: str) -> None:
        """Try the metric on some targets of a part, before anything is trained.

        Raises:
            UnavailableError: numbers are to be compared, and there are none.
            UsageError: a function of the user's own stops with an error, or returns no number.
        """
        if self.own is not None and part == "train":
            self.own(gold[:TRIED], gold[:TRIED])
        if self.metric.name == "number_match" and not any(map(has_number, gold)):
            raise UnavailableError(
                f"task '{self.name}': no target of the {part} data has a number, so none can be "
                f"compared; another {parameter('score')} may be named."
            )

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
            rows = encode_apart(sources, targets, tokenizer, max_length)
        else:
            rows = encode_joined(sources, self.separator, targets, tokenizer, max_length)
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

    @property
    def writes_on(self) -> bool:
        """A decoder does."""
        return self.head == CAUSAL

    def terms(self, row: Mapping[str, Any]) -> int:
        """Nothing tells a decoder the first token."""
        return super().terms({"labels": row["labels"][self.writes_on :]})

    def loss(self, outputs: Any, batch: Batch) -> Tensor:
        """From the scores: a model's own would be of all rows, and of every token."""
        return self.loss_of_scores(outputs, batch)

    def loss_of_scores(self, outputs: Any, batch: Batch) -> Tensor:
        """Mean cross-entropy of the target's tokens."""
        from torch.nn.functional import cross_entropy

        logits, labels = self._aligned(outputs, batch)
        return cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED)

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
            prompts = prompts_of(batch, pad_token(tokenizer))
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

    def score_texts(self, found: list[str], gold: list[str]) -> dict[str, float]:
        """Scores of texts: the metric first, where it needs any; those of `BESIDE` where not."""
        if self.one_pass:
            return all_scores(found, gold, names=BESIDE)
        if self.own is None:
            return all_scores(found, gold, self.metric.name)
        told = self.own(found, gold)
        return told | all_scores(found, gold, names=[name for name in BESIDE if name not in told])

    def score(self, predictions: Sequence[Any], encoded: Dataset) -> dict[str, float]:
        """All text scores, the metric first; of the loss if the metric is."""
        complete(predictions, encoded)
        if not self.one_pass:
            return self.score_texts(list(predictions), encoded["target"][:])
        total = sum(tokens for _, tokens in predictions)
        loss = sum(loss for loss, _ in predictions) / max(1, total)
        told = {LOSS: loss, PERPLEXITY: math.exp(min(loss, 700.0))}  # of more than that, no float
        return {self.metric.name: told[self.metric.name]} | told


def _asked(conversation: Conversation) -> str:
    """All that is said before the last answer, as one text."""
    return "\n\n".join(turn["content"] for turn in asked_in(conversation))


def decodes(model_type: str) -> bool:
    """Whether a family writes text from left to right."""
    from transformers.models.auto import modeling_auto

    causal = modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    masked = modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES
    return model_type in causal and model_type not in masked
