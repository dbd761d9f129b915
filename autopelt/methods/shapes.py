"""The shapes of a backbone: everything that counting parameters needs, and no weights."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Shapes:
    """Shapes of a pretrained transformer as the methods see it.

    Attributes:
        family: model type of the backbone (``bert``).
        layers: number of transformer layers L, counted over encoder and decoder.
        hidden: width d of the residual stream.
        linear: for each location of a linear map (``attention.query``) its (in, out) features.
        vectors: for each location of several vectors of a layer (``biases``, ``norms``), where the
            backbone has such, how many parameters they are; a layer that differs is named.
        key_value: width of one layer's keys, kv heads x head size.
        backbone_parameters: all parameters of the backbone without the task head.
        locations: every location where something may sit (``attention``, ``ffn``, …), and
            ``attention.keys`` where something may stand in front of an attention's keys.
        decoder: true where attention is causal.
        unfit: methods that do not work where others do, as ``prefix@attention``.
    """

    family: str
    layers: int
    hidden: int
    key_value: int
    backbone_parameters: int
    linear: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    locations: tuple[str, ...] = ()
    decoder: bool = False
    vectors: Mapping[str, int] = field(default_factory=dict)
    unfit: tuple[str, ...] = ()
