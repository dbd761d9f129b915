"""Frozen linear maps kept in 8 or 4 bits, by bitsandbytes; the rest is kept as `bf16` keeps it.

``int8``: of each output's weights the largest is 127, and all are rounded to whole numbers.
``nf4``: 16 values that are as frequent as each other in a normal distribution, times the largest of
64 weights, which is kept in 8 bits itself (Dettmers et al. 2023, QLoRA, section 3): 4.13 bits a
weight. Products are with weights brought back, in fp32 or, on a GPU, in bf16; inputs are not
quantised, so what is computed of one example does not depend on the others in its batch.

What is attached is added by hooks, in fp32. A method that reads the frozen weight gets it brought
back (`weight_of`). Left out are task head, output matrix and embeddings, norms, and what
transformers keeps in fp32 of a model.
"""

from __future__ import annotations

import copy
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional
from transformers import BitsAndBytesConfig, PretrainedConfig, PreTrainedModel
from transformers.pytorch_utils import Conv1D

from autopelt.backbones.bf16 import is_kept_in_bf16, keep_in_bf16
from autopelt.backbones.head import head_of
from autopelt.errors import UnavailableError, UsageError, parameter
from autopelt.system.memory import trim_heap

if TYPE_CHECKING:
    from autopelt.backbones.source import ModelSource

KINDS = ("int8", "nf4")
"""As `autopelt.study.config.QUANTISED`, which takes no torch."""
PACKAGES = ("bitsandbytes", "accelerate")
EXTRA = "autopelt[quantized]"
LEAST_CAPABILITY = (6, 0)
"""Of an NVIDIA GPU, for bitsandbytes' 4 bits."""


def require(kind: str) -> None:
    """Check that this machine can keep weights so.

    Raises:
        UnavailableError: a package is not installed.
        UsageError: the GPU is too old for it.
    """
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise UnavailableError(
            f"{parameter('precision', kind)} needs {missing[0]}, which is not installed; run: "
            f"pip install '{EXTRA}'"
        )
    if kind == "nf4" and torch.cuda.is_available():
        found = torch.cuda.get_device_capability()
        if found < LEAST_CAPABILITY:
            raise UsageError(
                f"{parameter('precision', kind)} needs a GPU of compute capability 6.0 or later, "
                f"but this one has {found[0]}.{found[1]}; take {parameter('precision', 'int8')}."
            )


def loading(kind: str, auto: Any, config: PretrainedConfig) -> dict[str, Any]:
    """What `from_pretrained` of an Auto class is told, so that no weight is ever there in full."""
    require(kind)
    with nothing_remote():
        import_module("bitsandbytes")
    with torch.device("meta"):
        left = left_out(auto.from_config(config))
    if kind == "int8":
        how = BitsAndBytesConfig(load_in_8bit=True, llm_int8_skip_modules=left)
    else:
        fast = torch.cuda.is_available() and torch.cuda.is_bf16_supported()
        how = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16 if fast else torch.float32,
            llm_int8_skip_modules=left,
        )
    return {"quantization_config": how}


def left_out(model: PreTrainedModel) -> list[str]:
    """Names of linear maps that are kept as they are: of the task head, and the output matrix."""
    kept = {id(parameter) for parameter in head_of(model).values()}
    output = model.get_output_embeddings()
    return [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear | Conv1D)
        and (module is output or any(id(p) in kept for p in module.parameters()))
    ]


def complete(model: PreTrainedModel, config: PretrainedConfig) -> None:
    """Make a model that was loaded with `loading` what the head of this file says."""
    for module in model.modules():
        if _kind_of(module) == "int8":
            weight: Any = module.weight
            weight.CB = None  # a second copy of the bits, for its own product
        module.__class__ = _kinds().get(type(module), type(module))
    for holder in (model, *model.modules()):
        # Sizes and families are found by configuration: the weights' form is none of it.
        own = getattr(holder, "config", None)
        if own is not None and hasattr(own, "quantization_config"):
            del own.quantization_config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    keep_in_bf16(model)
    trim_heap()  # each weight was there in fp32 for a moment


def refuse_stored(config: PretrainedConfig, source: ModelSource) -> None:
    """Raises UsageError for a checkpoint that holds quantised weights already."""
    stored = getattr(config, "quantization_config", None)
    if stored is not None:
        how = stored.get("quant_method") if isinstance(stored, dict) else None
        raise UsageError(
            f"the weights of '{source.name}' are quantised already ({how or 'unknown'}); give the "
            f"checkpoint it was made of, with {parameter('precision', 'nf4')} or "
            f"{parameter('precision', 'int8')}."
        )


def place(model: PreTrainedModel, device: torch.device) -> None:
    """Move a model to where it is used; quantised weights were loaded to there."""
    if kept_as(model) in KINDS:
        for part in (*model.parameters(), *model.buffers()):
            part.data = part.data.to(device)  # such as of a head that was made anew
    else:
        model.to(device=device)  # type: ignore[call-arg]  # transformers wraps `to` untyped


def kept_as(model: nn.Module) -> str:
    """How frozen weights are kept: ``int8``, ``nf4``, ``bf16``, or ``fp32``."""
    for module in model.modules():
        kind = _kind_of(module)
        if kind:
            return kind
    return "bf16" if is_kept_in_bf16(model) else "fp32"


def weight_of(module: nn.Module) -> torch.Tensor:
    """The weight (out, in) of a linear map: a view, or brought back where it is quantised."""
    weight: Any = module.weight
    kind = _kind_of(module)
    if kind == "int8":
        # the scale of an output stands for 127
        # multiplying integers by fp32 at once takes eight times as long
        return weight.data.float().mul_(weight.SCB[:, None] / 127)
    if kind == "nf4":
        from bitsandbytes.functional import dequantize_4bit

        state = weight.quant_state
        shape = state.shape
        if shape[-1] % state.blocksize:  # its kernel for processors begins a block at each row
            state = copy.copy(state)
            state.shape = torch.Size([shape.numel()])
        found: torch.Tensor = dequantize_4bit(weight.data, state)
        return found.view(shape).float()
    return weight.T if isinstance(module, Conv1D) else weight


def scales(model: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """What belongs to quantised weights beside their bits, by the name of the map."""
    for name, module in model.named_modules():
        kind, weight = _kind_of(module), getattr(module, "weight", None)
        if kind == "int8":
            yield name, weight.SCB  # type: ignore[union-attr]
        elif kind == "nf4":
            state: Any = weight.quant_state  # type: ignore[union-attr]
            yield name, state.absmax
            if state.nested:
                yield name, state.state2.absmax
                yield name, state.offset.reshape(1)


# ---------------------------------------------------------------------- products
def _kind_of(module: nn.Module) -> str:
    """How a map's weight is quantised, or "". Asks for a name, so that nothing is imported."""
    weight = type(module._parameters.get("weight")).__name__
    return {"Int8Params": "int8", "Params4bit": "nf4"}.get(weight, "")


class _Product(torch.autograd.Function):
    """``x @ weight.T + bias``; for the backward pass the weight is brought back once more."""

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, module: nn.Module, bias: torch.Tensor | None
    ) -> torch.Tensor:
        """x: (..., in), bias: (out,); returns (..., out)."""
        ctx.given, ctx.module = x.dtype, module
        ctx.trained = bias is not None and bias.requires_grad
        device = x.device.type
        if torch.is_autocast_enabled(device):
            x = x.to(torch.get_autocast_dtype(device))
        return functional.linear(x, weight_of(module).to(x.dtype), bias)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """grads: of the output; returns that of x, and of a bias that is trained."""
        (grad,) = grads
        bias = grad.flatten(end_dim=-2).float().sum(0) if ctx.trained else None
        return (grad @ weight_of(ctx.module).to(grad.dtype)).to(ctx.given), None, bias


@cache
def _kinds() -> dict[type[nn.Module], type[nn.Module]]:
    """bitsandbytes' maps with the product above.

    Its own quantises the inputs of int8 as well, so that the trunk's states would depend on the
    batch that they were computed in, and rewrites weights of nf4 on a CPU for it alone.
    """
    from bitsandbytes.autograd._functions import matmul_4bit
    from bitsandbytes.nn.modules import Linear4bit, Linear8bitLt

    class Int8Linear(Linear8bitLt):
        """A linear map with weights in int8."""

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            """(…, in) -> (…, out)."""
            y: torch.Tensor = _Product.apply(x, self, self.bias)
            return y

    class Nf4Linear(Linear4bit):
        """A linear map with weights in nf4; on a GPU the kernels of bitsandbytes multiply."""

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            """(…, in) -> (…, out)."""
            if x.device.type == "cpu":
                y: torch.Tensor = _Product.apply(x, self, self.bias)
                return y
            # Its own forward would turn a bias that is trained into bf16.
            weight: Any = self.weight
            bias = self.bias
            y = matmul_4bit(x.to(self.compute_dtype), weight, quant_state=weight.quant_state)
            return y.to(x.dtype) if bias is None else y.to(x.dtype) + bias

    return {Linear8bitLt: Int8Linear, Linear4bit: Nf4Linear}


@contextmanager
def nothing_remote() -> Iterator[None]:
    """bitsandbytes runs code from the Hub where it finds the package `kernels`; not in here."""
    logger, kernels = logging.getLogger("bitsandbytes"), sys.modules.get("kernels")
    level = logger.level
    logger.setLevel(logging.CRITICAL)  # it advises to install that package
    sys.modules["kernels"] = None  # type: ignore[assignment]  # an import of it fails
    try:
        yield
    finally:
        logger.setLevel(level)
        del sys.modules["kernels"]
        if kernels is not None:
            sys.modules["kernels"] = kernels
