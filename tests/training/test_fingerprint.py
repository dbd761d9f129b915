"""Other numbers have another fingerprint, and the same ones the same."""

import pytest
import torch

from autopelt.training.fingerprint import fingerprint

SHAPES = [(), (7,), (12, 20), (300, 300), (70_000,), (4, 30, 700)]
KINDS = [torch.float32, torch.bfloat16, torch.float64, torch.int8, torch.uint8]


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_what_changes_is_seen(shape: tuple[int, ...], kind: torch.dtype) -> None:
    made = (20 * torch.randn(shape, generator=torch.Generator().manual_seed(0))).to(kind)
    before = fingerprint(made)
    assert fingerprint(made.clone()) == before
    changed = [
        made * 2,
        made.flatten().roll(1).view(shape),
        made + (torch.arange(made.numel()) == 0).view(shape),
    ]
    if len(shape) > 1:
        changed += [made.flip(0), made.flip(-1), made.reshape(shape[::-1])]
    for other in changed:
        if not torch.equal(other.flatten(), made.flatten()) or other.shape != made.shape:
            assert fingerprint(other.to(kind)) != before
    assert fingerprint(made.to(torch.float16)) != before


def test_a_part_of_a_larger_tensor_is_its_own() -> None:
    whole = torch.arange(600.0).view(20, 30)
    assert fingerprint(whole[:, 3:7]) == fingerprint(whole[:, 3:7].clone())
