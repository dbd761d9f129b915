"""The kernel: a covariance, with and without the column of another study."""

import numpy as np
import pytest
import torch

from autopelt.samplers.kernel import HybridKernel

GROUPS = [slice(0, 3), slice(3, 5), slice(5, 6)]
RAW = 6


@pytest.mark.parametrize("sources", [0, 1])
def test_kernel_matrices_are_positive_and_agree_with_their_diagonal(sources: int) -> None:
    rng = np.random.default_rng(0)
    x = torch.tensor(rng.normal(0, 0.5, (40, 6 + RAW + sources)))
    kernel = HybridKernel(GROUPS, RAW, sources)
    with torch.no_grad():
        matrix = kernel.forward(x, x)
        assert torch.linalg.eigvalsh(matrix).min() > -1e-9
        assert torch.allclose(matrix.diagonal(), kernel.forward(x, x, diag=True), atol=1e-6)
