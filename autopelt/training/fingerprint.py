"""Which numbers a tensor holds, in a few bytes: names what was computed with them."""

import hashlib
from collections.abc import Iterable

import torch

_LOOKED_AT = 2**14
"""Numbers that are looked at one by one; of larger tensors so many, spread over all of it."""


@torch.no_grad()
def fingerprint(tensor: torch.Tensor) -> str:
    """A hash of type, shape, the XOR of the bits of each row, and some of the numbers themselves.

    The XOR alone stays the same when all numbers are doubled, or two of a row change places.
    """
    rows = tensor.detach().reshape(-1, tensor.shape[-1] if tensor.dim() else 1)
    numbers = rows.flatten()[:: max(1, rows.numel() // _LOOKED_AT)].contiguous()
    content = hashlib.sha256(f"{tensor.dtype} {tuple(tensor.shape)}\n".encode())
    for part in (torch.hash_tensor(rows, dim=(1,)), numbers):
        content.update(part.view(torch.uint8).cpu().numpy().tobytes())
    return content.hexdigest()[:16]


def named_fingerprint(tensors: Iterable[tuple[str, torch.Tensor]]) -> str:
    """A hash of the names and fingerprints of several tensors, in their order."""
    content = hashlib.sha256()
    for name, numbers in tensors:
        content.update(f"{name} {fingerprint(numbers)}\n".encode())
    return content.hexdigest()
