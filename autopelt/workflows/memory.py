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
  the most. With gradient checkpointing d numbers a token and layer, and two layers whole:
  the one that is computed again, and what the one before has left.
  On a processor `HEAP` times that.
- logits: ``2 N V`` numbers beside all activations: logarithms of probabilities and their gradient;
  or what scoring takes, where that is more. Where logits are fewer, the backward pass through a
  layer is the peak, which takes that layer's activations once more.
- copies: linear maps in bf16 beside those in fp32, where a processor multiplies so (``auto``), or
  the largest one brought back, where weights are quantised.

Checked against measured peaks by ``tests/benchmarks/memory_forecast.py`` (docs/benchmarks.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from autopelt.errors import UsageError, parameter
from autopelt.methods.shapes import Shapes
from autopelt.study.config import QUANTISED, StudyConfig, TrainingConfig
from autopelt.system.memory import available_memory, own_memory
from autopelt.system.units import format_bytes
from autopelt.tasks.generation import Generation

FP32, BF16 = 4, 2
NF4 = 4.13 / 8
"""Bytes of a weight: 4 bits, 8 for the scale of 64 weights, 32 for that of 256 scales."""

HEAP = 1.3
"""Activations in a processor's memory over what they are: the C library's heap does not fill every
gap again. Measured 1.0 to 1.8 (glibc 2.36)."""

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
    def least(self) -> int:
        """Of one worker, whatever its batch."""
        return self.libraries + self.weights

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


@dataclass(frozen=True)
class Forecast:
    """What a study takes, of whatever configuration.

    Attributes:
        products: precision of products with frozen weights that ``auto`` means here.
        gpus: free bytes of each GPU.
    """

    facts: Facts
    products: str
    gpus: tuple[int, ...]

    def of(self, config: StudyConfig) -> Memory:
        """What it takes with a configuration."""
        return _forecast(config, self.facts, self.products, self.gpus)


def _forecast(config: StudyConfig, facts: Facts, products: str, gpus: Sequence[int]) -> Memory:
    training, together, linear = config.training, config.trials_per_worker, facts.linear
    kept = training.precision
    copies = 0
    if kept in QUANTISED:
        copies = FP32 * max(linear, default=0)
    elif kept == "auto" and products == "bf16" and not gpus:
        copies = BF16 * sum(linear)
    held = (1 if gpus else HEAP) * FP32 * together * tokens(training, facts)
    layer, kept_layers = held * layer_numbers(training, facts), facts.shapes.layers
    active = layer * kept_layers
    if training.gradient_checkpointing:
        active = held * facts.shapes.hidden * kept_layers + 2 * layer
    logits = 2 * FP32 * facts.vocabulary * together * tokens(training, facts)
    scored = FP32 * facts.vocabulary * Generation.scoring_batch * max(facts.lengths, default=0)
    mean = sum(facts.lengths) / max(1, len(facts.lengths))
    return Memory(
        libraries=GPU_CONTEXT if gpus else own_memory(),
        weights=weights(kept, facts),
        copies=copies,
        trained=5 * FP32 * together * facts.trained,
        activations=round(active + max(0, layer - logits)),
        logits=round(max(logits, scored - active)),
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


def layer_numbers(training: TrainingConfig, facts: Facts) -> int:
    """Numbers that the backward pass keeps of one token in one layer."""
    shapes, longest = facts.shapes, max(facts.lengths, default=0)
    d, f = shapes.hidden, shapes.linear.get("ffn.in", (0, 0))[1]
    q = shapes.linear.get("attention.query", (0, d))[1]
    ffn = 4 if "ffn.gate" in shapes.linear else 6 if facts.steps else 2
    layer = 4 * d + 4 * q + ffn * f + longest
    if facts.dropout and training.dropout:
        layer += round(d / 2 + 2.25 * facts.heads * longest)
    return layer


def facts_of(
    shapes: Shapes, config: Any, writes: bool, trained: int, lengths: Sequence[int], examples: int
) -> Facts:
    """Read off a model's configuration what is needed of it.

    Args:
        writes: whether the model has a language model's head.
        trained, lengths, examples: as `Facts` has them.
    """
    text = config.get_text_config()

    def first(*names: str) -> Any:
        return next((v for name in names if (v := getattr(text, name, None)) is not None), 0)

    vocabulary, activation = first("vocab_size"), first("hidden_act", "activation_function")
    tied = getattr(config, "tie_word_embeddings", True)
    return Facts(
        shapes=shapes,
        embeddings=vocabulary * (first("embedding_size") or shapes.hidden),
        vocabulary=vocabulary * writes,
        output=vocabulary * shapes.hidden * (writes and not tied),
        heads=first("num_attention_heads", "n_head", "num_heads"),
        dropout=first("attention_probs_dropout_prob", "attention_dropout", "attn_pdrop") > 0,
        steps=activation in PYTHON_GELU,
        mapped=str(getattr(config, "dtype", None)).removeprefix("torch.") in ("None", "float32"),
        trained=trained,
        lengths=tuple(lengths),
        examples=examples,
    )


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


def too_much(config: StudyConfig, forecast: Forecast | None) -> list[str]:
    """Where a study takes more than is free: what to change, in one line; else nothing.

    Raises:
        UsageError: not even the weights fit.
    """
    if forecast is None:
        return []
    memory = forecast.of(config)
    if memory.total <= memory.free:
        return []
    lighter = [(words, forecast.of(changed)) for words, changed in _lighter(config)]
    free = f"{format_bytes(memory.free)} that are free on {memory.device}"
    if memory.least > memory.free:
        smaller = [words for words, other in lighter if other.least <= other.free]
        raise UsageError(
            f"the weights alone take {format_bytes(memory.least)} with "
            f"{parameter('precision', config.training.precision)}, more than the {free}; take "
            f"{' or '.join(smaller) or 'a smaller model'}."
        )
    fitting = [f"{words} ({format_bytes(m.total)})" for words, m in lighter if m.total <= m.free]
    lightest = min(lighter, key=lambda known: known[1].total, default=("a smaller model", memory))
    way = f"it fits with {' or '.join(fitting)}" if fitting else f"take {lightest[0]} and less"
    return [f"memory: about {format_bytes(memory.total)}, more than the {free}; {way}"]


def _lighter(config: StudyConfig) -> list[tuple[str, StudyConfig]]:
    """Configurations that take less, each with the option that is changed."""
    training = config.training

    def other(name: str, value: Any) -> tuple[str, StudyConfig]:
        changed = training.model_copy(update={name: value})
        return parameter(name, value), config.model_copy(update={"training": changed})

    made = []
    if config.workers > 1:
        made.append((parameter("workers", 1), config.model_copy(update={"workers": 1})))
    if not training.gradient_checkpointing:
        made.append(other("gradient_checkpointing", True))
    if training.batch_size > 1:
        made.append(other("batch_size", max(1, training.batch_size // 4)))
    kinds = ("auto", "fp32", "bf16", *QUANTISED)
    smaller = kinds[max(2, kinds.index(training.precision) + 1) :]
    return made + [other("precision", kind) for kind in smaller]
