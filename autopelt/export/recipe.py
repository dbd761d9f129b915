"""How a decoder was trained on texts, as programs that train language models are told it.

TRL, axolotl and LLaMA-Factory train the same modules with the same optimiser on the same examples:
this is what their files have in common. The study's own splits go along as JSON lines, so that none
of them draws its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopelt.backbones.load import load_config, load_tokenizer
from autopelt.data.recorded import SEARCHED
from autopelt.errors import UsageError, command
from autopelt.export.chosen import Chosen
from autopelt.export.peft_settings import PeftSettings, peft_settings
from autopelt.system.files import write_text
from autopelt.tasks import make_task
from autopelt.tasks.chat import Chat
from autopelt.tasks.chat_template import ChatTemplate
from autopelt.tasks.cutting import DROP
from autopelt.tasks.generation import CAUSAL, Generation
from autopelt.training.context import length_limit
from autopelt.training.spec import data_source

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PretrainedConfig

    from autopelt.data.conversations import Conversation

Example = dict[str, Any]


@dataclass(frozen=True)
class Recipe:
    """One training of a decoder.

    Attributes:
        chosen: model, schedule and architecture.
        task: as the model does it.
        peft: what is trained.
        limit: tokens of an example, or of a packed row.
        splits: raw examples of ``train`` and ``selection``.
    """

    chosen: Chosen
    task: Generation
    tokenizer: Any
    config: PretrainedConfig
    peft: PeftSettings
    limit: int
    splits: Mapping[str, Dataset]

    @property
    def model(self) -> str:
        """The model's folder in full, or its name on the Hub."""
        source = self.chosen.setup.source
        hub = source.kind == "hub"
        return source.path_or_name if hub else str(Path(source.path_or_name).resolve())

    @property
    def rate(self) -> float:
        """The learning rate at its highest."""
        return float(f"{self.peft.rate * self.chosen.training.learning_rate_factor:.6g}")

    @property
    def weight_decay(self) -> float:
        """0 where theirs would draw to another place than ours."""
        return self.chosen.training.weight_decay if self.peft.decays else 0.0

    @property
    def warmup_steps(self) -> int:
        """Steps after which their schedules are at the full rate, in the same step as ours.

        Of W steps of warm-up our rate is (s + 1) / W in step s, from 0; theirs s / (W - 1).
        """
        training = self.chosen.training
        batches = -(-len(self.splits["train"]) // training.batch_size)
        return max(1, round(batches * training.epochs * training.warmup)) - 1

    @property
    def by_loss(self) -> bool:
        """Whether the epoch was chosen by the loss of answers, which all of them measure."""
        return self.task.one_pass

    @cached_property
    def template(self) -> ChatTemplate | None:
        """What writes the conversations of a chat."""
        if not isinstance(self.task, Chat):
            return None
        return ChatTemplate(self.tokenizer, self.task.chat_template)

    @property
    def own_template(self) -> bool:
        """Whether a chat's template is the tokeniser's, which every program finds there."""
        given = isinstance(self.task, Chat) and self.task.chat_template
        return bool(self.tokenizer.chat_template) and not given

    @property
    def last(self) -> bool:
        """Whether a conversation's last answer alone is learned."""
        return isinstance(self.task, Chat) and self.task.last

    @cached_property
    def rows(self) -> Mapping[str, list[Example]]:
        """Of each split ``messages``, or ``prompt`` and ``completion``, as they were trained.

        Conversations are as the template could write them, cut where they were too long.
        """
        return {name: list(self._rows(split)) for name, split in self.splits.items()}

    def _rows(self, split: Dataset) -> Iterable[Example]:
        task, template = self.task, self.template
        if template is not None:
            for example in split:
                turns = template.ready(example["messages"])
                if self._tokens(template, turns) > self.limit:
                    if task.too_long == DROP:
                        continue
                    turns = template.shortened(turns, self.limit, self.last)
                yield {
                    "messages": [{key: turn[key] for key in ("role", "content")} for turn in turns]
                }
            return
        for example in split if task.too_long != DROP else self._short(split):
            prompt = task.prefix + example["source"] + task.separator
            yield {"prompt": prompt, "completion": example["target"]}

    def _tokens(self, template: ChatTemplate, turns: Conversation) -> int:
        return len(template.rows([template.written(turns, self.last)])[0].ids)

    def _short(self, split: Dataset) -> Iterable[Example]:
        """Pairs that are not left out."""
        for example in split:
            one = {key: [value] for key, value in example.items()}
            full = self.task.encode_batch(one, self.tokenizer, self.limit)["full_length"]
            if full[0] <= self.limit:
                yield example

    @property
    def cut(self) -> int:
        """How many pairs were cut, which other programs do in their own way."""
        if self.template is not None:
            return 0
        lengths = [
            pair
            for encoded in self.encoded.values()
            for pair in zip(encoded["length"][:], encoded["full_length"][:], strict=True)
        ]
        return sum(length < full for length, full in lengths)

    @cached_property
    def encoded(self) -> Mapping[str, Dataset]:
        """The examples as they were trained."""
        return {
            name: self.task.encode(split, self.tokenizer, self.limit)
            for name, split in self.splits.items()
        }


def recipe(chosen: Chosen, to: str) -> Recipe | None:
    """Everything about a training on texts; None where it is no decoder that learns to write.

    Raises:
        UsageError: what was trained cannot be said in the format.
        UnavailableError: model or data are not to be had, or other than they were.
    """
    source = chosen.setup.source
    config = load_config(source)
    task = make_task(chosen.setup.task).for_model(config)
    if not isinstance(task, Generation) or task.head != CAUSAL:
        return None
    peft = peft_settings(chosen.architecture, config, task.head, to)
    tokenizer = load_tokenizer(source)
    loaded = task.load(data_source(chosen.setup))
    if chosen.setup.recorded is not None:
        chosen.setup.recorded.check(task.name, loaded.facts.recorded, SEARCHED)
    limit = length_limit(chosen.setup.max_length or task.max_length, tokenizer, config)
    splits = {"train": loaded.train, "selection": loaded.selection}
    return Recipe(chosen, task, tokenizer, config, peft, limit, splits)


def write_rows(path: Path, rows: Iterable[Example]) -> None:
    """JSON lines."""
    path.parent.mkdir(exist_ok=True)
    write_text(path, "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows))


TEMPLATE = "chat_template.jinja"


def write_template(recipe: Recipe, folder: Path) -> None:
    """The chat template, where it is not the tokeniser's own."""
    if recipe.template is not None and not recipe.own_template:
        write_text(folder / TEMPLATE, recipe.template.text)


def not_a_decoder(to: str, name: str) -> UsageError:
    """The error where a training is none of a decoder on texts."""
    return UsageError(
        f"cannot export to {to}: it trains decoders on texts (kinds generation and chat), and "
        f"{name} is none; use: {command('train', name)}"
    )
