"""How much memory a study takes, before anything starts, beside what is free.

Of one worker, in bytes; a number is fp32. Notation: N tokens of the heaviest batch with its
padding, T the longest example, d width of the stream, q of all queries, f of the FFN, h heads, V
vocabulary, P trained parameters.

- weights: by how they are kept. A checkpoint in fp32 that is used so on a processor is mapped from
  its file, and all workers of a machine share it.
- trained: 5 P: weights, gradients, AdamW's two moments, and the weights of the best epoch.
- activations, that the backward pass keeps of each layer: ``4 d + 4 q + φ f + T`` numbers a token:
  inputs of both norms and of the four groups of linear maps, queries, keys, values and what
  attention gives, φ = 4 of a gated FFN and 2 of another, and the mask; with dropout in attention
  ``d / 2 + 2.25 h T`` more (masks are bytes). A module on every linear map is taken to be there:
  the most. With gradient checkpointing d numbers a token and layer, and one layer whole.
- logits: ``4 N V`` numbers: their logarithms, and gradients of three operations in a row.
- copies: linear maps in bf16 beside those in fp32, where a processor multiplies so (``auto``), or
  the largest one brought back, where weights are quantised.

Checked against measured peaks by ``tests/benchmarks/memory_forecast.py`` (docs/benchmarks.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autopelt.errors import UsageError, parameter
from autopelt.methods.shapes import Shapes
from autopelt.study.config import QUANTISED, StudyConfig, TrainingConfig
from autopelt.system.memory import available_memory, own_memory
from autopelt.system.units import format_bytes

FP32, BF16 = 4, 2
NF4 = 4.13 / 8
"""Bytes of a weight: 4 bits, 8 for the scale of 64 weights, 32 for that of 256 scales."""

SCORED = 16
"""Examples that a language model scores at once (`training.trainee.GENERATION_BATCH`)."""

GPU_CONTEXT = 500 * 2**20
"""Of CUDA and its libraries, in each process that uses a GPU."""

PYTHON_GELU = ("gelu_new", "gelu_fast", "gelu_python", "quick_gelu")
"""Activations that transformers computes step by step; each step keeps its input."""


@dataclass(frozen=True)
class Facts:
    """What the memory of a worker depends on beside the configuration.

    Attributes:
        shapes: of the backbone.
        embeddings: parameters of the tokens' embeddings.
        vocabulary: tokens of a model that writes, else 0.
        output: parameters of its output matrix, where that is not the embeddings.
        heads: of attention.
        dropout: whether attention has some in training.
        steps: whether the FFN's activation is one of `PYTHON_GELU`.
        mapped: whether the checkpoint is in fp32.
        trained: most trained parameters, with the task head.
        lengths: tokens of some examples of train.
        examples: of train and selection split together.
    """

    shapes: Shapes
    embeddings: int
    vocabulary: int
    output: int
    heads: int
    dropout: bool
    steps: bool
    mapped: bool
    trained: int
    lengths: tuple[int, ...]
    examples: int

    @property
    def linear(self) -> list[int]:
        """Weights of all linear maps."""
        linear, layers = self.shapes.linear, range(self.shapes.layers)
        of_all = [place for place in linear if "/" not in place]
        sizes = (linear.get(f"{n}/{place}", linear[place]) for n in layers for place in of_all)
        return [wide * out for wide, out in sizes]


@dataclass(frozen=True)
class Memory:
    """Bytes.

    Attributes:
        libraries, weights, copies, trained, activations, logits: of one worker.
        shared: the weights are there once for all workers of the machine.
        workers: on one device.
        states: of the frozen trunk at one layer boundary, for a whole machine, in files; not in
            the total.
        free: on the device.
        device: ``this machine`` or ``a GPU``.
    """

    libraries: int
    weights: int
    copies: int
    trained: int
    activations: int
    logits: int
    shared: bool
    workers: int
    states: int
    free: int
    device: str

    @property
    def worker(self) -> int:
        """Of one worker at its peak."""
        own = self.libraries + self.copies + self.trained + self.activations + self.logits
        return own + self.weights

    @property
    def total(self) -> int:
        """Of all workers on the device at once."""
        again = (self.workers - 1) * self.weights if self.shared else 0
        return self.workers * self.worker - again


def forecast(config: StudyConfig, facts: Facts, products: str, gpus: Sequence[int]) -> Memory:
    """What a study takes.

    Args:
        products: precision of those with frozen weights, ``fp32`` or ``bf16``.
        gpus: free bytes of each GPU.
    """
    training, together, linear = config.training, config.trials_per_worker, facts.linear
    kept = training.precision
    copies = 0
    if kept in QUANTISED:
        copies = FP32 * max(linear, default=0)
    elif kept == "auto" and products == "bf16" and not gpus:
        copies = BF16 * sum(linear)
    longest = max(facts.lengths, default=0)
    written = max(4 * together * tokens(training, facts), 2 * SCORED * longest)
    mean = sum(facts.lengths) / max(1, len(facts.lengths))
    return Memory(
        libraries=GPU_CONTEXT if gpus else own_memory(),
        weights=weights(kept, facts),
        copies=copies,
        trained=5 * FP32 * together * facts.trained,
        activations=FP32 * together * activations(training, facts),
        logits=FP32 * facts.vocabulary * written,
        shared=facts.mapped and kept in ("auto", "fp32") and not gpus,
        workers=-(-config.workers // len(gpus)) if gpus else config.workers,
        states=round(FP32 * facts.shapes.hidden * mean * facts.examples),
        free=min(gpus) if gpus else available_memory(),
        device="a GPU" if gpus else "this machine",
    )


def weights(kept: str, facts: Facts) -> int:
    """Bytes of the frozen weights by how they are kept."""
    linear, tables = sum(facts.linear), facts.embeddings + facts.output
    rest = max(0, facts.shapes.backbone_parameters - linear - facts.embeddings)
    if kept in ("auto", "fp32"):
        return FP32 * (linear + tables + rest)
    of_linear = {"bf16": BF16, "int8": 1, "nf4": NF4}[kept]
    return round(of_linear * linear + BF16 * tables + FP32 * rest)


def tokens(training: TrainingConfig, facts: Facts) -> int:
    """Of the heaviest batch; packed examples have no padding."""
    heaviest = sorted(facts.lengths, reverse=True)[: training.batch_size]
    if training.packing == "on" and facts.vocabulary:
        return sum(heaviest)
    return training.batch_size * max(heaviest, default=0)


def activations(training: TrainingConfig, facts: Facts) -> int:
    """Numbers that the backward pass of the heaviest batch keeps, but for logits."""
    shapes, longest = facts.shapes, max(facts.lengths, default=0)
    d, f = shapes.hidden, shapes.linear.get("ffn.in", (0, 0))[1]
    q = shapes.linear.get("attention.query", (0, d))[1]
    ffn = 4 if "ffn.gate" in shapes.linear else 6 if facts.steps else 2
    layer = 4 * d + 4 * q + ffn * f + longest
    if facts.dropout and training.dropout:
        layer += round(d / 2 + 2.25 * facts.heads * longest)
    if training.gradient_checkpointing:
        return tokens(training, facts) * (d * shapes.layers + layer)
    return tokens(training, facts) * layer * shapes.layers


# ---------------------------------------------------------------------- what is said of it
def sentence(memory: Memory) -> str:
    """For a person."""
    parts = {
        "weights": memory.weights,
        "copies of them": memory.copies,
        "Python and libraries": memory.libraries,
        "activations of a step": memory.activations,
        "logits over the vocabulary": memory.logits,
        "what is trained, with gradients and moments": memory.trained,
    }
    told = ", ".join(f"{name} {format_bytes(size)}" for name, size in parts.items() if size)
    of_all = f"; {memory.workers} workers {format_bytes(memory.total)}" * (memory.workers > 1)
    states = f"; kept states of frozen layers {format_bytes(memory.states)} a boundary, in files"
    return (
        f"memory: about {format_bytes(memory.worker)} a worker ({told}){of_all}; "
        f"{format_bytes(memory.free)} free on {memory.device}{states}"
    )


def warning(
    config: StudyConfig, facts: Facts, memory: Memory, again: Callable[[StudyConfig], Memory]
) -> str | None:
    """Where a study takes more than is free: what to change, in one line; else None.

    Args:
        again: `forecast` of another configuration.

    Raises:
        UsageError: not even the weights fit.
    """
    found = {
        words: again(changed)
        for words, changed in _lighter(config, facts)
    }
    fitting = {words: m for words, m in found.items() if m.total <= m.free}
    least = memory.weights + memory.libraries
    if least > memory.free:
        smaller = [w for w, m in found.items() if m.weights + m.libraries <= m.free]
        way = f"take {' or '.join(smaller)}" if smaller else "take a smaller model"
        raise UsageError(
            f"the weights of the model alone take {format_bytes(memory.weights)} in "
            f"{parameter('precision', config.training.precision)}, but "
            f"{format_bytes(memory.free)} are free on {memory.device}; {way}."
        )
    if memory.total <= memory.free:
        return None
    told = [f"{words} ({format_bytes(m.total)})" for words, m in fitting.items()]
    smallest = min(found, key=lambda words: found[words].total)
    way = " or ".join(told) or f"less of everything, {smallest} first"
    return (
        f"memory: this takes about {format_bytes(memory.total)}, more than the "
        f"{format_bytes(memory.free)} that are free on {memory.device}; it would fit with {way}"
        if told
        else f"memory: this takes about {format_bytes(memory.total)}, more than the "
        f"{format_bytes(memory.free)} that are free on {memory.device}; take {way}"
    )


def _lighter(config: StudyConfig, facts: Facts) -> list[tuple[str, StudyConfig]]:
    """Configurations that take less, each with the option that is changed."""
    training = config.training

    def other(name: str, value: Any) -> tuple[str, StudyConfig]:
        changed = training.model_copy(update={name: value})
        return parameter(name, value), config.model_copy(update={"training": changed})

    made = []
    if config.workers > 1:
        fewer = config.model_copy(update={"workers": 1})
        made.append((parameter("workers", 1), fewer))
    if not training.gradient_checkpointing:
        made.append(other("gradient_checkpointing", True))
    made += [
        other("batch_size", size)
        for size in sorted({training.batch_size // 4, training.batch_size // 2})
        if size
    ][-1:]
    kinds = ("auto", "fp32", "bf16", "int8", "nf4")
    smaller = kinds[max(1, kinds.index(training.precision)) + 1 :]
    return made + [other("precision", kind) for kind in smaller]
