"""The family of a model: described by a user, or a row of the table."""

from __future__ import annotations

from transformers import PretrainedConfig

from autopelt.backbones.description import described
from autopelt.backbones.families import FAMILIES, Family
from autopelt.errors import UsageError


def family_for(config: PretrainedConfig) -> Family:
    """Where things are in the backbone that a configuration describes.

    Raises:
        UsageError: nobody says.
    """
    family = described(config) or FAMILIES.get(config.model_type)
    if family is None:
        raise UsageError(
            f"the model family '{config.model_type}' is not known. Known: "
            f"{', '.join(sorted(FAMILIES))}. "
            "A row in autopelt/backbones/families.py adds one: the dotted paths of its layers, "
            "attention (query, key, value, output), FFN (first and last linear map) and norms; "
            "see docs/adding-a-family.md."
        )
    return family
