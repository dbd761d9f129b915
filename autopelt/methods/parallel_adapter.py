"""Parallel adapter (He et al. 2022, https://arxiv.org/abs/2110.04366).

A bottleneck beside the FFN: ``+ g(x)·4·(U f(D x + b) + c)`` at the FFN's output, x its input. In a
pre-LN model x is the normalised input. Together with a sequential adapter on one FFN, as in
AutoPEFT:
``LN(h + x + S(LN(h + x)) + P(x))``, so it is added after the sequential one has looked.

Start: D as `torch.nn.Linear`, all else zero. Parameters: 2dm + m + d.
"""

from autopelt.methods.bottleneck import Adapter


class ParallelAdapter(Adapter):
    """Parallel adapter; see the head of this file."""

    name = "parallel_adapter"
    words = "parallel adapter"
    short = "parallel"
    colour = "--vermilion"
    drawn = 41
    locations = ("ffn",)
    # Its scale of 4 multiplies the step as well; at 1e-3 the demo task is not learned at all.
    learning_rate = 3e-4
    scale = 4.0
    parallel = True
