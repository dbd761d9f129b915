"""A model that has its structure and next to no weights, for one short forward pass.

What goes where in a model depends on its configuration's flags, not on its weights. So of a model
of any size only few layers are made, a large parameter is one row that is repeated without being
copied, and a linear map gives random numbers of the right shape that depend on its input token by
token, as far as gradients can tell. Norms, activations, masks and attention are computed as ever.
"""

from __future__ import annotations

import copy
import inspect
import math
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from transformers import AttentionInterface, AutoModel, PretrainedConfig, PreTrainedModel
from transformers.pytorch_utils import Conv1D
from typing_extensions import override

from autopelt.backbones.quiet import quiet

BATCH, TOKENS, ENCODED = 2, 5, 7
"""Size of the batch, tokens of a text, and of the text that a decoder looks back at."""

_LAYERS = 4
"""Enough for models that alternate between kinds of layers."""

_COUNTS = (
    "num_hidden_layers",
    "num_layers",
    "num_decoder_layers",
    "n_layer",
    "n_layers",
    "encoder_layers",
    "decoder_layers",
)

_SHORT = {"max_source_positions": 8, "mamba_chunk_size": 8, "chunk_size": 8}
"""Lengths that take time and change nothing."""

_LARGE = 2**16
"""Numbers in a parameter of which not more than a row is made."""

_EXPERTS = 2**22
"""Numbers in a parameter of three dimensions that would take too long to compute with."""

NAME = "autopelt_structure"


def small(config: PretrainedConfig) -> PreTrainedModel:
    """The backbone with few layers, without weights, in evaluation mode and float32."""
    config = _made_small(config)
    with quiet(), torch.random.fork_rng(devices=[]), _WithoutLargeParameters():
        torch.manual_seed(0)
        model: PreTrainedModel = AutoModel.from_config(
            config, trust_remote_code=False, dtype=torch.float32, attn_implementation="eager"
        )
    _fill(model)
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear | Conv1D) and _replaceable(module):
            module.__dict__["forward"] = _AnyLinear(name, module)
        elif any(p.dim() > 2 and p.numel() > _EXPERTS for p in module.parameters(recurse=False)):
            module.__dict__["forward"] = _AnyExperts(name)
        own = getattr(module, "config", None)
        inside = any(isinstance(model.get_submodule(p), nn.ModuleList) for p in _parents(name))
        if inside and isinstance(own, PretrainedConfig) and not isinstance(module, PreTrainedModel):
            module.config = copy.copy(own)
            module.config._attn_implementation_internal = NAME
    return model.eval()


def inputs_of(model: PreTrainedModel) -> dict[str, torch.Tensor]:
    """A batch of what the model reads: texts, or pictures or sounds of the size it expects."""
    config: Any = model.config
    if model.main_input_name == "pixel_values":
        sizes = getattr(config, "image_size", 224)
        height, width = (sizes, sizes) if isinstance(sizes, int) else sizes
        return {"pixel_values": _numbers(config.num_channels, height, width)}
    if model.main_input_name == "input_features":
        length = 2 * config.max_source_positions
        made = {"input_features": _numbers(config.num_mel_bins, length)}
    else:
        made = {"input_ids": _ids(ENCODED if both(model) else TOKENS)}
    if both(model):
        made["decoder_input_ids"] = _ids(TOKENS)
    return made


def both(model: PreTrainedModel) -> bool:
    """Whether it has an encoder and a decoder, whatever its configuration says of a part of it."""
    return "decoder_input_ids" in inspect.signature(model.forward).parameters


def _numbers(*size: int) -> torch.Tensor:
    return torch.empty(BATCH, *size).normal_(generator=torch.Generator().manual_seed(0))


def _ids(length: int) -> torch.Tensor:
    return torch.arange(5, 5 + BATCH * length).view(BATCH, length) % 40


def _made_small(config: PretrainedConfig) -> PretrainedConfig:
    """A copy with few layers and short inputs; lists with an entry a layer are cut as well."""
    config = copy.deepcopy(config)
    parts = [config, *(getattr(config, name, None) for name in getattr(config, "sub_configs", {}))]
    for part in (part for part in parts if part is not None):
        values = {name: value for name, value in vars(part).items() if not name.startswith("_")}
        counts = {name: values[name] for name in _COUNTS if isinstance(values.get(name), int)}
        for name, value in values.items():
            if isinstance(value, list) and len(value) in counts.values():
                setattr(part, name, value[:_LAYERS])
        for name, count in counts.items():
            setattr(part, name, min(count, _LAYERS))
        for name, short in _SHORT.items():
            if isinstance(values.get(name), int):
                setattr(part, name, min(values[name], short))
        windows = values.get("attention_window")
        if windows is not None:
            part.attention_window = [4] * len(windows[:_LAYERS]) if isinstance(windows, list) else 4
        if isinstance(values.get("image_size"), int) and isinstance(values.get("patch_size"), int):
            part.image_size = 2 * values["patch_size"]
        part.use_cache = False
    return config


class _WithoutLargeParameters(TorchFunctionMode):
    """What is made without numbers while it is active has no storage where it is large."""

    @override
    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is torch.empty:
            size = args[0] if len(args) == 1 and not isinstance(args[0], int) else args
            if math.prod(kwargs.get("size", size)) > _LARGE:
                kwargs["device"] = "meta"
        return func(*args, **kwargs)


def _fill(model: nn.Module) -> None:
    """Give every parameter numbers; those of a large one are one row that is repeated."""
    generator = torch.Generator().manual_seed(0)
    made: dict[nn.Parameter, nn.Parameter] = {}
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if parameter not in made:
                shape = parameter.shape
                drawn = shape if parameter.numel() <= _LARGE else shape[-1:]
                # Norms near one; maps that leave sums of many terms near one.
                mean, std = (1.0, 0.1) if len(shape) < 2 else (0.0, shape[-1] ** -0.5)
                values = torch.empty(drawn).normal_(mean, std, generator=generator)
                made[parameter] = nn.Parameter(values.expand(shape))
            module._parameters[name] = made[parameter]


def _replaceable(module: nn.Linear | Conv1D) -> bool:
    """A map of transformers' own class may give more than numbers, as a router does."""
    own = type(module).forward not in (nn.Linear.forward, Conv1D.forward)
    return not own or module.weight.numel() > _LARGE


def _parents(path: str) -> list[str]:
    parts = path.split(".")
    return [".".join(parts[:n]) for n in range(1, len(parts))]


class _Any(torch.autograd.Function):
    """Random numbers, with a gradient that flows back to the token they were made for."""

    @staticmethod
    @override
    def forward(ctx: Any, x: torch.Tensor, width: int, seed: int) -> torch.Tensor:
        ctx.shape = x.shape
        generator = torch.Generator().manual_seed(seed)
        return torch.empty(*x.shape[:-1], width).normal_(0.0, 1.0, generator=generator)

    @staticmethod
    @override
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        return gradients[0].mean(-1, keepdim=True).expand(ctx.shape), None, None


class _AnyLinear:
    """Stands in for the forward of a linear map."""

    def __init__(self, name: str, module: nn.Linear | Conv1D) -> None:
        self.seed = zlib.crc32(name.encode())
        self.width = module.out_features if isinstance(module, nn.Linear) else module.nf

    def __call__(self, x: torch.Tensor) -> Any:
        return _Any.apply(x, self.width, self.seed)


class _AnyExperts:
    """Stands in for the forward of experts, who give states as they get them."""

    def __init__(self, name: str) -> None:
        self.seed = zlib.crc32(name.encode())

    def __call__(self, x: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        return _Any.apply(x, x.shape[-1], self.seed)


Attended = Callable[[nn.Module, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor], None]
"""Is told the module, its queries, keys and values, and what comes out."""

_listeners: list[Attended] = []


@contextmanager
def listening(listener: Attended) -> Iterator[None]:
    """While it is open, every attention through `AttentionInterface` in a `small` model is told."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def _attend(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """Plain attention (B, H, T, e), without what is added to its scores."""
    repeats = query.shape[1] // key.shape[1]
    keys, values = (part.repeat_interleave(repeats, 1) for part in (key, value))
    scores = query @ keys.transpose(2, 3) * query.shape[-1] ** -0.5
    causal = kwargs.get("is_causal")
    causal = getattr(module, "is_causal", False) if causal is None else causal
    if attention_mask is None and causal:
        attention_mask = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
    if attention_mask is not None:
        hidden = ~attention_mask if attention_mask.dtype == torch.bool else attention_mask < -1.0
        scores = scores.masked_fill(hidden, torch.finfo(scores.dtype).min)
    output = (scores.softmax(-1) @ values).transpose(1, 2).contiguous()
    for listener in _listeners:
        listener(module, query, key, value, output)
    return output, None


AttentionInterface.register(NAME, _attend)
