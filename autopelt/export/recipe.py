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
from autopelt.errors import UsageError
from autopelt.export.chosen import Chosen
from autopelt.export.peft_settings import PeftSettings, peft_settings
from autopelt.system.files import write_text
from autopelt.tasks import make_task
from autopelt.tasks.generation import CAUSAL, LOSS, Generation
from autopelt.tasks.padding import begins_itself
from autopelt.training.context import length_limit
from autopelt.training.spec import data_source

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PretrainedConfig

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
        return self.task.metric.name == LOSS

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


def pairs(recipe: Recipe, split: str) -> Iterable[Example]:
    """``prompt`` and ``completion`` of a generation task's examples, as it joins them."""
    task = recipe.task
    for example in recipe.splits[split]:
        prompt = task.prefix + example["source"] + task.separator
        yield {"prompt": prompt, "completion": example["target"]}


def marked(recipe: Recipe, split: str) -> Iterable[Example]:
    """The same with beginning and end tokens as text, for programs that add none."""
    tokenizer = recipe.tokenizer
    first = tokenizer.bos_token if begins_itself(tokenizer) else ""
    for example in pairs(recipe, split):
        yield {
            "prompt": first + example["prompt"],
            "completion": example["completion"] + (tokenizer.eos_token or ""),
        }


def write_rows(path: Path, rows: Iterable[Example]) -> None:
    """JSON lines."""
    path.parent.mkdir(exist_ok=True)
    write_text(path, "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows))


def not_a_decoder(to: str, name: str) -> UsageError:
    """The error where a training is none of a decoder on texts."""
    return UsageError(
        f"cannot export to {to}: it trains decoders on texts (kinds generation and chat), and "
        f"{name} is none; use: autopelt train {name}"
    )
