"""The family of a model: described by a user, a row of the table, or found by what flows where."""

from __future__ import annotations

import inspect
import json
from typing import Any

import torch
from torch import nn
from transformers import PretrainedConfig, PreTrainedModel

from autopelt.backbones.dataflow import Layer
from autopelt.backbones.description import described
from autopelt.backbones.families import FAMILIES, Family
from autopelt.backbones.layer_places import stack_of
from autopelt.backbones.quiet import one_line, quiet
from autopelt.backbones.recorder import record
from autopelt.backbones.weightless import BATCH, both, inputs_of, small
from autopelt.errors import UsageError


def family_for(config: PretrainedConfig) -> Family:
    """Where things are in the backbone that a configuration describes.

    Raises:
        UsageError: nobody says, and nothing is found.
    """
    return described(config) or FAMILIES.get(config.model_type) or _remembered(config)


def backbone_values(config: PretrainedConfig) -> str:
    """What a configuration says of its backbone, as JSON: not of the task head, nor of running."""
    values = config.to_dict()
    for key in (
        "id2label",
        "label2id",
        "architectures",
        "dtype",
        "transformers_version",
        "_name_or_path",
    ):
        values.pop(key, None)
    return json.dumps(values, sort_keys=True, default=str)


def _remembered(config: PretrainedConfig) -> Family:
    key = backbone_values(config)
    if key not in _known:
        _known[key] = find(config)
    return _known[key]


_known: dict[str, Family] = {}
"""What was found, by configuration."""


def find(config: PretrainedConfig) -> Family:
    """Find out where things are by one short forward pass without weights.

    Raises:
        UsageError: it has no layers that follow one another, or they cannot be understood.
    """
    try:
        # Whoever asks may want no gradients; how values came about is told by theirs.
        with torch.inference_mode(False), torch.enable_grad():
            return _find(config)
    except _NotFoundError as error:
        why = str(error)
    except Exception as error:  # whatever a model that nobody knows may raise
        why = f"it cannot be tried: {one_line(error)}"
    raise UsageError(
        f"the places of a {config.model_type} model are not known and were not found: {why}. "
        "Describe them: docs/adding-a-family.md."
    )


class _NotFoundError(Exception):
    """Why nothing was found."""


def _find(config: PretrainedConfig) -> Family:
    model = small(config)
    with quiet():
        recorder = record(model)
    passes = recorder.passes.items()
    stacks = {path: layers for path, layers in passes if path not in recorder.broken}
    if not stacks:
        raise _NotFoundError("it has no list of layers of which each reads what another gives")
    found = tuple(stack_of(path, layers) for path, layers in stacks.items())
    if not any(stack.output or stack.ffn_output for stack in found):
        names = ", ".join(f"'{path}'" for path in stacks)
        raise _NotFoundError(f"the layers in {names} do not add to a residual stream")
    first, layers = next(iter(stacks.items()))
    prompt = _prompt(model, recorder.front, f"{first}.0", layers[0].entered, found[0].causal)
    return Family(found, **prompt, boundaries=_boundaries(layers))


def _boundaries(layers: list[Layer]) -> bool:
    """Whether each layer ran once and gave states alone, one row a text."""
    each_once = [layer.index for layer in layers] == list(range(len(layers)))
    return each_once and all(layer.alone and layer.entered.shape[0] == BATCH for layer in layers)


# ------------------------------------------------------------------ prompt
def _prompt(
    model: PreTrainedModel,
    front: dict[str, torch.Tensor],
    first: str,
    entered: torch.Tensor,
    causal: bool,
) -> dict[str, Any]:
    """The attributes of `Family` that say where prompt rows enter; empty where they cannot.

    Args:
        front: what the model's own parts gave.
        first: path of the first layer.
        entered: what it read.
    """
    name = first.partition(".")[0] if both(model) else ""
    host = model.get_submodule(name)
    known = inspect.signature(host.forward).parameters
    batched = entered.shape[0] == BATCH
    if not batched or not {"input_ids", "inputs_embeds", "attention_mask"} <= set(known):
        return {}
    places: dict[str, Any] = {
        "prompt_host": name,
        "prompt_offset": int(
            not causal and (not name or getattr(model.config, "bos_token_id", None) is not None)
        ),
    }
    table = host.get_input_embeddings()  # type: ignore[operator]  # of transformers, as it reads tokens
    embeddings = next(path for path, module in host.named_modules() if module is table)
    around = embeddings.partition(".")[0]
    outside = around != embeddings and not first.startswith(f"{around}.")
    if outside and _has_positions(host.get_submodule(around)):
        last = [name for name, given in front.items() if torch.equal(given, entered)]
        return places | {"embeddings": around, "prompt_at": last[-1]} if last else {}
    given = inputs_of(model)
    given["inputs_embeds"] = table(given.pop("input_ids"))
    again = _entering(model, model.get_submodule(first), given)
    alike = again is not None and again.shape == entered.shape and torch.equal(again, entered)
    return places | {"embeddings": embeddings} if alike else {}


def _has_positions(embeddings: nn.Module) -> bool:
    return any("position" in name for name, _ in embeddings.named_modules())


class _Entered(Exception):  # noqa: N818 - it carries a result
    """The first layer is reached."""


def _entering(
    model: nn.Module, layer: nn.Module, given: dict[str, torch.Tensor]
) -> torch.Tensor | None:
    """What a layer reads; None where the model does not come to it."""

    def stop(module: nn.Module, args: Any, kwargs: Any) -> None:
        raise _Entered(next(v for v in (*args, *kwargs.values()) if isinstance(v, torch.Tensor)))

    handle = layer.register_forward_pre_hook(stop, with_kwargs=True)
    try:
        model(**given)
    except _Entered as reached:
        return reached.args[0]
    except (ValueError, TypeError, RuntimeError, AttributeError):
        return None  # it reads no embeddings
    finally:
        handle.remove()
    return None
