"""Which seed architectures a study begins with where its user names none, and in which order."""

from autopelt.methods.shapes import Shapes

OWN, HIGH, USUAL = "own", "high", "usual"
"""Learning rates that one enters at: its methods' own, a higher one, and `Method.usual_rate`."""

FIRST = (
    *(("unipelt", OWN), ("pt-unipelt", OWN)),
    *(("adapter-pfeiffer", OWN), ("adapter-pfeiffer", HIGH), ("head-only", OWN)),
    *(("ia3", HIGH), ("sapa", HIGH), ("sapa", OWN), ("lora-r8", OWN), ("lora-r8", HIGH)),
    *(("layer-norm", HIGH), ("adapter-pfeiffer-1", HIGH), ("lora-r1", HIGH), ("ia3", OWN)),
    *(("unipelt", HIGH), ("pt-unipelt", HIGH)),
)
"""What comes first: what was published, then what was best on real tasks, at two rates, so that a
model sees early what a rate does; and the smallest, at the higher one often as good."""

WRITING = (
    *(("lora-r8", OWN), ("lora-all-r8", OWN), ("lora-r8", HIGH), ("ia3", OWN)),
    *(("lora-all-r2", OWN), ("lora-r8", USUAL), ("lora-attention-r8", OWN), ("lora-all-r8", HIGH)),
    *(("lora-r2", OWN), ("lora-all-r8", USUAL), ("rslora-all-r64", OWN), ("lora-r32", OWN)),
    *(("lora-all-r1", OWN), ("ia3", HIGH), ("lora-attention-r2", OWN), ("rslora-r64", OWN)),
    *(("ia3", USUAL), ("lora-all-r32", OWN)),
)
"""The same of a decoder that goes on writing text, as its users make it: LoRA of several ranks on
query and value, which is what `peft` takes, on all of the attention and on all linear maps, which
is better at equal numbers of parameters (Schulman et al. 2025, "LoRA Without Regret",
https://thinkingmachines.ai/blog/lora/); rank-stabilised where ranks are large; and IA3."""


def default_seeds(shapes: Shapes, writes: bool = False) -> tuple[str, ...]:
    """Names of what a careful person would try by hand, in order.

    Args:
        writes: whether it is a decoder that goes on writing text.
    """
    if writes:
        others = (
            "prefix-10",
            "prompt-10",
            "adapter-parallel",
            "adapter-pfeiffer",
            "mam",
            "unipelt",
        )
        return (*dict(WRITING), *others)
    return (
        *dict(FIRST),
        f"adapterdrop-{max(1, shapes.layers // 2)}",
        "lora-r2",
        "prefix-10",
        "lora-r32",
        "lora-r4",
        "adapter-parallel",
        "lora-r16",
        "mam",
    )
