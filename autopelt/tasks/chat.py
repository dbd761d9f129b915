"""Conversations: a decoder learns the answers in them, as a chat template writes them."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from autopelt.data.conversations import (
    ASSISTANT,
    SYSTEM,
    Conversation,
    chat_form,
    conversations,
    opening,
)
from autopelt.data.readers import Table
from autopelt.errors import UnavailableError, UsageError, parameter
from autopelt.tasks.base import Task
from autopelt.tasks.chat_template import ChatTemplate, named
from autopelt.tasks.cutting import CUT, DROP
from autopelt.tasks.generation import CAUSAL, OF_LOSS, Generation, decodes
from autopelt.tasks.padding import IGNORED, Batch
from autopelt.tasks.text_scores import TEXT_SCORES, require

if TYPE_CHECKING:
    from datasets import Dataset

    from autopelt.data.source import Origin


class Chat(Generation):
    """Predict the tokens of answers; a raw example has ``messages``, a list of turns.

    Args:
        chat_template: Jinja text; empty: the tokeniser's own, else a plain one.
        last: learn the last answer of a conversation only.
    """

    kind: ClassVar[str] = "chat"
    example: ClassVar[str] = "conversation"
    known_scores: ClassVar[tuple[str, ...]] = (*OF_LOSS, *TEXT_SCORES)
    own_options: ClassVar[frozenset[str]] = frozenset(
        {"text", "group", "target", "chat_template", "loss_on", "too_long", "generate"}
    )
    head = CAUSAL
    columns = ("messages",)
    max_length = 1024
    usual_epochs = 3
    usual_batch = 8

    def __init__(
        self,
        name: str,
        title: str,
        origin: Origin,
        *,
        chat_template: str = "",
        last: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(name, title, origin, **options)
        self.chat_template, self.last = chat_template, last

    @classmethod
    def raw(cls, table: Table, named: Mapping[str, str]) -> dict[str, list[Any]]:
        """The conversations."""
        text, target = named.get("text", ""), named.get("target", "")
        form = chat_form(table, text, target, forced=True)
        if form is None:
            raise UnavailableError(
                f"{table.missing('messages').marked} A chat has a column of lists of turns, or two "
                f"of texts and answers: name them with {parameter('text')} and "
                f"{parameter('target')}."
            )
        return {"messages": conversations(table, form)}

    def unlabelled(self, table: Table, named: Mapping[str, str]) -> dict[str, list[Any]]:
        """Conversations to be answered: without their last answer, where they have one."""
        known = {**getattr(self.origin, "named", {}), **named}
        text = named.get("messages", "") or known.get("text", "")
        form = chat_form(table, text if text in table else "", forced=True, asks=True)
        if form is None:
            raise table.missing(text or "messages")
        return {"messages": conversations(table, form, asks=True)}

    @classmethod
    def settings(cls, named: Mapping[str, str], score: str) -> dict[str, Any]:
        """The metric, the template, what is learnt and what becomes of long ones."""
        return {
            "scores": (score,),
            "chat_template": named.get("chat_template", ""),
            "too_long": named.get("too_long", "") or CUT,
            "last": named.get("loss_on", "") == "last",
            "generate": int(named.get("generate") or 0),
        }

    def for_model(self, config: Any) -> Task:
        """For decoders. Raises UsageError for any other model."""
        if config.is_encoder_decoder or not decodes(config.model_type):
            what = "an encoder-decoder" if config.is_encoder_decoder else "an encoder"
            way = f" ({parameter('kind', 'generation')} takes pairs of texts)"
            raise UsageError(
                f"task '{self.name}' is a chat, but a model of the family '{config.model_type}' is "
                f"{what}{way if config.is_encoder_decoder else ''}; use a decoder."
            )
        if self.own is None:
            require(self.metric.name)
        return copy.copy(self)

    def finish(self, dataset: Dataset, part: str, notes: list[str]) -> Dataset:
        """Conversations were checked where they were read; the metric is tried."""
        self.check_score(self.references(dataset), part)
        return dataset

    def stops(self, model: Any, tokenizer: Any) -> list[int]:
        """What the template writes behind an answer is a stop as well, where it is one token."""
        known = super().stops(model, tokenizer)
        end = ChatTemplate(tokenizer, self.chat_template).end
        ids = tokenizer(end, add_special_tokens=False)["input_ids"] if end else []
        return [*known, *ids] if len(ids) == 1 and ids[0] not in known else known

    def answers(self, model: Any, batch: Batch, tokenizer: Any) -> list[str]:
        """As `Generation.answers`, without what the template writes behind an answer."""
        texts = super().answers(model, batch, tokenizer)
        end = ChatTemplate(tokenizer, self.chat_template).end
        return [text.partition(end)[0] for text in texts] if end else texts

    def references(self, dataset: Dataset) -> list[str]:
        """The last answer of each conversation."""
        return [_target(conversation) for conversation in dataset["messages"][:]]

    def groups(self, dataset: Dataset) -> Sequence[Any]:
        """Conversations that begin in the same way stay together."""
        return [opening(conversation) for conversation in dataset["messages"][:]]

    def told(self, train: Dataset, tokenizer: Any) -> list[str]:
        """By which template conversations are written, and what it does with them."""
        template = ChatTemplate(tokenizer, self.chat_template)
        which = "the last answer of each is" if self.last else "all answers are"
        lines = [f"Conversations are written by {template.words}; {which} learnt, nothing else."]
        if not template.end and tokenizer.eos_token_id is None:
            lines.append(
                "WARNING: neither the template nor the tokenizer has a token that ends an answer, "
                "so answers go on up to the longest that is allowed."
            )
        with_system = sum(c[0]["role"] == SYSTEM for c in train["messages"][:])
        if with_system and not template.system:
            lines.append(
                f"The template takes no system turn; in {with_system} of {len(train)} "
                "conversations of train it begins the user's first turn."
            )
        return lines

    def shown(self, example: Mapping[str, Any]) -> str:
        """By the user's first turn."""
        return named(example["messages"])

    def notes(self, encoded: Dataset) -> list[str]:
        """How many conversations were cut, by which rule."""
        if self.left_out:
            return super().notes(encoded)
        full = encoded["full_length"][:]
        cut = sum(a < b for a, b in zip(encoded["length"][:], full, strict=True))
        return super().notes(encoded) and [
            f"{cut} of {len(full)} conversations are too long and were cut (the longest has "
            f"{max(full)} tokens): the oldest turns first, then the middle of the longest texts; "
            f"too_long {DROP} leaves them out."
        ]

    def encode_batch(
        self, batch: Mapping[str, list[Any]], tokenizer: Any, max_length: int
    ) -> dict[str, list[Any]]:
        """Write conversations by the template.

        Returns:
            As `Generation.encode_batch` for a decoder; ``labels`` are `IGNORED` outside answers.
        """
        template = ChatTemplate(tokenizer, self.chat_template)
        ready = [template.ready(conversation) for conversation in batch["messages"]]
        rows = template.rows([template.written(turns, self.last) for turns in ready])
        full = [len(row.ids) for row in rows]
        for place, turns in enumerate(ready):
            answered = turns[-1]["role"] == ASSISTANT  # else an answer is to have room
            limit = max_length if answered else max_length - max_length // 4
            if full[place] > limit and self.too_long == CUT:
                fits = template.shortened(turns, limit, self.last)
                (rows[place],) = template.rows([template.written(fits, self.last)])
        made: dict[str, list[Any]] = {
            "input_ids": [row.ids for row in rows],
            "attention_mask": [[1] * len(row.ids) for row in rows],
            "labels": [
                [token if learned else IGNORED for token, learned in zip(row.ids, row.learned)]
                for row in rows
            ],
            "length": [len(row.ids) for row in rows],
            "full_length": full,
            "target": [_target(turns) for turns in ready],
        }
        return made


def _target(turns: Conversation) -> str:
    """The text of the last answer, or nothing."""
    return turns[-1]["content"] if turns[-1]["role"] == ASSISTANT else ""
