"""Pairs of a source and a target as tokens, and what of a row of tokens is the prompt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autopelt.tasks.cutting import without_middle
from autopelt.tasks.padding import IGNORED, Batch, begins_itself, padded, tokenized


def encode_apart(
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


def encode_joined(
    sources: list[str], separator: str, targets: list[str], tokenizer: Any, max_length: int
) -> dict[str, list[Any]]:
    """Source, separator and target in one row, for a decoder.

    What is too long is cut to `max_length`: the target has half of it or what the source leaves,
    and loses its end; the source loses its middle.
    """

    def pieces(texts: Any) -> Any:
        return tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]

    first = [tokenizer.bos_token_id] if begins_itself(tokenizer) else []
    between, end = pieces(separator), tokenizer.eos_token_id
    keys = ("input_ids", "attention_mask", "labels", "length", "full_length")
    rows: dict[str, list[Any]] = {key: [] for key in keys}
    for prompt, target in zip(pieces(sources), pieces(targets), strict=True):
        target = target if end is None else [*target, end]
        around = len(first) + len(between)
        whole = around + len(prompt) + len(target)
        target = _cut(target, max(1, max_length // 2, max_length - around - len(prompt)), end)
        room = max_length - around - len(target)
        prompt = [*first, *without_middle(prompt, room), *between]
        length = len(prompt) + len(target)
        labels = [IGNORED] * len(prompt) + target
        values = ([*prompt, *target], [1] * length, labels, length, whole)
        for key, value in zip(keys, values, strict=True):
            rows[key].append(value)
    return rows


def _cut(ids: Sequence[int], limit: int, end: int | None) -> list[int]:
    """The first tokens; the last one stays the end token if it was."""
    if len(ids) <= limit:
        return list(ids)
    return [*ids[: limit - 1], end] if end is not None and ids[-1] == end else list(ids[:limit])


def prompts_of(batch: Batch, pad: int) -> Batch:
    """The prompts of a decoder's batch, filled up on the left as generation needs them."""
    import torch

    learned = batch["labels"] != IGNORED
    place = torch.arange(learned.shape[1], device=learned.device)
    begins = learned & ~torch.nn.functional.pad(learned, (1, 0))[:, :-1]
    # All before the last run of learnt tokens, or everything where nothing is learnt.
    answer = torch.where(begins, place, -1).amax(1, keepdim=True)
    prompt = batch["attention_mask"].bool() & ((place < answer) | (answer < 0))
    rows = [ids[mask].tolist() for ids, mask in zip(batch["input_ids"], prompt)]
    ids = padded(rows, pad, left=True)
    mask = padded([[1] * len(row) for row in rows], 0, left=True)
    return {"input_ids": ids.to(prompt.device), "attention_mask": mask.to(prompt.device)}
