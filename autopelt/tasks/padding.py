"""Tokenise and pad: what all kinds of tasks share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from autopelt.errors import UsageError

if TYPE_CHECKING:
    from datasets import Dataset
    from torch import Tensor

Batch = dict[str, "Tensor"]

IGNORED = -100
"""Label that a loss does not look at."""

MODEL_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def tokenized(
    tokenizer: Any, *texts: list[Any], max_length: int, **options: Any
) -> dict[str, list[Any]]:
    """Tokenise a text or a pair of texts an example, cut to `max_length` tokens.

    Only examples that are too long are tokenised a second time with truncation (of a pair, the
    longer text loses tokens), so the length before the cut is known.

    Returns:
        What the tokeniser makes, a list for each example, with ``length`` and ``full_length``.
    """
    encoded = dict(tokenizer(*texts, verbose=False, **options))
    full = [len(ids) for ids in encoded["input_ids"]]
    long = [i for i, length in enumerate(full) if length > max_length]
    if long:
        shorter = tokenizer(
            *([side[i] for i in long] for side in texts),
            truncation="longest_first",
            max_length=max_length,
            verbose=False,
            **options,
        )
        for key, values in shorter.items():
            for place, i in enumerate(long):
                encoded[key][i] = values[place]
    encoded["length"] = [len(ids) for ids in encoded["input_ids"]]
    encoded["full_length"] = full
    return encoded


def nested(flat: Mapping[str, list[Any]], counts: Sequence[int]) -> dict[str, list[Any]]:
    """Columns of texts as columns of examples that have several each, in order."""
    ends = list(accumulate(counts))
    parts = [slice(end - count, end) for end, count in zip(ends, counts, strict=True)]
    return {key: [values[part] for part in parts] for key, values in flat.items()}


def flattened(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The model's inputs of each text of `nested` rows."""
    return [
        {key: row[key][text] for key in MODEL_INPUTS if key in row}
        for row in rows
        for text in range(len(row["input_ids"]))
    ]


def joined(batches: Sequence[Mapping[str, list[Any]]]) -> Dataset:
    """One data set of batches of columns; it is kept in memory."""
    from datasets import Dataset, concatenate_datasets

    return concatenate_datasets([Dataset.from_dict(dict(batch)) for batch in batches])


def padded(rows: Sequence[Sequence[int]], value: int, left: bool = False) -> Tensor:
    """Rows of whole numbers, padded with `value` to the longest: shape (rows, tokens), int64."""
    import torch
    from torch.nn.utils.rnn import pad_sequence

    tensors = [torch.tensor(row, dtype=torch.long) for row in rows]
    side = "left" if left else "right"
    return pad_sequence(tensors, batch_first=True, padding_value=value, padding_side=side)


def model_inputs(rows: Sequence[Mapping[str, Any]], tokenizer: Any) -> Batch:
    """Token ids, attention mask and, where the tokeniser makes them, segment ids of a batch."""
    left = tokenizer.padding_side == "left"
    values = {
        "input_ids": pad_token(tokenizer),
        "attention_mask": 0,
        "token_type_ids": getattr(tokenizer, "pad_token_type_id", 0),
    }
    return {
        key: padded([row[key] for row in rows], values[key], left)
        for key in MODEL_INPUTS
        if key in rows[0]
    }


def pad_token(tokenizer: Any) -> int:
    """Id that fills up rows: the padding token's, else the end token's, else 0."""
    for token in (tokenizer.pad_token_id, tokenizer.eos_token_id):
        if token is not None:
            return int(token)
    return 0


def begins_itself(tokenizer: Any) -> bool:
    """Whether the tokeniser itself puts a beginning-of-text token in front."""
    ids = tokenizer("a")["input_ids"]
    return tokenizer.bos_token_id is not None and ids[:1] == [tokenizer.bos_token_id]


def require_offsets(task: str, tokenizer: Any) -> None:
    """Check that a tokeniser tells where its tokens stand in the text. Raises UsageError."""
    if not tokenizer.is_fast:
        raise UsageError(
            f"task '{task}' needs to know where a token stands in the text, which the tokeniser of "
            f"'{tokenizer.name_or_path}' does not tell; use another model."
        )
