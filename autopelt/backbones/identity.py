"""Which weights a study was made with, so that going on with others is noticed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from autopelt.backbones.source import MINILM_SHA256, ModelSource

if TYPE_CHECKING:
    from transformers import PretrainedConfig

PIECES, PIECE = 64, 2**16
"""Of a weights file so many pieces of so many bytes are read, evenly spaced: 4 MiB of any size."""


def weights_identity(source: ModelSource, config: PretrainedConfig) -> str:
    """A short text that differs where the weights do.

    Returns:
        The package's checksum, the commit of a Hub model, or a hash over names, sizes and evenly
        spaced pieces of a folder's weights; an edit between the pieces is not seen.
    """
    if source.kind == "package":
        return f"sha256 {MINILM_SHA256[:16]}"
    if source.kind == "hub":
        return f"commit {getattr(config, '_commit_hash', None) or 'unknown'}"
    return weights_of_folder(Path(source.path_or_name))


def weights_of_folder(folder: Path) -> str:
    """`weights_identity` of a model in a folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        size = path.stat().st_size
        digest.update(f"{path.name} {size}\n".encode())
        with path.open("rb") as file:
            for piece in range(PIECES):
                file.seek(piece * size // PIECES)
                digest.update(file.read(PIECE))
    return f"pieces {digest.hexdigest()[:16]}"
