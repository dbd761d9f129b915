"""Which parts train: dropout is on from the lowest active module up, off in the frozen trunk."""

from torch import nn
from transformers import PreTrainedModel

from autopelt.backbones.backbone import Backbone
from autopelt.modules.attachment import NAME, attached


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
    set_backbone_mode(model, None if architecture is None else architecture.lowest_layer, dropout)
    added = getattr(model, NAME, None)
    if isinstance(added, nn.Module):
        added.train()


def set_backbone_mode(model: PreTrainedModel, lowest: int | None, dropout: bool) -> None:
    """The same for backbone and head, told the lowest active layer.

    Args:
        lowest: -1 for the embeddings, None where no layer is trained.
    """
    model.train(dropout)
    if lowest == -1 or not dropout:
        return
    model.base_model.eval()
    if lowest is not None:
        for _, layer in Backbone(model).layers[lowest:]:
            layer.train()
