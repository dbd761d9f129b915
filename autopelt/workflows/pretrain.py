"""Go on with pretraining a model on raw text: DAPT on a domain's, TAPT on a task's own texts.

Gururangan et al. 2020, "Don't Stop Pretraining" (arXiv:2004.10964). The result is an ordinary
model folder, which a search takes as its model.
"""

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import DataCollatorForLanguageModeling

from autopelt.backbones.language_model import (
    blocks_of,
    language_model_kind,
    load_language_model,
    save_language_model,
)
from autopelt.backbones.load import load_config, load_tokenizer, save_tokenizer
from autopelt.backbones.quiet import quiet
from autopelt.backbones.source import ModelSource, resolve
from autopelt.errors import InfeasibleError, UsageError, parameter, require_positive
from autopelt.study.config import derived_seed
from autopelt.system.files import check_new_folder, new_folder, read_text, write_text
from autopelt.tasks import make_task
from autopelt.training.batches import scoring_batches, training_batches
from autopelt.training.context import length_limit
from autopelt.training.spec import Setup, data_source
from autopelt.workflows.plan import versions

RECORD = "pretraining.json"
HELD_OUT = 20
"""One block in so many is held out, to see whether the loss falls on text not trained on."""
MASKED_SHARE = 0.15


@dataclass(frozen=True)
class Pretraining:
    """How to train. `max_length` in tokens; `learning_rate` is AdamW's, warmed up over 6 %."""

    epochs: int = 3
    batch_size: int = 32
    max_length: int = 256
    learning_rate: float = 1e-4
    random_seed: int = 0

    def check(self) -> None:
        """Raise UsageError for a number out of range."""
        require_positive(epochs=self.epochs, batch_size=self.batch_size)
        most = {"epochs": 10_000, "batch_size": 1_000_000, "max_length": 1_000_000}
        for name, limit in most.items():
            if getattr(self, name) > limit:
                raise UsageError(
                    f"{parameter(name, getattr(self, name))} is too many; at most {limit:,}."
                )
        if self.max_length < 8:
            raise UsageError(
                f"{parameter('max_length', self.max_length)} is too short; at least 8."
            )
        if not 0 < self.learning_rate < 1:
            raise UsageError(
                f"{parameter('learning_rate', self.learning_rate)} must lie between 0 and 1."
            )
        if self.random_seed < 0:
            raise UsageError(f"{parameter('random_seed', self.random_seed)} is negative.")


def texts_of_files(paths: Sequence[Path]) -> tuple[list[str], list[dict[str, str]]]:
    """Every line that is not empty, and what the files were.

    Raises:
        UsageError: a file cannot be read, or there is no text in it.
    """
    texts: list[str] = []
    files = []
    for path in paths:
        content = read_text(path, f"text '{path}'")
        lines = [line.strip() for line in content.splitlines() if line.strip()]
        if not lines:
            raise UsageError(f"text '{path}' is empty; give files with one text a line.")
        texts += lines
        files.append({"file": path.name, "sha256": hashlib.sha256(content.encode()).hexdigest()})
    return texts, files


def texts_of_task(setup: Setup) -> tuple[list[str], list[dict[str, str]]]:
    """The task's own training texts, without their labels (TAPT).

    Raises:
        UsageError: the task has no texts.
        UnavailableError: its data is not to be had.
    """
    task = make_task(setup.task)
    splits = task.load(data_source(setup))
    columns = [splits.train[name][:] for name in task.columns if name in splits.train.column_names]
    texts = []
    for parts in zip(*columns, strict=True):
        words = [" ".join(p) if isinstance(p, list | tuple) else p for p in parts]
        text = " ".join(str(w).strip() for w in words if w)
        if text:
            texts.append(text)
    if not texts:
        raise UsageError(f"task '{setup.task}' has no texts to train on; give {parameter('text')}.")
    return texts, [{"task": task.name, "sha256": splits.facts.hash}]


def pretrain(
    model: str,
    texts: Sequence[str],
    origin: Sequence[dict[str, str]],
    how: Pretraining,
    out: Path,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Train on the texts and write a model folder, which appears whole or not at all.

    Returns:
        The content of ``pretraining.json``.

    Raises:
        UsageError: a number out of range, an encoder-decoder, `out` is in use, too little text.
        UnavailableError: the model is not to be had.
        InfeasibleError: the loss stopped being a number.
    """
    how.check()
    check_new_folder(out)
    source = resolve(model)
    config = load_config(source)
    if language_model_kind(config) == "seq2seq":
        raise UsageError(
            f"'{source.name}' is an encoder-decoder ({config.model_type}); pretrain goes on with "
            "masked or causal language modelling only. Give an encoder or a decoder."
        )
    network, kind, fresh = load_language_model(source, derived_seed(how.random_seed, "head"))
    tokenizer = _tokenizer(source, masked=kind == "masked")
    limit = length_limit(how.max_length, tokenizer, network.config)
    blocks = blocks_of(texts, tokenizer, limit)
    if not blocks:
        raise UsageError(f"there is no text longer than a token; give more {parameter('text')}.")
    say(
        f"{kind} language modelling of {source.name}: {len(texts):,} texts, {len(blocks):,} blocks "
        f"of at most {limit} tokens, {how.epochs} epochs"
    )
    if fresh:
        say(f"{source.name} has no language-model head; one is trained from the start")
    collate = DataCollatorForLanguageModeling(
        tokenizer, mlm=kind == "masked", mlm_probability=MASKED_SHARE
    )
    losses = _train(network, collate, blocks, how, say)
    record = {
        "model": source.name,
        "objective": kind,
        "fresh_head": fresh,
        "texts": len(texts),
        "blocks": len(blocks),
        "tokens": sum(map(len, blocks)),
        "origin": list(origin),
        "how": asdict(how),
        "losses": losses,
        "before": _provenance(source),
        "versions": versions(),
    }
    _write(network, tokenizer, source, record, out)
    return record


def _tokenizer(source: ModelSource, *, masked: bool) -> Any:
    tokenizer = load_tokenizer(source)
    if masked and tokenizer.mask_token is None:
        raise UsageError(f"the tokeniser of '{source.name}' has no mask token; give another model.")
    return tokenizer


def _train(
    network: Any,
    collate: Any,
    blocks: list[list[int]],
    how: Pretraining,
    say: Callable[[str], None],
) -> list[dict[str, float]]:
    """Mean losses by epoch, of what is trained on and of what is held out."""
    held = blocks[::HELD_OUT] if len(blocks) >= HELD_OUT else []
    kept = [b for i, b in enumerate(blocks) if i % HELD_OUT] if held else blocks
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network.to(device)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=how.learning_rate, weight_decay=0.01, eps=1e-6
    )
    total = how.epochs * math.ceil(len(kept) / how.batch_size)
    rise = max(1, round(0.06 * total))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / rise, (total - step) / max(1, total - rise + 1))
    )
    order = torch.Generator().manual_seed(derived_seed(how.random_seed, "order"))
    losses = [{"epoch": 0.0, "held_out": _loss(network, collate, held, how, device)}]
    for epoch in range(1, how.epochs + 1):
        network.train()
        summed = 0.0
        with torch.random.fork_rng(devices=[]):  # dropout and masking draw from the global one
            torch.manual_seed(derived_seed(how.random_seed, "epoch", epoch))
            for indices in training_batches([len(b) for b in kept], how.batch_size, order):
                batch = collate([{"input_ids": kept[i]} for i in indices]).to(device)
                value = _step(network(**batch).loss, network, optimizer, epoch)
                schedule.step()
                summed += value * len(indices)
        after = _loss(network, collate, held, how, device)
        losses.append({"epoch": float(epoch), "train": summed / len(kept), "held_out": after})
        more = f", held-out text {after:.3f} (before: {losses[0]['held_out']:.3f})" if held else ""
        say(f"  epoch {epoch} of {how.epochs}: loss {summed / len(kept):.3f}{more}")
    return losses


def _step(loss: torch.Tensor, network: Any, optimizer: torch.optim.Optimizer, epoch: int) -> float:
    """One step of the optimiser; gives the loss. Raises InfeasibleError if it is no number."""
    value = float(loss.detach())
    if not math.isfinite(value):
        raise InfeasibleError(
            f"the loss became {value} in epoch {epoch}; a lower {parameter('learning_rate')} helps."
        )
    loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return value


@torch.inference_mode()
def _loss(
    network: Any, collate: Any, held: list[list[int]], how: Pretraining, device: torch.device
) -> float:
    """Mean loss on held-out blocks, the same masks every time; 0 where nothing is held out."""
    network.eval()
    summed = 0.0
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived_seed(how.random_seed, "held out"))
        for indices in scoring_batches([len(b) for b in held], how.batch_size):
            batch = collate([{"input_ids": held[i]} for i in indices]).to(device)
            value = float(network(**batch).loss)
            summed += (value if math.isfinite(value) else 0.0) * len(indices)
    return summed / max(1, len(held))


def _provenance(source: ModelSource) -> Any:
    """What the model was pretrained on here before: DAPT, then TAPT."""
    path = Path(source.path_or_name) / RECORD
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def _write(
    network: Any, tokenizer: Any, source: ModelSource, record: dict[str, Any], out: Path
) -> None:
    with new_folder(out) as made:
        save_language_model(network, source, made)
        with quiet():
            save_tokenizer(tokenizer, made)
        write_text(made / RECORD, json.dumps(record, indent=1) + "\n")
