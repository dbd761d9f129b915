"""Which parts train: dropout is on from the lowest active module up, off in the frozen trunk."""

from torch import nn
from transformers import PreTrainedModel

from autopelt.attach import NAME, attached
from autopelt.backbones.backbone import Backbone


def set_training_mode(model: PreTrainedModel, dropout: bool = True) -> None:
    """Switch dropout on where something is trained, and off below.

    The trunk below the lowest active module computes the same for an example every time, so its
    dropout is off: the same function whether or not its output is cached. With modules at the
    embeddings, or under full fine-tuning, there is no such trunk.

    Args:
        model: with an architecture attached.
        dropout: False keeps it off in the whole backbone and the head.
    """
    architecture = attached(model)
    lowest = None if architecture is None else architecture.lowest_layer
    model.train(dropout)
    added = getattr(model, NAME, None)
    if isinstance(added, nn.Module):
        added.train()
    if lowest == -1 or not dropout:
        return
    base = model.base_model
    base.eval()
    if lowest is not None:
        for _, layer in Backbone(model).layers[lowest:]:
            layer.train()
    if isinstance(added, nn.Module):
        added.train()
