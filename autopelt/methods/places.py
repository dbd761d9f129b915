"""Words for several linear maps at once, and what a backbone has of them.

``attention.all``, ``ffn.all`` and ``all-linear`` (the word of `peft`) stand for every linear map of
a layer's attention, of its FFN, and of both; a task head is none. Where query, key and value are
one map that cannot be cut, each of the three words means that map, ``attention.qkv``.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from autopelt.methods.shapes import Shapes

FUSED: Final = "attention.qkv"
CUT: Final = ("attention.query", "attention.key", "attention.value")
ATTENTION: Final = (*CUT, FUSED, "attention.output")
FFN: Final = ("ffn.in", "ffn.gate", "ffn.out")
LINEAR: Final = (*ATTENTION, *FFN)
"""Every linear map that a layer may have."""

WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "attention.all": ATTENTION,
    "ffn.all": FFN,
    "all-linear": LINEAR,
}


def placed(
    locations: Iterable[str], shapes: Shapes, among: Collection[str] = LINEAR
) -> tuple[str, ...]:
    """The locations that are meant on this backbone, each once.

    A place that the backbone lacks stays as it was written: `methods.check` refuses it by name.

    Args:
        among: of the maps that a word stands for, those where the method may sit.
    """
    found: list[str] = []
    for location in locations:
        if location in WORDS:
            there = [at for at in WORDS[location] if at in shapes.locations and at in among]
            found += there or [location]
        elif location in CUT and location not in shapes.locations and FUSED in shapes.locations:
            found.append(FUSED)
        else:
            found.append(location)
    return tuple(dict.fromkeys(found))
