"""A classifier on a decoder reads the last real token, whatever its id and wherever padding stands.

In transformers such a classifier looks for the last id that is not the configuration's padding
token. That is another token where the tokeniser pads with an id of its own (Qwen's configuration
names none, so the end token stands in, while its tokeniser has a token for it), and where a text
itself ends with the token that it is padded with.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from autopelt.backbones.structure import family_for


class LastToken:
    """In a classifier's passes every place of the backbone's last states holds the last token's.

    So the place that the class in transformers chooses is of no importance. A pass without an
    attention mask, and passes of a language model on the same backbone, are as they were.

    Attributes:
        within: whether a pass of the classifier is running.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        self.within = False
        model.register_forward_pre_hook(self._begin)
        model.register_forward_hook(self._end, always_call=True)
        model.base_model.register_forward_hook(self._last, with_kwargs=True)

    def _begin(self, model: nn.Module, args: Any) -> None:
        self.within = True

    def _end(self, model: nn.Module, args: Any, output: Any) -> None:
        self.within = False

    def _last(self, base: nn.Module, args: Any, kwargs: dict[str, Any], output: Any) -> Any:
        mask = kwargs.get("attention_mask")
        if not self.within or mask is None:
            return output
        states = output[0]
        chosen = last_real(mask)[:, None, None].expand(-1, 1, states.shape[-1])
        states = states.gather(1, chosen).expand_as(states)
        if isinstance(output, tuple):
            return (states, *output[1:])
        output["last_hidden_state"] = states
        return output


def last_real(mask: torch.Tensor) -> torch.Tensor:
    """Place (rows,) of the last 1 of each row of a mask (rows, tokens)."""
    return mask.shape[1] - 1 - mask.flip(1).to(torch.uint8).argmax(dim=1)


def read_last_token(model: PreTrainedModel, head: str) -> None:
    """Make a just loaded classifier read the last real token, if it is on a decoder.

    Args:
        head: a key of `HEADS`.
    """
    if head == "sequence_classification" and family_for(model.config).causal:
        LastToken(model)
