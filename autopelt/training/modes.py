"""Which parts train: dropout is on from the lowest active module up, off in the frozen trunk."""

from torch import nn
from transformers import PreTrainedModel

from autopelt.attach import NAME, attached
from autopelt.backbones.backbone import Backbone


def set_training_mode(model: PreTrainedModel) -> None:
    """Switch dropout on where something is trained, and off below.

    The trunk below the lowest active module computes the same for an example every time, so its
    dropout is off: the same function whether or not its output is cached. With modules at the
    embeddings, or under full fine-tuning, there is no such trunk.
    """
    architecture = attached(model)
    lowest = None if architecture is None else architecture.lowest_layer
    model.train()
    if lowest == -1:
        return
    base = model.base_model
    base.eval()
    if lowest is not None:
        for _, layer in Backbone(model).layers[lowest:]:
            layer.train()
    added = getattr(model, NAME, None)
    if isinstance(added, nn.Module):
        added.train()
