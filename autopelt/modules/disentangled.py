"""DeBERTa's attention with a prefix in front.

DeBERTa adds content-to-position and position-to-content scores (He et al. 2021,
https://arxiv.org/abs/2006.03654) inside its own forward and does not use `AttentionInterface`. A
prefix row has no position, so its scores are content to content alone.
"""

from __future__ import annotations

import torch
from torch import nn
from transformers.models.deberta_v2.modeling_deberta_v2 import (
    DisentangledSelfAttention,
    scaled_size_sqrt,
)
from typing_extensions import override

from autopelt.modules.base import Columns


class PrefixedSelfAttention(DisentangledSelfAttention):
    """Takes the place of the class of an attention module that carries a prefix."""

    autopelt_prefix: Columns  # set by carry(), in the instance's dictionary

    @override
    def forward(
        self,
        hidden_states: torch.Tensor,
        attention_mask: torch.Tensor,
        output_attentions: bool = False,
        query_states: torch.Tensor | None = None,
        relative_pos: torch.Tensor | None = None,
        rel_embeddings: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """As the parent's, with n columns in front of scores and values."""
        heads = self.num_attention_heads
        states = hidden_states if query_states is None else query_states
        query = self.transpose_for_scores(self.query_proj(states), heads)  # (B·H, T, e)
        key = self.transpose_for_scores(self.key_proj(hidden_states), heads)
        value = self.transpose_for_scores(self.value_proj(hidden_states), heads)
        prefix_key, prefix_value, log_gate = self.autopelt_prefix.columns()
        batch = hidden_states.shape[0]
        prefix_key = self._per_head(prefix_key, batch, key.dtype)  # (B·H, n, e)
        prefix_value = self._per_head(prefix_value, batch, value.dtype)

        scale_factor = 1 + ("c2p" in self.pos_att_type) + ("p2c" in self.pos_att_type)
        scale = scaled_size_sqrt(query, scale_factor).to(query.dtype)
        scores = torch.bmm(query, key.transpose(-1, -2) / scale)
        if self.relative_attention:
            scores = scores + self.disentangled_attention_bias(
                query, key, relative_pos, self.pos_dropout(rel_embeddings), scale_factor
            )
        low = torch.finfo(query.dtype).min
        scores = scores.view(batch, heads, *scores.shape[-2:])
        scores = scores.masked_fill(~attention_mask.bool(), low)
        front = torch.bmm(query, prefix_key.transpose(-1, -2) / scale)
        front = front.view(batch, heads, *front.shape[-2:])
        if log_gate is not None:
            front = front + log_gate.unsqueeze(1)
        probs = nn.functional.softmax(torch.cat([front, scores], dim=-1), dim=-1)
        dropped = self.dropout(probs).flatten(0, 1)
        context = torch.bmm(dropped, torch.cat([prefix_value, value], dim=1))
        context = context.view(batch, heads, *context.shape[-2:]).transpose(1, 2).flatten(2)
        return context, probs if output_attentions else None

    def _per_head(self, part: torch.Tensor, batch: int, dtype: torch.dtype) -> torch.Tensor:
        """(B or 1, n, d_kv) -> (B·H, n, e)."""
        part = part.expand(batch, *part.shape[1:]).to(dtype)
        made: torch.Tensor = self.transpose_for_scores(part.contiguous(), self.num_attention_heads)
        return made
