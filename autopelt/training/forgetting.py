"""What training did to what the backbone knew, measured on a general text once it has ended.

``forgetting``: nats a token by which the loss of the checkpoint's own language model has grown on
the text: with the modules on and the task's head off, minus the bare backbone's. A decoder
foretells each next token; an encoder tokens that are masked; an encoder-decoder what was cut out,
as it was pretrained (T5: Raffel et al. 2020, spans behind sentinels; BART: Lewis et al. 2020, the
whole text with spans masked). What is hidden is the same for every architecture of every study, so
the difference has no noise of its own. It may be negative. This is what peft's method comparison
calls forgetting.

``drift``: 1 - cosine between the mean last hidden state of a block of the text, with the modules on
and of the bare backbone; the mean over the blocks. For checkpoints without a language model, such
as sentence encoders: 0 where every text keeps its vector.

Both in fp32, with the weights of the best epoch, gates as they are.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from transformers import PretrainedConfig, PreTrainedModel

from autopelt.backbones.language_model import (
    blocks_of,
    has_language_head,
    language_model_kind,
    load_language_model,
)
from autopelt.data.general_text import general_text
from autopelt.errors import UnavailableError
from autopelt.study.objectives import COSTS
from autopelt.tasks.padding import IGNORED, Batch, model_inputs, padded
from autopelt.training.context import Context, length_limit

TOKENS, BLOCKS, AT_ONCE = 128, 64, 4
"""Most tokens of a block, most blocks (evenly spaced in a longer text), and blocks in a batch:
logits over a vocabulary are large."""
HIDDEN, SPAN = 0.15, 3
"""Share of the tokens that are masked or cut out; tokens of a span that is cut out."""

Pair = tuple[list[int], list[int]]
"""What a model reads, and its labels."""


class Probe(ABC):
    """Measures the change from the bare backbone to what is attached to a context's model.

    Made while nothing is attached.
    """

    def __init__(self, context: Context, texts: Sequence[str]) -> None:
        """
        Raises:
            UnavailableError: the model cannot be measured, or there is too little text.
        """
        self.context, self.tokenizer = context, context.tokenizer
        config: Any = context.model.config
        # Rows of a prompt need positions, too.
        limit = min(TOKENS, length_limit(TOKENS * 2, self.tokenizer, config) // 2)
        blocks = blocks_of(texts, self.tokenizer, limit)
        blocks = blocks[:: -(-len(blocks) // BLOCKS) or 1]
        if not blocks:
            raise UnavailableError("the general text has no text longer than a token.")
        self.blocks = blocks

    @abstractmethod
    def change(self) -> float:
        """Of what is attached now; 0 for nothing."""

    def inputs(self, blocks: Sequence[list[int]]) -> Batch:
        """A padded batch on the model's device."""
        rows = [{"input_ids": ids, "attention_mask": [1] * len(ids)} for ids in blocks]
        return self.on_device(model_inputs(rows, self.tokenizer))

    def on_device(self, batch: Batch) -> Batch:
        """The same where the model is."""
        return {name: value.to(self.context.device) for name, value in batch.items()}


class Forgetting(Probe):
    """See the head of this file."""

    def __init__(self, context: Context, texts: Sequence[str]) -> None:
        super().__init__(context, texts)
        self.model = language_model(context)
        kind = language_model_kind(context.model.config)
        pairs = [pair for ids in self.blocks if (pair := self._pair(kind, ids)) is not None]
        self.batches: list[tuple[Batch, int]] = []
        for start in range(0, len(pairs), AT_ONCE):
            some = pairs[start : start + AT_ONCE]
            left = self.tokenizer.padding_side == "left" and kind != "seq2seq"
            labels = padded([labels for _, labels in some], IGNORED, left)
            # A decoder's first token is foretold by nothing.
            told = labels[:, 1:] if kind == "causal" else labels
            batch = self.inputs([ids for ids, _ in some]) | self.on_device({"labels": labels})
            self.batches.append((batch, int((told != IGNORED).sum())))
        self.before = self.loss()

    def change(self) -> float:
        """Nats a token."""
        return self.loss() - self.before

    @torch.inference_mode()
    def loss(self) -> float:
        """Mean of all tokens that are to be foretold, in nats."""
        self.context.model.eval()
        summed = sum(float(self.model(**batch).loss) * told for batch, told in self.batches)
        return summed / sum(told for _, told in self.batches)

    def _pair(self, kind: str | None, ids: list[int]) -> Pair | None:
        """What the model reads of a block and is to tell; None where there is nothing to hide."""
        if kind == "causal":
            return ids, ids
        rng = np.random.default_rng((len(ids), *ids))  # of the block alone
        own = set(self.tokenizer.all_special_ids)
        free = [place for place, token in enumerate(ids) if token not in own]
        if not free:
            return None
        if kind == "masked":
            chosen = rng.choice(free, max(1, round(HIDDEN * len(free))), replace=False)
            return masked(ids, set(chosen.tolist()), self._mask())
        starts = free[::SPAN]
        count = max(1, round(HIDDEN * len(starts)))
        begin = sorted(rng.choice(starts, count, replace=False).tolist())
        spans = [[p for p in range(b, b + SPAN) if p in free] for b in begin]
        vocabulary = self.tokenizer.get_vocab()
        sentinels = [vocabulary.get(f"<extra_id_{n}>") for n in range(len(spans) + 1)]
        if None not in sentinels:
            inputs, cut = without(ids, spans, sentinels)
            return inputs, [*cut, self.tokenizer.eos_token_id]
        return without(ids, spans, [self._mask()] * (len(spans) + 1))[0], ids

    def _mask(self) -> int:
        if self.tokenizer.mask_token_id is None:
            raise UnavailableError(
                f"forgetting of '{self.context.setup.model}' cannot be measured: its tokeniser has "
                "no mask token."
            )
        return int(self.tokenizer.mask_token_id)


def masked(ids: list[int], chosen: set[int], mask: int) -> Pair:
    """A block with the chosen places masked; only these have labels."""
    inputs = [mask if place in chosen else token for place, token in enumerate(ids)]
    labels = [token if place in chosen else IGNORED for place, token in enumerate(ids)]
    return inputs, labels


def without(ids: list[int], spans: list[list[int]], marks: list[int]) -> Pair:
    """A block with a mark for each span; and the marks, each with what was there, one to end."""
    gone = {place for span in spans for place in span[1:]}
    at = {span[0]: mark for span, mark in zip(spans, marks, strict=False)}
    inputs = [at.get(place, token) for place, token in enumerate(ids) if place not in gone]
    cut = [t for span, m in zip(spans, marks, strict=False) for t in (m, *(ids[p] for p in span))]
    return inputs, [*cut, marks[len(spans)]]


def language_model(context: Context) -> PreTrainedModel:
    """The checkpoint's language model on the very backbone of the context, modules and all.

    Raises:
        UnavailableError: the checkpoint has no language-model head.
    """
    model = context.model
    if model.get_output_embeddings() is not None:  # the task's own head is that one
        return model
    source = context.setup.source
    own, _, fresh = load_language_model(source, 0)
    if fresh:
        raise UnavailableError(_no_language_model(source.name))
    base = model.base_model
    parts = {own.base_model_prefix: base}
    if own.base_model is own:  # T5 holds the parts of its backbone itself
        parts = dict(base.named_children())
    for name in {n for n, _ in own.named_children()} & set(parts):
        setattr(own, name, parts[name])
    own.tie_weights()
    own.to(device=context.device)  # type: ignore[call-arg]  # transformers wraps `to` untyped
    return own.eval()


def unmeasurable(objective: str, model: str, config: PretrainedConfig) -> str:
    """Why a model, going by its configuration alone, cannot have an objective; "" if it can."""
    if objective == "forgetting" and not has_language_head(config):
        return _no_language_model(model)
    if objective == "drift" and language_model_kind(config) == "seq2seq":
        return (
            f"drift is for encoders and decoders, and '{model}' is an encoder-decoder; the "
            "objective forgetting has its loss on general text."
        )
    return ""


def _no_language_model(model: str) -> str:
    return (
        f"model '{model}' has no language-model head, so no loss on general text; forgetting needs "
        "a checkpoint saved with one (a decoder, an encoder-decoder, bert-base-uncased), the "
        "objective drift does not."
    )


class Drift(Probe):
    """See the head of this file."""

    def __init__(self, context: Context, texts: Sequence[str]) -> None:
        super().__init__(context, texts)
        self.before = self.vectors()

    def change(self) -> float:
        """From 0 to 2, and 0 where nothing has changed: half of a chord's square is 1 - cosine."""
        return float((self.vectors() - self.before).square().sum(1).mean()) / 2

    @torch.inference_mode()
    def vectors(self) -> torch.Tensor:
        """Mean last hidden state of each block, of length 1; (blocks, width), double precision."""
        self.context.model.eval()
        means = []
        for start in range(0, len(self.blocks), AT_ONCE):
            batch = self.inputs(self.blocks[start : start + AT_ONCE])
            states = self.context.model.base_model(**batch).last_hidden_state.double()
            weights = batch["attention_mask"].double()
            means.append((states * weights[..., None]).sum(1) / weights.sum(1, keepdim=True))
        return torch.nn.functional.normalize(torch.cat(means))


_PROBES: dict[str, Callable[[Context, Sequence[str]], Probe]] = {
    "forgetting": Forgetting,
    "drift": Drift,
}


def probes(context: Context, names: Sequence[str], text: str | None) -> dict[str, Probe]:
    """Those of `names` that are measured of a trained architecture; made once for a context.

    Args:
        text: a file, or None for the built-in text.
    """
    wanted = [name for name in names if COSTS[name].trained]
    for name in wanted:
        if name not in context.probes:
            context.probes[name] = _PROBES[name](context, general_text(text))
    return {name: context.probes[name] for name in wanted}
