"""Texts that a model writes greedily, with a cache of keys and values, up to a stop token."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from typing import Any

from autopelt.tasks.padding import Batch, pad_token

GREEDY: Mapping[str, Any] = {
    "do_sample": False,
    "num_beams": 1,
    "use_cache": True,
    "temperature": None,
    "top_p": None,
    "top_k": None,
    "max_length": None,
    "repetition_penalty": None,
}
"""The likeliest token each time, whatever a checkpoint's own settings are."""

TYPICAL, MORE, LEAST_MORE = 0.95, 1.25, 8
"""An answer may have `MORE` times the tokens of the target that is longer than this share of all,
and `LEAST_MORE`, its end among them."""

UNKNOWN = 512
"""Tokens of an answer where no target is known."""


def room_for(lengths: Sequence[int]) -> int:
    """Tokens that an answer may have: a bit more than the longest typical target of `lengths`."""
    ordered = sorted(lengths)
    typical = ordered[min(len(ordered) - 1, math.ceil(TYPICAL * len(ordered)))]
    return math.ceil(MORE * typical) + LEAST_MORE


def stop_tokens(model: Any, tokenizer: Any) -> list[int]:
    """Tokens that end an answer: the tokenizer's end token, and those that the model names."""
    named = model.generation_config.eos_token_id
    known = [tokenizer.eos_token_id, *(named if isinstance(named, list) else [named])]
    return list(dict.fromkeys(token for token in known if token is not None))


def written(
    model: Any, prompts: Batch, tokenizer: Any, *, stops: Sequence[int], room: int | None
) -> list[str]:
    """What a model writes on (a decoder), or writes for (an encoder-decoder), each prompt.

    Args:
        prompts: ``input_ids`` and ``attention_mask``; a decoder's are filled up on the left.
        stops: tokens that end an answer; it is cut before the first.
        room: tokens that it may have, within the model's positions; None where nothing is known.
    """
    import torch

    decoder = not model.config.is_encoder_decoder
    begin = prompts["input_ids"].shape[1] if decoder else 1
    wanted = UNKNOWN if room is None else room
    positions = getattr(model.config, "max_position_embeddings", None)
    own = model.generation_config
    model.generation_config = copy.deepcopy(own)  # what is not set here would be taken from it
    model.generation_config.update(
        **GREEDY,
        max_new_tokens=max(1, min(wanted, positions - begin) if positions else wanted),
        pad_token_id=pad_token(tokenizer),
        eos_token_id=list(stops) or None,
    )
    try:
        with torch.inference_mode():
            ids = model.generate(**prompts)[:, begin:]
    finally:
        model.generation_config = own
    texts: list[str] = tokenizer.batch_decode(
        [_until(row, stops) for row in ids.tolist()], skip_special_tokens=True
    )
    return texts


def _until(ids: list[int], stops: Sequence[int]) -> list[int]:
    """What stands before the first stop token."""
    end = next((place for place, token in enumerate(ids) if token in stops), len(ids))
    return ids[:end]
