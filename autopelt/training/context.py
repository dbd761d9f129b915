"""What a worker keeps between trials: the backbone, the tokeniser and the encoded splits."""

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from transformers import PreTrainedModel

from autopelt.backbones import quantised
from autopelt.backbones.load import load_config, load_model, load_tokenizer
from autopelt.backbones.pooler import NOTE as NO_POOLER
from autopelt.backbones.pooler import reads_first_token
from autopelt.data.draw import draw
from autopelt.data.source import Splits
from autopelt.modules.attachment import frozen_parameters
from autopelt.tasks import Task, make_task
from autopelt.tasks.by_group import not_scored
from autopelt.tasks.padding import MODEL_INPUTS
from autopelt.training.dropout import FastDropout
from autopelt.training.fingerprint import named_fingerprint
from autopelt.training.precision import products
from autopelt.training.shared_arrays import SharedArrays
from autopelt.training.spec import Setup, data_source


@dataclass
class Split:
    """An encoded split.

    Attributes:
        encoded: as the task made it; the task scores predictions against it.
        rows: the same as a list, quick to index.
        lengths: tokens of each row.
    """

    encoded: Any
    rows: list[Mapping[str, Any]]
    lengths: list[int]

    def select(self, indices: Sequence[int]) -> "Split":
        """Some of its examples, in the order given."""
        rows, lengths = [self.rows[i] for i in indices], [self.lengths[i] for i in indices]
        return Split(self.encoded.select(indices), rows, lengths)


class Context:
    """A warm backbone and its data.

    Attributes:
        model: frozen backbone with a fresh task head, nothing attached between trials.
        seconds: what making it took, by phase.
        prior: what the task head's biases begin at (`Task.prior`).
        notes: sentences about the data that a user must see.
        arrays: where hidden states of the frozen trunk are kept; None: nowhere.
        probes: what measures how far a trained model is from the bare backbone, by objective
            (`autopelt.training.forgetting`).
        directions: main directions of inputs by site, and up to which rank (`directions`).
        trunk_works: whether a pass can start at a layer of this model, as far as is known.
        data: where the examples came from, and what became of them.
    """

    def __init__(
        self,
        setup: Setup,
        *,
        train: bool = True,
        report: bool = False,
        given: tuple[Task, Splits] | None = None,
    ) -> None:
        """
        Args:
            setup: model, task, data.
            train: keep the train and selection splits.
            report: load the report split as well. A search never does.
            given: the task for the model and its raw examples, where these are loaded already.

        Raises:
            UnavailableError: the model or the data is not to be had, or is not what was recorded.
        """
        begun = time.perf_counter()
        self.setup = setup
        setup.run_own_methods()
        source = setup.source
        self.tokenizer = load_tokenizer(source)
        config = load_config(source)
        if given is None:
            self.task: Task = make_task(setup.task).for_model(config)
            loaded = self.task.load(data_source(setup), report=report)
        else:
            self.task, loaded = given
        wanted = {"train": train, "selection": train, "report": report}
        used = [name for name, keep in wanted.items() if keep]
        if setup.recorded is not None:
            setup.recorded.check(self.task.name, loaded.facts.recorded, used)
        self.data = loaded.facts
        self.notes: list[str] = list(loaded.facts.notes)
        wanted_length = setup.max_length or self.task.max_length
        limit = length_limit(wanted_length, self.tokenizer, config)
        self.splits: dict[str, Split] = {}
        for name in used:
            encoded = self.task.encode(getattr(loaded, name), self.tokenizer, limit)
            notes = self.task.notes(encoded) + (not_scored(encoded) if name != "train" else [])
            self.notes += [f"{name}: {note}" for note in notes]
            self.splits[name] = Split(encoded, encoded.to_list(), list(encoded["length"]))
        self._write_less()
        self.task.learn_answers(loaded.train, self.tokenizer)
        self.prior: list[float] | None = None
        if train:
            self.task.learn_from(self.splits["train"].encoded)
            self.prior = self.task.prior(self.splits["train"].encoded)
        read = time.perf_counter()
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model: PreTrainedModel = load_model(
            source, self.task.head, self.task.outputs, setup.random_seed, keep=setup.keep
        )
        quantised.place(self.model, self.device)
        if reads_first_token(self.model):
            self.notes.append(NO_POOLER)
        self.seconds = {"data": read - begun, "model": time.perf_counter() - read}
        self.arrays: SharedArrays | None = None
        self.probes: dict[str, Any] = {}
        self.directions: dict[str, tuple[int, torch.Tensor]] = {}
        self.trunk_works = True
        self.precision = "fp32"
        self._identities: dict[str, str] = {}

    def _write_less(self) -> None:
        """Score as many examples of the selection split as the task asks to write texts for."""
        part = self.splits.get("selection")
        wanted = 0 if part is None else self.task.judged(len(part.rows))
        if part is None or wanted == len(part.rows):
            return
        rows = draw(wanted, [str(row["input_ids"]) for row in part.rows], self.setup.random_seed)
        self.splits["selection"] = part.select(rows)
        self.notes.append(
            f"selection: texts are written for {wanted} of {len(part.rows)} examples."
        )

    @property
    def precision(self) -> str:
        """``fp32`` or ``bf16``, of the matrix products. Set it anew when frozen weights changed."""
        return self._precision

    @precision.setter
    def precision(self, precision: str) -> None:
        self._precision, self._products = precision, products(self.device, precision)

    @contextmanager
    def autocast(self) -> Iterator[None]:
        """Forward passes and losses run in here, in the set precision."""
        with self._products(), FastDropout() if self.device.type == "cpu" else nullcontext():
            yield

    def identity(self, split: str) -> str:
        """A name for what the backbone computes of a split: its weights, the tokens, precision."""
        if split not in self._identities:
            content = hashlib.sha256(self._weights().encode())
            for row in self.splits[split].rows:
                content.update(f"{[row.get(key) for key in MODEL_INPUTS]}\n".encode())
            self._identities[split] = content.hexdigest()[:16]
        return f"{self._identities[split]}-{self.precision}"

    def _weights(self) -> str:
        """A name for the frozen weights; the same for all splits."""
        if "" not in self._identities:
            parts = [*frozen_parameters(self.model).items(), *quantised.scales(self.model)]
            self._identities[""] = named_fingerprint(parts)
        return self._identities[""]

    def collated(self, split: str, indices: Sequence[int]) -> dict[str, torch.Tensor]:
        """A padded batch of a split."""
        rows = self.splits[split].rows
        return self.task.collate([rows[i] for i in indices], self.tokenizer)

    def batch(self, split: str, indices: Sequence[int]) -> dict[str, torch.Tensor]:
        """A padded batch of a split, on the model's device."""
        return self.on_device(self.collated(split, indices))

    def inputs(self, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """What of a batch goes to the model. Packed rows are known by positions, without a mask."""
        inputs = self.task.inputs(batch)
        hidden = {"attention_mask"} if "position_ids" in inputs else set()
        return {name: value for name, value in inputs.items() if name not in hidden}

    def on_device(self, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """A batch where the model is."""
        if self.device.type == "cuda":  # copied while the GPU is still busy with the last batch
            batch = {name: tensor.pin_memory() for name, tensor in batch.items()}
        return {name: tensor.to(self.device, non_blocking=True) for name, tensor in batch.items()}


def length_limit(wanted: int, tokenizer: Any, config: Any) -> int:
    """The wanted length, or what tokeniser and table of positions allow where that is less."""
    limits = [wanted, getattr(tokenizer, "model_max_length", None)]
    positions = getattr(config, "max_position_embeddings", None)
    if isinstance(positions, int) and config.model_type in ("roberta", "xlm-roberta"):
        positions -= 2  # its positions start behind the padding token's
    limits.append(positions)
    return min(n for n in limits if isinstance(n, int) and n > 0)


def is_warm() -> bool:
    """Whether this process holds a model and data already."""
    return warm_context.cache_info().currsize > 0


@lru_cache(maxsize=1)
def warm_context(setup: Setup, report: bool = False) -> Context:
    """What this process keeps for a study's trials; made once."""
    return Context(setup, report=report)
