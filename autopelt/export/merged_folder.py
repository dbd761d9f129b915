"""A plain transformers folder: LoRA folded into the backbone's weights.

``W + s·B A`` is exact for LoRA without a gate. Nothing else is a change of weights alone, so it is
refused.
"""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from autopelt.backbones.backbone import Backbone
from autopelt.backbones.quiet import quiet
from autopelt.errors import UsageError, parameter
from autopelt.export.trained import Trained, load_trained
from autopelt.modules.attachment import attached, attachment, detach
from autopelt.modules.lora import LoraModule

_WHY = {
    "prefix": "adds keys and values that no weight of the backbone holds",
    "prompt": "adds rows to the sequence that no weight of the backbone holds",
    "p_tuning": "adds rows to the sequence that no weight of the backbone holds",
    "sequential_adapter": "has a nonlinearity, so it is no change of weights",
    "parallel_adapter": "has a nonlinearity, so it is no change of weights",
}


def write(trained: Trained, out: Path, model: str | None) -> None:
    """Merge and save with `save_pretrained`. Raises UsageError for what cannot be merged."""
    made, tokenizer = load_trained(trained, model)
    merge(made)
    with quiet():
        made.save_pretrained(out)
        tokenizer.save_pretrained(out)


@torch.no_grad()
def merge(model: PreTrainedModel) -> None:
    """Fold all that is attached into the weights and detach it.

    Raises:
        UsageError: names the module in the way; the model is then unchanged.
    """
    architecture = attached(model)
    if architecture is None:
        raise UsageError("nothing is attached to the model; there is nothing to merge.")
    for module in architecture.modules:
        why = _WHY.get(module.method)
        if module.method == "lora" and module.gate is not None:
            why = "has a gate, so its update depends on the input"
        if why is not None:
            raise UsageError(
                f"cannot merge: {module.method} at {module.site} {why}; "
                f"export with {parameter('to', 'autopelt')} keeps it."
            )
    if architecture.full:
        attachment(model).weights_before.clear()  # keep the trained weights
    merge_lora(model)
    detach(model)


@torch.no_grad()
def merge_lora(model: PreTrainedModel) -> None:
    """Fold every LoRA without a gate into the weights; its hook goes, all else stays attached."""
    backbone = Backbone(model)
    for part in attachment(model).pelts():
        if isinstance(part, LoraModule) and part.gate is None:
            assert part.spec.layer is not None
            site = backbone.linear(part.spec.layer, part.spec.location)
            update = part.scale * (part.up @ part.down)  # (out, in)
            rows = slice(site.start, site.start + site.out_features)
            weight = site.module.weight
            assert isinstance(weight, torch.Tensor)
            if isinstance(site.module, Conv1D):
                weight[:, rows] += update.T
            else:
                weight[rows] += update
            part.remove()
