"""A folder that AdapterHub's `adapters` 1.3.0 loads, in its own environment.

One adapter for each group of modules that differ in nothing but the layer, all of them in a stack::

    from adapters import init
    init(model)
    model.load_adapter_setup(folder, set_active=True, use_safetensors=True)

Said by the format: sequential adapters at attention and FFN, parallel adapters, LoRA on query,
key, value and both FFN maps, flat prefixes, an ungated prompt, gates of mode ``mean``. The rest is
refused.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from autopelt.architecture.architecture import Architecture
from autopelt.errors import UsageError, parameter
from autopelt.export.trained import Trained, load_trained, require_plain_head
from autopelt.methods import method_of
from autopelt.methods.module import Module
from autopelt.modules.attachment import attached, attachment, head_parameters
from autopelt.modules.building import part_name
from autopelt.modules.checkpoint import write_tensors

VERSION = "adapters.1.3.0"  # from 1.1.0 on, LoRA's alpha is taken as it stands
_FAMILIES = ("bert", "roberta", "xlm-roberta")


def write(trained: Trained, out: Path, model: str | None) -> None:
    """Write the stack. Raises UsageError for what the format cannot say."""
    made, _ = load_trained(trained, model)
    require_plain_head(made, "adapters")
    write_model(made, out)


def write_model(model: PreTrainedModel, out: Path) -> None:
    """Write what is attached to a model.

    Raises:
        UsageError: names the module in the way.
    """
    architecture = attached(model)
    if architecture is None or not architecture.modules:
        raise UsageError("cannot export to adapters: no module is attached.")
    _expressible(architecture, model.config.model_type)
    groups: dict[Module, list[Module]] = {}
    for module in architecture.modules:
        anchor = replace(module, mlp=None)
        groups.setdefault(anchor if module.layer is None else replace(anchor, layer=0), []).append(
            module
        )
    names: list[str] = []
    # The prompt comes first: `adapters` looks at the first of a stack only.
    for group in sorted(groups.values(), key=lambda g: g[0].layer is not None):
        name = f"{group[0].method}_{len(names)}"
        folder = out / name
        folder.mkdir()
        _write_adapter(model, folder, name, group, with_head=not names)
        names.append(name)
    setup = {"type": "Stack", "children": [{"type": "single", "children": [n]} for n in names]}
    values = {"adapter_setup": setup, "head_setup": None, "version": VERSION}
    _write_json(out / "adapter_setup.json", values)


def _expressible(architecture: Architecture, family: str) -> None:
    if architecture.full:
        raise UsageError(
            f"cannot export to adapters: all weights were trained; use {parameter('to', 'merged')}."
        )
    if family not in _FAMILIES:
        raise UsageError(
            f"cannot export a {family} to adapters: its layout is known for {', '.join(_FAMILIES)}."
        )
    places = {module.key for module in architecture.modules}
    for module in architecture.modules:
        where, why = f"{module.method} at {module.site}", None
        if module.gate not in (None, "mean"):
            mode = "masked" if module.gate == "auto" else module.gate
            why = f"has a gate of mode '{mode}', and adapters knows 'mean' only"
        else:
            why = method_of(module).not_in_adapters(module, places)
        if why is not None:
            raise UsageError(
                f"cannot export to adapters: {where} {why}; use {parameter('to', 'autopelt')}."
            )
    if sum(module.layer is None for module in architecture.modules) > 1:
        raise UsageError("cannot export to adapters: there are two prompts, and it takes one.")


def _write_adapter(
    model: PreTrainedModel, folder: Path, name: str, group: list[Module], with_head: bool
) -> None:
    made = attachment(model)
    layers = [module.layer for module in group if module.layer is not None]
    first, count = group[0], made.shapes.layers
    method = method_of(first)
    config = method.adapters_config(first, made.shapes.hidden)
    if layers:
        config["leave_out"] = [layer for layer in range(count) if layer not in layers]
    base = model.base_model_prefix
    # A bare backbone has no prefix in front of its names.
    base = f"{base}." if model.base_model is not model else ""
    parts: dict[str, list[torch.Tensor]] = {}
    for module in group:
        part = made.parts[part_name(module)]
        for key, value in part.shipped().items():  # type: ignore[operator]  # a Pelt
            parts.setdefault(base + method.adapters_tensor(module, name, key), []).append(value)
    tensors = {
        key: values[0] if len(values) == 1 else torch.stack(values, dim=1).flatten()
        for key, values in parts.items()
    }
    about = {
        "hidden_size": made.shapes.hidden,
        "model_class": type(model).__name__,
        "model_name": "",
        "model_type": model.config.model_type,
        "version": VERSION,
    }
    _write_json(folder / "adapter_config.json", about | {"config": config, "name": name})
    write_tensors(folder / "adapter.safetensors", tensors)
    head = head_parameters(model)
    if with_head and head:
        labels = {"label2id": model.config.label2id, "num_labels": model.config.num_labels}
        _write_json(folder / "head_config.json", about | labels | {"config": None, "name": None})
        write_tensors(folder / "model_head.safetensors", head)


def _write_json(path: Path, values: dict[str, Any]) -> None:
    path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
