"""Products with frozen weights in bf16 on a processor; everything else in fp32."""

import pytest
import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from autopelt.training.precision import (
    FrozenProducts,
    _bf16_takes,
    cpu_multiplies_bf16,
    precision,
    products,
)

CPU = torch.device("cpu")


def frozen_linear(bias: bool = True) -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(24, 40, bias=bias).requires_grad_(False)


@pytest.mark.parametrize("takes", [0.5, 0.9, 2.0])
@pytest.mark.parametrize("instruction", ["avx512_bf16", "amx_bf16", None])
def test_auto_is_bf16_where_the_processor_has_it_and_is_faster_with_it(
    instruction: str | None, takes: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    has = {"avx512_f": True, "avx512_bf16": False, "amx_bf16": False} | (
        {instruction: True} if instruction else {}
    )
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: has)
    monkeypatch.setattr("autopelt.training.precision._bf16_takes", lambda: takes)
    faster = instruction is not None and takes < 0.8
    assert cpu_multiplies_bf16() == faster
    assert precision("auto", CPU) == ("bf16" if faster else "fp32")


def test_how_long_bf16_takes_is_measured_once() -> None:
    takes = _bf16_takes()
    assert 0.02 < takes < 500
    assert _bf16_takes() == takes


def test_what_is_wanted_by_name_is_taken() -> None:
    assert precision("bf16", CPU) == "bf16"
    assert precision("fp32", CPU) == "fp32"
    assert precision("fp32", torch.device("cuda")) == "fp32"


@pytest.mark.parametrize("has", [True, False])
def test_a_gpu_takes_bf16_where_it_has_it_also_for_quantised_weights(
    has: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def supported(including_emulation: bool = True) -> bool:
        return has or including_emulation

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    gpu = torch.device("cuda")
    found = [precision(wanted, gpu) for wanted in ("auto", "int8", "nf4", "fp32")]
    assert found == ["bf16" if has else "fp32"] * 3 + ["fp32"]


@pytest.mark.parametrize("bias", [True, False])
def test_a_frozen_product_is_that_of_rounded_numbers(bias: bool) -> None:
    layer, x = frozen_linear(bias), torch.randn(3, 5, 24, requires_grad=True)
    exact = layer(x)
    with FrozenProducts():
        made = layer(x)
    assert made.dtype == torch.float32
    assert not torch.equal(made, exact)
    torch.testing.assert_close(made, exact, rtol=0.02, atol=0.02)
    g = torch.randn_like(made)
    (wanted,) = torch.autograd.grad(exact, x, g)
    (got,) = torch.autograd.grad(made, x, g)
    assert got.dtype == torch.float32
    torch.testing.assert_close(got, wanted, rtol=0.02, atol=0.04)


def test_conv1d_of_gpt2_as_well() -> None:
    torch.manual_seed(0)
    layer: nn.Module = Conv1D(40, 24).requires_grad_(False)  # type: ignore[no-untyped-call]
    x = torch.randn(3, 5, 24, requires_grad=True)
    exact = layer(x)
    with FrozenProducts():
        made = layer(x)
    assert not torch.equal(made, exact)
    torch.testing.assert_close(made, exact, rtol=0.02, atol=0.02)
    g = torch.randn_like(made)
    torch.testing.assert_close(
        torch.autograd.grad(made, x, g)[0],
        torch.autograd.grad(exact, x, g)[0],
        rtol=0.02,
        atol=0.02,
    )


def test_trained_weights_stay_exact() -> None:
    layer, x = nn.Linear(24, 40), torch.randn(5, 24)
    with FrozenProducts():
        made = layer(x)
    assert torch.equal(made, layer(x))
    made.sum().backward()
    assert layer.weight.grad is not None


def test_a_trained_bias_of_a_frozen_weight_learns() -> None:
    layer, x = frozen_linear(), torch.randn(5, 24)
    layer.bias.requires_grad_(True)
    with FrozenProducts():
        layer(x).sum().backward()
    assert layer.weight.grad is None
    torch.testing.assert_close(layer.bias.grad, torch.full((40,), 5.0))


def test_a_changed_weight_is_seen() -> None:
    layer, x, mode = frozen_linear(), torch.randn(5, 24), FrozenProducts()
    with mode:
        before = layer(x)
    with torch.no_grad():
        layer.weight.mul_(2)
        layer.bias.mul_(2)
    with mode:
        after = layer(x)
    torch.testing.assert_close(after, 2 * before)


def test_scoring_in_inference_mode_gives_the_same() -> None:
    layer, x, mode = frozen_linear(), torch.randn(5, 24), FrozenProducts()
    with mode:
        trained = layer(x)
        with torch.inference_mode():
            scored = layer(x)
    assert torch.equal(trained, scored)


def test_copies_go_with_their_weights() -> None:
    mode = FrozenProducts()
    layer = frozen_linear()
    with mode:
        layer(torch.randn(5, 24))
    assert len(mode._copies) == 2
    del layer
    assert len(mode._copies) == 0


def test_fp32_leaves_every_product_alone() -> None:
    layer, x = frozen_linear(), torch.randn(5, 24)
    with products(CPU, "fp32")():
        made = layer(x)
    assert torch.equal(made, layer(x))
