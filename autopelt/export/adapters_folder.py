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
from safetensors.torch import save_file
from transformers import PreTrainedModel

from autopelt.architecture.architecture import Architecture
from autopelt.errors import UsageError, parameter
from autopelt.export.trained import Trained, load_trained
from autopelt.methods.module import Module
from autopelt.modules.attachment import attached, attachment, head_parameters, part_name
from autopelt.modules.parallel_adapter import SCALE

VERSION = "adapters.1.3.0"  # from 1.1.0 on, LoRA's alpha is taken as it stands
_FAMILIES = ("bert", "roberta", "xlm-roberta")
_LORA: dict[str, tuple[str, dict[str, Any]]] = {
    "attention.query": ("attention.self.query", {"attn_matrices": ["q"]}),
    "attention.key": ("attention.self.key", {"attn_matrices": ["k"]}),
    "attention.value": ("attention.self.value", {"attn_matrices": ["v"]}),
    "ffn.in": ("intermediate.dense", {"selfattn_lora": False, "intermediate_lora": True}),
    "ffn.out": ("output.dense", {"selfattn_lora": False, "output_lora": True}),
}
_BOTTLENECK = {
    "bottleneck.down": "adapter_down.0.weight",
    "bottleneck.down_bias": "adapter_down.0.bias",
    "bottleneck.up": "adapter_up.weight",
    "bottleneck.up_bias": "adapter_up.bias",
}


def write(trained: Trained, out: Path, model: str | None) -> None:
    """Write the stack. Raises UsageError for what the format cannot say."""
    made, _ = load_trained(trained, model)
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
        elif module.method in ("prompt", "p_tuning") and module.gate is not None:
            why = "has a gate, and adapters has none on a prompt"
        elif module.method == "lora" and module.location not in _LORA:
            why = "is LoRA on the attention's output, which adapters does not have"
        elif module.method == "lora" and module.gate and module.alpha:
            why = "has both a gate and an alpha"
        elif module.method == "sequential_adapter" and module.layer is not None:
            others = {
                (module.layer, "ffn", "parallel_adapter"): "parallel",
                (module.layer, "ffn.sublayer", "sequential_adapter"): "second sequential",
            }
            for key, kind in others.items():
                if module.location.startswith("ffn") and key in places - {module.key}:
                    why = f"shares its FFN with a {kind} adapter, and adapters drops one of the two"
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
    config = _config(first, made.shapes.hidden)
    if layers:
        config["leave_out"] = [layer for layer in range(count) if layer not in layers]
    base = model.base_model_prefix
    # A bare backbone has no prefix in front of its names.
    base = f"{base}." if model.base_model is not model else ""
    tensors: dict[str, torch.Tensor] = {}
    for module in group:
        part = made.parts[part_name(module)]
        for key, value in part.shipped().items():  # type: ignore[operator]  # a Pelt
            theirs = _their_name(module, name, key)
            if theirs is not None:
                tensors[base + theirs] = value
    if first.method == "prefix":
        flat = [made.parts[part_name(m)].shipped() for m in group]  # type: ignore[operator]  # a Pelt
        both = torch.stack([p[k] for p in flat for k in ("keys", "values")], dim=1)
        tensors[f"{base}prefix_tuning.prefix_tunings.{name}.self_prefix.control_trans"] = (
            both.flatten()
        )
    about = {
        "hidden_size": made.shapes.hidden,
        "model_class": type(model).__name__,
        "model_name": "",
        "model_type": model.config.model_type,
        "version": VERSION,
    }
    _write_json(folder / "adapter_config.json", about | {"config": config, "name": name})
    _write_tensors(folder / "adapter.safetensors", tensors)
    head = head_parameters(model)
    if with_head and head:
        labels = {"label2id": model.config.label2id, "num_labels": model.config.num_labels}
        _write_json(folder / "head_config.json", about | labels | {"config": None, "name": None})
        _write_tensors(folder / "model_head.safetensors", dict(head))


def _their_name(module: Module, name: str, key: str) -> str | None:
    """The name in `adapters` of our tensor `key`; None for a prefix's, which go into one vector."""
    block = f"encoder.layer.{module.layer}"
    if module.method in ("prompt", "p_tuning"):
        return f"prompt_tuning.prompt_tunings.{name}.prompt_embedding.weight"
    if module.method == "lora":
        key = {"down": "lora_A", "up": "lora_B"}.get(key, key)
        return f"{block}.{_LORA[module.location][0]}.loras.{name}.{key}"
    if module.method == "prefix":
        gate = key.removeprefix("gate.")
        if gate == key:
            return None
        return f"{block}.attention.self.prefix_tuning.prefix_gates.{name}.{gate}"
    place = "attention.output" if module.location == "attention" else "output"
    return f"{block}.{place}.adapters.{name}.{_BOTTLENECK.get(key, key)}"


def _config(module: Module, hidden: int) -> dict[str, Any]:
    gated = module.gate is not None
    if module.method in ("prompt", "p_tuning"):
        return {
            "architecture": "prompt_tuning",
            "prompt_length": module.size,
            "prompt_init": "random_uniform",
            "prompt_init_text": None,
            "random_uniform_scale": 0.5,
            "combine": "prefix_after_bos",
            "init_weights_seed": None,
        }
    if module.method == "prefix":
        return {
            "architecture": "prefix_tuning",
            "prefix_length": module.size,
            "flat": True,
            "encoder_prefix": True,
            "cross_prefix": True,
            "non_linearity": "tanh",
            "bottleneck_size": 512,
            "dropout": 0.0,
            "shared_gating": True,
            "use_gating": gated,
            "init_weights_seed": None,
        }
    if module.method == "lora":
        plain: dict[str, Any] = {
            "architecture": "lora",
            "composition_mode": "add",
            "r": module.size,
            "alpha": module.size if module.alpha is None else module.alpha,
            "attn_matrices": ["q"],
            "selfattn_lora": True,
            "intermediate_lora": False,
            "output_lora": False,
            "dropout": 0.0,
            "dtype": None,
            "init_weights": "lora",
            "init_weights_seed": None,
            "use_dora": False,
            "use_gating": gated,
            "vera_b": None,
            "vera_d": None,
        }
        return plain | _LORA[module.location][1]
    attention, parallel = module.location == "attention", module.method == "parallel_adapter"
    return {
        "architecture": None,
        "mh_adapter": attention,
        "output_adapter": not attention,
        # `adapters` floors hidden / reduction_factor; the half keeps it off the edge.
        "reduction_factor": hidden / (module.size + 0.5),
        "non_linearity": "relu",
        "original_ln_before": module.location == "ffn" and not parallel,
        "original_ln_after": True,
        "ln_before": False,
        "ln_after": False,
        "residual_before_ln": True,
        "adapter_residual_before_ln": False,
        "is_parallel": parallel,
        "scaling": SCALE if parallel else 1.0,
        "init_weights": "mam_adapter" if parallel else "bert",
        "init_weights_seed": None,
        "inv_adapter": None,
        "inv_adapter_reduction_factor": None,
        "cross_adapter": False,
        "phm_layer": False,
        "dropout": 0.0,
        "stochastic_depth": 0.0,
        "use_gating": gated,
    }


def _write_json(path: Path, values: dict[str, Any]) -> None:
    path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


def _write_tensors(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    plain = {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}
    save_file(plain, path, {"format": "pt"})
