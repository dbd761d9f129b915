"""How an attention module carries a prefix: through transformers' `AttentionInterface`.

One function is registered there. An attention module that carries a prefix gets a shallow copy of
its config which names that function; the model's own config stays as it is (an unknown name there
would make masks None without a word). So each layer may have its own length, nothing enters the
key-value cache, and `generate` is untouched.
"""

from __future__ import annotations

import copy
import sys
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from transformers import AttentionInterface
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from autopelt.errors import UsageError
from autopelt.modules.base import Columns
from autopelt.modules.rows import Place, Rows

NAME = "autopelt_prefix"
SUPPORTED = ("eager", "sdpa")


class RowPrefixes:
    """The prefixes of several architectures on one attention module, each for its own rows.

    The shorter ones are filled up to the longest with columns that no query sees.
    """

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.members: dict[int, Columns] = {}

    def columns_of(
        self, batch: int, like: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """As `Columns.columns` for a batch of all members' rows, (batch, n_max, d_kv)."""
        empty = like.new_zeros(1, 0, like.shape[1] * like.shape[3])
        found = [
            self.members[member].columns() if member in self.members else (empty, empty, None)
            for member in self.rows.members
        ]
        share = batch // len(found)
        longest = max(keys.shape[1] for keys, _, _ in found)
        keys = [_filled(keys, longest, share) for keys, _, _ in found]
        values = [_filled(values, longest, share) for _, values, _ in found]
        if all(k.shape[1] == longest and log_gate is None for k, _, log_gate in found):
            return torch.cat(keys), torch.cat(values), None
        queries = max(1 if gate is None else gate.shape[1] for _, _, gate in found)
        added = []
        for key, _, log_gate in found:
            front = like.new_zeros(1, 1, 1) if log_gate is None else log_gate
            front = front.expand(share, queries, key.shape[1])
            hidden = torch.finfo(like.dtype).min
            added.append(functional.pad(front, (0, longest - key.shape[1]), value=hidden))
        return torch.cat(keys), torch.cat(values), torch.cat(added)


def _filled(part: torch.Tensor, longest: int, share: int) -> torch.Tensor:
    """(B or 1, n, d) with zeros behind, (share, longest, d)."""
    part = functional.pad(part, (0, 0, 0, longest - part.shape[1]))
    return part.expand(share, *part.shape[1:])


def carry(attention: nn.Module, prefix: Columns | RowPrefixes) -> None:
    """Let `attention` carry `prefix`.

    Raises:
        UsageError: the model runs with an attention implementation that a prefix cannot widen.
    """
    if isinstance(attention, Place):
        assert not isinstance(prefix, RowPrefixes)
        shared = attention.real.__dict__.get("autopelt_prefix")
        if shared is None:
            shared = RowPrefixes(attention.crossing.rows)
            carry(attention.real, shared)
        shared.members[attention.member] = prefix
        return
    if type(attention).__name__ == "DisentangledSelfAttention":
        # DeBERTa computes its attention itself, so it gets a forward of its own.
        from autopelt.modules.disentangled import PrefixedSelfAttention

        attention.__dict__["autopelt_prefix"] = prefix
        attention.__class__ = PrefixedSelfAttention
        return
    original: Any = attention.config
    _check(original._attn_implementation)
    config = copy.copy(original)
    config._attn_implementation_internal = NAME
    # Straight into the instance's dictionary: registered as a submodule, the prefix would stand
    # twice in the state dictionary.
    attention.__dict__["autopelt_prefix"] = prefix
    attention.__dict__["autopelt_config"] = original
    attention.config = config


def uncarry(attention: nn.Module) -> None:
    """Undo `carry`."""
    if isinstance(attention, Place):
        shared = attention.real.__dict__["autopelt_prefix"]
        del shared.members[attention.member]
        if not shared.members:
            uncarry(attention.real)
        return
    if "autopelt_config" in attention.__dict__:
        attention.config = attention.__dict__.pop("autopelt_config")
    else:
        attention.__class__ = type(attention).__mro__[1]
    del attention.__dict__["autopelt_prefix"]


def _check(implementation: str | None) -> None:
    if implementation not in SUPPORTED:
        raise UsageError(
            f"a prefix cannot be used with the attention implementation '{implementation}'; load "
            f"the model with attn_implementation={' or '.join(repr(s) for s in SUPPORTED)}."
        )


def prefix_attention(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    **kwargs: Any,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Attention with the module's prefix in front; otherwise the implementation the model names.

    Shapes: query (B, H, Q, e), key and value (B, H_kv, K, e), mask (B or 1, 1 or H, 1 or Q, K).
    """
    implementation: str = module.autopelt_config._attn_implementation  # type: ignore[union-attr, assignment]  # a plain attribute, set by carry()
    _check(implementation)
    prefix: Columns | RowPrefixes = module.autopelt_prefix  # type: ignore[assignment]  # likewise
    prefix_key, prefix_value, log_gate = (
        prefix.columns_of(key.shape[0], key)
        if isinstance(prefix, RowPrefixes)
        else prefix.columns()
    )
    batch, heads, length, size = key.shape
    rows = prefix_key.shape[1]

    def split(part: torch.Tensor) -> torch.Tensor:
        part = part.view(part.shape[0], rows, heads, size).transpose(1, 2)
        return part.expand(batch, heads, rows, size).to(key.dtype)

    key = torch.cat([split(prefix_key), key], dim=2)
    value = torch.cat([split(prefix_value), value], dim=2)

    mask = attention_mask
    causal = kwargs.get("is_causal")
    causal = getattr(module, "is_causal", False) if causal is None else causal
    if mask is None and causal and query.shape[2] > 1:
        # SDPA's own causal mask is right for square shapes only.
        mask = query.new_ones(query.shape[2], length, dtype=torch.bool).tril()[None, None]
    mask = _widened(mask, rows, log_gate, query, length)
    if kwargs.get("position_bias") is not None:
        kwargs["position_bias"] = functional.pad(kwargs["position_bias"], (rows, 0))
    if implementation == "eager":
        # Each modelling file has its own eager function; the registry does not list them.
        attend = sys.modules[type(module).__module__].eager_attention_forward
    else:
        attend = ALL_ATTENTION_FUNCTIONS[implementation]
    result: tuple[torch.Tensor, torch.Tensor | None] = attend(
        module, query, key, value, mask, **kwargs
    )
    return result


def _widened(
    mask: torch.Tensor | None,
    rows: int,
    log_gate: torch.Tensor | None,
    query: torch.Tensor,
    length: int,
) -> torch.Tensor | None:
    """The mask with `rows` columns in front: visible, or with the gate's logarithm added."""
    if log_gate is None:
        if mask is None:
            return None
        front = mask.new_ones(()) if mask.dtype == torch.bool else mask.new_zeros(())
        return torch.cat([front.expand(*mask.shape[:-1], rows), mask], dim=-1)
    low = torch.finfo(query.dtype).min
    batch, count = query.shape[0], query.shape[2]
    if mask is None:
        mask = query.new_zeros(1, 1, 1, length)
    elif mask.dtype == torch.bool:
        mask = torch.where(mask, query.new_zeros(()), low)
    front = log_gate.to(query.dtype).unsqueeze(1)  # (B, 1, Q or 1, n or 1)
    front = front.expand(batch, mask.shape[1], count, rows)
    mask = mask.to(query.dtype).expand(batch, mask.shape[1], count, mask.shape[-1])
    return torch.cat([front, mask], dim=-1)


AttentionInterface.register(NAME, prefix_attention)
