"""Gradient checkpointing: of each layer only the input is kept; the rest is computed once more.

Chen et al. 2016, "Training deep nets with sublinear memory cost". transformers has it for layers in
training mode only, and ours are in evaluation mode where dropout is off; so layers are wrapped
here, for every family and with all that is hooked into them. The second time is like the first: the
same random numbers, the same precision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint

from autopelt.backbones.backbone import Backbone


@contextmanager
def checkpointed(
    backbone: Backbone, lowest: int, again: Callable[[], AbstractContextManager[object]]
) -> Iterator[None]:
    """While it is open, layers from `lowest` up keep only what goes in.

    Args:
        lowest: layers below need no gradients, so they keep nothing as it is.
        again: in what a layer is computed the second time, as it was the first.
    """
    layers = [layer for _, layer in backbone.layers[max(0, lowest) :]]
    try:
        for layer in layers:
            layer.__dict__["forward"] = partial(_forward, layer.forward, again)
        yield
    finally:
        for layer in layers:
            layer.__dict__.pop("forward", None)


def _forward(
    plain: Callable[..., Any],
    again: Callable[[], AbstractContextManager[object]],
    *args: Any,
    **kwargs: Any,
) -> Any:
    if not torch.is_grad_enabled():
        return plain(*args, **kwargs)
    return checkpoint(
        plain,
        *args,
        use_reentrant=False,
        context_fn=lambda: (nullcontext(), again()),
        **kwargs,
    )
