"""Whether methods work where a backbone is said to have a place for them, tried on the model.

A method works at a location where modules of it in every layer change what the model computes, each
of them gets a gradient, they are as many parameters as the closed form says, and without them the
model gives bit for bit what it gave before. All are tried at once in one pass; only where that goes
wrong, one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from transformers import PreTrainedModel

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.counter import ShapeCounter
from autopelt.backbones.quiet import one_line
from autopelt.backbones.shapes import shapes_of_model
from autopelt.backbones.weightless import inputs_of
from autopelt.errors import UsageError
from autopelt.methods import METHODS, check
from autopelt.methods.module import EMBEDDINGS, Module
from autopelt.methods.shapes import Shapes
from autopelt.modules.attachment import attach, attachment, count_attached, detach

SIZE, NOISE, TOKENS = 2, 0.05, 9

Place = tuple[str, str]
"""A method and a location."""


def failures(model: PreTrainedModel, places: Sequence[Place]) -> dict[Place, str]:
    """What does not work on a model, and why; the model is left as it was, bit for bit.

    Args:
        model: a backbone without a task head, on a processor, with nothing attached.
        places: methods and locations to try.
    """
    shapes = shapes_of_model(model)
    refused = {place: why for place in places if (why := _refused(place, shapes))}
    left = [place for place in places if place not in refused]
    inputs = _inputs(model)
    try:
        with torch.no_grad():
            before = _states(model, inputs)
    except Exception as error:  # a model of somebody else's may raise anything
        return dict.fromkeys(places, f"the model does not run on tokens alone: {one_line(error)}")
    if not left or not _why(model, shapes, left, inputs, before):
        return refused
    found = {place: _why(model, shapes, [place], inputs, before) for place in left}
    return refused | {place: why for place, why in found.items() if why}


def _refused(place: Place, shapes: Shapes) -> str:
    """Why a method may not even be tried at a location."""
    try:
        for module in _modules(place, shapes):
            check(module, shapes)
    except UsageError:
        return "the backbone has no such place"
    return ""


def _modules(place: Place, shapes: Shapes) -> list[Module]:
    method, location = place
    size = SIZE if METHODS[method].size_word else 1
    layers = [None] if location == EMBEDDINGS else range(shapes.layers)
    return [Module(method, location, layer, size) for layer in layers]


def _why(
    model: PreTrainedModel,
    shapes: Shapes,
    places: Sequence[Place],
    inputs: Mapping[str, torch.Tensor],
    before: torch.Tensor,
) -> str:
    """Why these do not work together; empty where they do."""
    frozen = {name: p.requires_grad for name, p in model.named_parameters()}
    try:
        architecture = Architecture(tuple(m for at in places for m in _modules(at, shapes)))
        attach(model, architecture)
        why = _tried(model, architecture, shapes, inputs, before)
    except Exception as error:
        why = one_line(error)
    finally:
        detach(model)
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(frozen[name])
            parameter.grad = None
    with torch.no_grad():
        same = torch.equal(_states(model, inputs), before)
    return why or ("" if same else "taken off again, something of it stays")


def _tried(
    model: PreTrainedModel,
    architecture: Architecture,
    shapes: Shapes,
    inputs: Mapping[str, torch.Tensor],
    before: torch.Tensor,
) -> str:
    expected, found = ShapeCounter(shapes).count(architecture), count_attached(model)
    if expected != found:
        return f"it has {found.trained:,} parameters, not {expected.trained:,}"
    modules = attachment(model)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in modules.parameters():  # what starts at zero would change nothing
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.add_(NOISE * noise.to(parameter))
    with torch.enable_grad():
        after = _states(model, inputs)
        if not bool(after.isfinite().all()):
            return "the model gives no finite numbers with it"
        if torch.equal(after, before):
            return "it changes nothing"
        # Squares of differences from noise: a norm at the end makes the plain sum constant.
        target = torch.randn(after.shape, generator=generator).to(after)
        ((after - target) ** 2).mean().backward()
    for name, part in modules.parts.items():
        grads = [p.grad for p in part.parameters() if p.grad is not None]
        if any(True for _ in part.parameters()) and not any(bool(g.any()) for g in grads):
            return f"nothing reaches {name}"
    return ""


def _inputs(model: PreTrainedModel) -> dict[str, torch.Tensor]:
    """Two short texts of random tokens, the second one padded; or pictures or sounds."""
    if model.main_input_name != "input_ids":
        return inputs_of(model)
    vocabulary = model.config.get_text_config().vocab_size
    generator = torch.Generator().manual_seed(0)

    def ids(length: int) -> torch.Tensor:
        return torch.randint(vocabulary, (2, length), generator=generator)

    mask = torch.ones(2, TOKENS, dtype=torch.long)
    mask[1, -2:] = 0
    inputs = {"input_ids": ids(TOKENS), "attention_mask": mask}
    if model.config.is_encoder_decoder:
        inputs["decoder_input_ids"] = ids(4)
    return inputs


def _states(model: PreTrainedModel, inputs: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """The states behind the last layer, of real tokens."""
    run: Callable[..., object] = model.base_model
    output = run(**inputs)
    states: torch.Tensor = output[0]  # type: ignore[index]  # a ModelOutput
    mask = inputs.get("attention_mask") if states.shape[1] == TOKENS else None
    return states if mask is None else states[mask.bool()]
