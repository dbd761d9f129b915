"""How many parameters a task head has, from the configuration alone."""

import copy

import torch
import transformers
from transformers import PretrainedConfig

from autopelt.backbones.load import HEADS, head_of
from autopelt.backbones.quiet import quiet


def head_size(config: PretrainedConfig, head: str, outputs: int) -> int:
    """Parameters of a fresh task head; a language-model head is pretrained and counts as none.

    Args:
        config: of the backbone.
        head: a key of `HEADS`.
        outputs: classes of the head, 1 for regression.
    """
    own = copy.deepcopy(config)
    if head in ("sequence_classification", "token_classification"):
        own.num_labels = outputs
    with torch.device("meta"), quiet():
        model = getattr(transformers, HEADS[head]).from_config(own)
    return sum(p.numel() for p in head_of(model).values())
