"""A plain transformers folder: what is attached is folded into the backbone's weights.

Each method says whether that can be said of it, as of LoRA without a gate; the rest is refused.
Where the task is to make embeddings, sentence-transformers loads the folder as well.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import torch
from transformers import PreTrainedModel

from autopelt.architecture.architecture import Architecture
from autopelt.backbones.backbone import Backbone
from autopelt.backbones.description import describe_as
from autopelt.backbones.load import save_tokenizer
from autopelt.backbones.quantised import KINDS, kept_as
from autopelt.backbones.quiet import quiet
from autopelt.errors import UsageError, parameter
from autopelt.export.sentence_folder import write_modules
from autopelt.export.trained import Trained, load_trained, require_plain_head, trained_limit
from autopelt.methods import method_of
from autopelt.modules import PELTS, Pelt
from autopelt.modules.attachment import attached, attachment, detach


def write(trained: Trained, out: Path, model: str | None) -> None:
    """Merge and save with `save_pretrained`. Raises UsageError for what cannot be merged."""
    made, tokenizer = load_trained(trained, model)
    limit = trained_limit(trained, tokenizer, made.config)
    require_plain_head(made, "merged")
    merge(made)
    describe_as(made.config, None)
    with quiet():
        made.save_pretrained(out)
        save_tokenizer(tokenizer, out)
    if trained.head == "none":
        write_modules(out, made.config.hidden_size, limit)


def notes(trained: Trained) -> list[str]:
    """What a user must know of it."""
    kept = trained.quantised
    return [
        f"trained beside weights in {kept}, merged into the published ones in full precision: "
        "scores may differ a little from those measured; autopelt evaluate and predict keep "
        "weights as in training"
    ] * bool(kept)


def check(architecture: Architecture) -> None:
    """Raises UsageError that names the module which no weight of the backbone can hold."""
    for module in architecture.modules:
        why = method_of(module).not_merged(module)
        if why is None and PELTS[module.method].merge is Pelt.merge:
            why = "does not say how"
        if why is not None:
            raise UsageError(
                f"cannot merge: {module.method} at {module.site} {why}; "
                f"export with {parameter('to', 'autopelt')} keeps it."
            )


@torch.no_grad()
def merge(model: PreTrainedModel) -> None:
    """Fold all that is attached into the weights and detach it.

    Raises:
        UsageError: names the module in the way; the model is then unchanged.
    """
    architecture = attached(model)
    if architecture is None:
        raise UsageError("nothing is attached to the model; there is nothing to merge.")
    check(architecture)
    kept = kept_as(model)
    if kept in KINDS:
        raise UsageError(
            f"cannot merge: the model's weights are kept in {kept}, which holds no change as small "
            "as a trained one; load the model in fp32 and attach there, as autopelt export does."
        )
    # In the order in which they are applied: IA3 scales what LoRA has added.
    parts = [part for part in attachment(model).parts.values() if isinstance(part, Pelt)]
    if architecture.full:
        attachment(model).weights_before.clear()  # keep the trained weights
    backbone = Backbone(model)
    # Of modules at one place the order stays that in which they are applied.
    for _, group in groupby(sorted(parts, key=_site), key=_site):
        together = list(group)
        for part in together:
            part.read(backbone)
        for part in together:
            part.merge(backbone)
    detach(model)


def _site(part: Pelt) -> str:
    return part.spec.site
