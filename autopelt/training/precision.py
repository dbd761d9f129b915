"""In which precision matrix products run: fp32, or bf16 where the hardware is faster at it.

On a GPU bf16 is PyTorch's autocast. On a CPU only the products with frozen weights run in bf16, and
everything else stays in fp32: attention in bf16 has a slow backward there, casting the modules' own
small products gains nothing, and the frozen weights are what nearly all the work is. A processor
with bf16 instructions (AVX512-BF16, AMX) computes such a product in half of the time or, on some
virtual machines, in twice of it; so it is measured.
"""

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cache, partial
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

INSTRUCTIONS = ("avx512_bf16", "amx_bf16")
"""What a processor calls its bf16 products; without them they are emulated, and slow."""

GAIN = 0.8
"""bf16 is taken where its products need less than this part of the time: a little faster is not
worth the digits, and what is far from 1 is decided alike by every process."""


def precision(wanted: str, device: torch.device) -> str:
    """``fp32`` or ``bf16``; ``auto`` is bf16 where the device is faster with it.

    Quantised weights are multiplied in bf16 on a GPU that has it, and in fp32 elsewhere.
    """
    if wanted in ("fp32", "bf16"):
        return wanted
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        fast = wanted == "auto" and device.type == "cpu" and cpu_multiplies_bf16()
    return "bf16" if fast else "fp32"


def cpu_multiplies_bf16() -> bool:
    """Whether this processor, and PyTorch's library on it, is faster with bf16 numbers."""
    has = torch.cpu.get_capabilities()
    instructions = any(bool(has.get(i)) for i in INSTRUCTIONS)
    return torch.backends.mkldnn.is_available() and instructions and _bf16_takes() < GAIN


@cache
def _bf16_takes() -> float:
    """Time of a product in bf16 over that in fp32: the best of many short ones, in turn."""
    operands = [
        (torch.ones(128, 384, dtype=dtype), torch.ones(384, 384, dtype=dtype))
        for dtype in (torch.float32, torch.bfloat16)
    ]
    best = [math.inf, math.inf]
    for _ in range(60):  # on a busy machine a pause of the process hits most of the longer ones
        for place, (x, weight) in enumerate(operands):
            begun = time.perf_counter()
            nn.functional.linear(x, weight)
            best[place] = min(best[place], time.perf_counter() - begun)
    return best[1] / best[0]


def products(device: torch.device, precision: str) -> Callable[[], AbstractContextManager[object]]:
    """Gives contexts, for a model's forward passes and losses, in which products have a precision.

    Args:
        precision: ``fp32`` or ``bf16``. Weights that are kept in bf16 (`autopelt.backbones.bf16`)
            see to their products themselves.
    """
    if precision == "fp32":
        return nullcontext
    if device.type == "cpu":
        frozen = FrozenProducts()
        return lambda: frozen
    return partial(torch.autocast, device.type, torch.bfloat16)


class FrozenProducts(TorchFunctionMode):
    """Products with frozen fp32 weights run in bf16, with sums in fp32; all else is left alone.

    Copies of the weights are kept for as long as the weights live and do not change.
    """

    def __init__(self) -> None:
        super().__init__()
        self._copies = WeakTensorKeyDictionary()

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Called by PyTorch for each of its functions."""
        if not kwargs:
            if func is nn.functional.linear and 2 <= len(args) <= 3 and _frozen(args[1]):
                bias = args[2] if len(args) == 3 else None
                return self._product(args[0], args[1], bias, transposed=False)
            if func is torch.addmm and len(args) == 3 and _frozen(args[2]):  # GPT-2's layers
                return self._product(args[1], args[2], args[0], transposed=True)
        return func(*args, **(kwargs or {}))

    def _product(
        self, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, transposed: bool
    ) -> torch.Tensor:
        copy = self._copy(weight)
        if transposed:
            copy = copy.t()
        half_bias = None if bias is None or bias.requires_grad else self._copy(bias)
        with torch._C.DisableTorchFunction():
            y: torch.Tensor = _Product.apply(x, copy, half_bias)
        # a bias that is trained (BitFit) is added outside, in fp32
        return y if bias is None or half_bias is not None else y + bias

    def _copy(self, weight: torch.Tensor) -> torch.Tensor:
        version, copy = self._copies.get(weight, (None, weight))
        if version != weight._version:
            copy = weight.detach().bfloat16()
            self._copies[weight] = (weight._version, copy)
        return copy


class _Product(torch.autograd.Function):
    """``x @ weight.T + bias`` for a weight and a bias that are not trained."""

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None
    ) -> torch.Tensor:
        """x: (..., in) fp32, weight: (out, in) bf16, bias: (out,) bf16; returns (..., out) fp32."""
        ctx.weight = weight
        return nn.functional.linear(x.bfloat16(), weight, bias).float()

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        """grads: of the output; returns that of x, (..., in) fp32."""
        (grad,) = grads
        return (grad.bfloat16() @ ctx.weight).float(), None, None


def _frozen(weight: object) -> bool:
    return (
        isinstance(weight, nn.Parameter)
        and not weight.requires_grad
        and weight.dtype == torch.float32
        and weight.device.type == "cpu"
        and not weight.is_inference()
    )
