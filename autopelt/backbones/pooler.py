"""A classifier on a checkpoint without a pooler reads the first token's last state.

Checkpoints that a masked language model wrote have no pooler, and a random one in its place would
be a part of the backbone that nobody has trained and nothing trains.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

NOTE = "The checkpoint has no pooler, so the task head reads the first token's last state."


class FirstToken(nn.Module):
    """Instead of the pooler; no parameters."""

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """(B, T, d) -> (B, d); ALBERT's is given the first token alone, (B, d)."""
        return states[:, 0] if states.dim() == 3 else states


def replace_missing_pooler(model: PreTrainedModel, missing: Iterable[str], head: str) -> None:
    """Do without the backbone's pooler where the checkpoint lacks it.

    Args:
        model: just loaded.
        missing: names of parameters that the checkpoint lacks.
        head: a key of `HEADS`; one of texts reads the pooler.
    """
    base: Any = model.base_model
    prefix = "" if base is model else f"{model.base_model_prefix}."
    if not any(key.startswith(f"{prefix}pooler.") for key in missing):
        return
    if head == "none":
        base.pooler = None  # nothing reads it
    elif head == "sequence_classification":
        base.pooler = FirstToken()


def reads_first_token(model: PreTrainedModel) -> bool:
    """Whether the head reads the first token where the class in transformers has a pooler."""
    return isinstance(getattr(model.base_model, "pooler", None), FirstToken)
