"""An attachment as files: architecture.yaml and weights.safetensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from transformers import PreTrainedModel

from autopelt.architecture.architecture import Architecture
from autopelt.backbones.head import add_biases, in_unit
from autopelt.errors import UnavailableError, UsageError
from autopelt.modules.attachment import (
    attach,
    attachment,
    detach,
    frozen_parameters,
    head_parameters,
)
from autopelt.system.files import replace_file, write_text

_FORMAT = "autopelt 1"


def save(
    model: PreTrainedModel, folder: str | Path, unit: tuple[float, float] = (0.0, 1.0)
) -> None:
    """Write ``architecture.yaml`` and ``weights.safetensors`` (modules, folded, and task head).

    Each file appears whole or not at all. The model itself is not changed.

    Args:
        unit: (centre, scale): the saved head gives centre + scale times what the model's gives.
    """
    modules = attachment(model)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    architecture, tensors = _shipped(model, unit)
    metadata = {
        "format": _FORMAT,
        "architecture": architecture.id,
        "family": modules.shapes.family,
        "backbone_parameters": str(modules.shapes.backbone_parameters),
    }
    write_tensors(folder / "weights.safetensors", tensors, metadata)
    write_text(folder / "architecture.yaml", architecture.to_yaml())


def write_tensors(
    path: Path, tensors: Mapping[str, torch.Tensor], metadata: dict[str, str] | None = None
) -> None:
    """Write a safetensors file whole or not at all; metadata as `transformers` has it if None."""
    plain = {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}
    replace_file(path, lambda file: save_file(plain, file, metadata or {"format": "pt"}))


def load(model: PreTrainedModel, folder: str | Path) -> None:
    """Attach what `save` wrote, folded, with its task head; nothing is left at random.

    Raises:
        UnavailableError: a file is missing or broken, or names or shapes do not match.
        UsageError: the architecture does not fit the model. The model is then as before.
    """
    folder = Path(folder)
    try:
        architecture = Architecture.from_file(folder / "architecture.yaml")
    except UsageError as error:
        raise UnavailableError(error.marked) from None
    tensors, metadata = read_tensors(folder / "weights.safetensors")
    if metadata.get("architecture") != architecture.id:
        raise UnavailableError(
            f"the weights in '{folder}' belong to architecture {metadata.get('architecture')}, "
            f"architecture.yaml there is {architecture.id}; they were not written together."
        )
    attach(model, architecture, random_seed=0, folded=True)
    add_biases(model, (key.removeprefix("head:") for key in tensors if key.startswith("head:")))
    try:
        _, targets = _shipped(model)
        _same_names_and_shapes(tensors, targets, folder)
    except Exception:
        detach(model)
        raise
    with torch.no_grad():
        for key, target in targets.items():
            target.copy_(tensors[key])


def _shipped(
    model: PreTrainedModel, unit: tuple[float, float] = (0.0, 1.0)
) -> tuple[Architecture, dict[str, torch.Tensor]]:
    """All that goes into the files; of folded modules, the parameters themselves."""
    modules = attachment(model)
    architecture, tensors = modules.shipped()
    head = in_unit(head_parameters(model), unit)
    tensors |= {f"head:{name}": p for name, p in head.items()}
    if modules.architecture.full:
        tensors |= {f"backbone:{name}": p for name, p in frozen_parameters(model).items()}
    return architecture, tensors


def _same_names_and_shapes(
    tensors: dict[str, torch.Tensor], targets: dict[str, torch.Tensor], folder: Path
) -> None:
    for key, target in targets.items():
        if key not in tensors:
            raise UnavailableError(
                f"the weights in '{folder}' lack '{key}', which the model needs."
            )
        if tensors[key].shape != target.shape:
            raise UnavailableError(
                f"'{key}' in '{folder}' has shape {tuple(tensors[key].shape)}, "
                f"the model needs {tuple(target.shape)}."
            )
    for key in tensors:
        if key not in targets:
            raise UnavailableError(
                f"the weights in '{folder}' have '{key}', the model has no such place."
            )


def read_tensors(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Tensors and metadata of a safetensors file. Raises UnavailableError for anything else."""
    if not path.is_file():
        raise UnavailableError(f"'{path}' does not exist.")
    try:
        with safe_open(path, framework="pt") as file:
            names = file.keys()
            return {key: file.get_tensor(key) for key in names}, file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise UnavailableError(f"'{path}' is not a whole safetensors file: {error}.") from None
