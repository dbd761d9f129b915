"""What an architecture costs beside its parameters, measured before it is trained.

What training itself changes is measured after it (`forgetting`).

``latency``: how many times the bare backbone's. The deployed form (LoRA without a gate merged,
which leaves nothing of it; prefixes folded) and the bare model predict one example of typical
length in turn, bare, deployed, bare, deployed, so that whatever else the machine does meanwhile
slows both. The median of the rounds' ratios counts. Weights do not matter to it. In fp32.

``memory``: bytes that training in fp32 holds beside the frozen weights, for a batch of `BATCH`
examples of typical length: every tensor that the backward pass keeps (with gradient checkpointing,
inputs of layers), and weights, gradients and both moments of what is trained. It is counted, not
sampled: equal on every run, however busy the machine is. On a GPU, whose allocator knows, it is
measured instead: the peak of such a step, what is held for a moment during it included.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any, Protocol

import torch
from torch import nn

from autopelt.architecture.architecture import Architecture
from autopelt.backbones.backbone import Backbone
from autopelt.methods import named
from autopelt.modules.attachment import attach, detach, fold
from autopelt.modules.base import first_input
from autopelt.modules.parameter_groups import parameter_groups
from autopelt.study.objectives import COSTS
from autopelt.training.checkpointing import checkpointed
from autopelt.training.context import Context
from autopelt.training.modes import set_training_mode
from autopelt.training.packing import Layout
from autopelt.training.spec import TrialSpec
from autopelt.training.trunk import boundary_of

ROUNDS, PASSES = 7, 5
"""Rounds of latency, and predictions of each form in a round; the first round warms up."""
BATCH = 8
STATES = 4
"""A trained parameter is held with its gradient and Adam's two moments."""


def costs(context: Context, architecture: Architecture, spec: TrialSpec) -> dict[str, float]:
    """Measure what the spec asks for; the model is left as it was, nothing attached."""
    wanted = [name for name in spec.costs if not COSTS[name].trained]
    if not wanted:
        return {}
    context.precision = "fp32"  # as it is shipped, and the same count on every machine
    return {name: _MEASURES[name](context, architecture, spec) for name in wanted}


def deployed_form(architecture: Architecture) -> Architecture:
    """What is still computed apart once all that can be folded into the weights is."""
    if architecture.full:
        return Architecture()
    return architecture.with_modules(
        m for m in architecture.modules if named(m.method).not_merged(m) is not None
    )


@dataclass(frozen=True)
class Pace:
    """One prediction, timed in turn on the bare backbone and on the deployed form.

    Attributes:
        bare, deployed: seconds, median.
        times: deployed over bare, median of the rounds' ratios; 1 where nothing is left beside the
            backbone.
    """

    bare: float
    deployed: float
    times: float


def latency(context: Context, architecture: Architecture, spec: TrialSpec) -> float:
    """Of one prediction, as a multiple of the bare backbone's."""
    if not deployed_form(architecture).modules:
        return 1.0  # and no time is spent on it
    return pace(context, architecture, 1, random_seed=spec.random_seed).times


def pace(
    context: Context,
    architecture: Architecture,
    examples: int,
    *,
    random_seed: int,
    rounds: int = ROUNDS,
    passes: int = PASSES,
) -> Pace:
    """Time predictions of a batch of typical examples, bare and deployed in turn.

    Nothing may be attached.
    """
    batch = context.batch("selection", typical(context, "selection", examples))
    deployed = deployed_form(architecture)
    times: list[tuple[float, float]] = []
    for _ in range(rounds):
        bare = own = _seconds(context, batch, passes)
        if deployed.modules:
            attach(context.model, deployed, random_seed=random_seed, directions={})
            try:
                fold(context.model)
                own = _seconds(context, batch, passes)
            finally:
                detach(context.model)
        times.append((bare, own))
    times = times[1:]
    return Pace(
        median(bare for bare, _ in times),
        median(own for _, own in times),
        median(own / bare for bare, own in times),
    )


def _seconds(context: Context, batch: dict[str, torch.Tensor], passes: int) -> float:
    context.model.eval()
    times = []
    with torch.inference_mode():
        for _ in range(passes):
            begun = time.perf_counter()
            context.task.predict(context.model, batch, context.tokenizer)
            if context.device.type == "cuda":
                torch.cuda.synchronize()
            times.append(time.perf_counter() - begun)
    return median(times)


def memory(context: Context, architecture: Architecture, spec: TrialSpec) -> float:
    """Bytes of one training step beside the frozen weights."""
    if context.device.type != "cuda":
        return float(counted_memory(context, architecture, spec))
    training_step(context, architecture, spec)  # workspaces of matrix products stay from the first
    step = partial(training_step, context, architecture, spec)
    return float(peak_of(step, torch.cuda))


class Allocator(Protocol):
    """What `torch.cuda` tells of its memory."""

    def synchronize(self) -> None:
        """Wait for all work."""

    def memory_allocated(self) -> int:
        """Bytes now."""

    def max_memory_allocated(self) -> int:
        """Bytes at the peak."""

    def reset_peak_memory_stats(self) -> None:
        """The peak is now."""


def peak_of(step: Callable[[], object], allocator: Allocator) -> int:
    """Most bytes at once during a step, beside what was held before it."""
    allocator.synchronize()
    allocator.reset_peak_memory_stats()
    before = allocator.memory_allocated()
    step()
    allocator.synchronize()
    return allocator.max_memory_allocated() - before


def training_step(context: Context, architecture: Architecture, spec: TrialSpec) -> None:
    """Attach, one step of training that changes no weight, detach."""
    model = context.model
    attach(model, architecture, random_seed=spec.random_seed, directions={})
    trained = [p for group in parameter_groups(model) for p in group["params"]]
    try:
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            set_training_mode(model, spec.training.dropout)
            loss = _loss(context, architecture, spec, lambda tensor: tensor)
            if loss.requires_grad:
                loss.backward()
        if trained:
            fused = context.device.type == "cuda"
            torch.optim.AdamW(trained, lr=0.0, weight_decay=0.0, fused=fused).step()
    finally:
        for parameter in trained:
            parameter.grad = None
        detach(model)
        model.eval()


def counted_memory(context: Context, architecture: Architecture, spec: TrialSpec) -> int:
    """The same without a GPU: what the backward pass keeps and what is trained, added up."""
    model = context.model
    attach(model, architecture, random_seed=spec.random_seed, directions={})
    try:
        groups = parameter_groups(model)
        trained = [p for group in groups for p in group["params"]]
        own = {p.untyped_storage().data_ptr() for p in model.parameters()}
        own |= {b.untyped_storage().data_ptr() for b in model.buffers()}
        kept: dict[int, int] = {}

        def keep(tensor: torch.Tensor) -> torch.Tensor:
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in own:
                kept[storage.data_ptr()] = storage.nbytes()
            return tensor

        with (
            torch.random.fork_rng(devices=[]),
            torch.enable_grad(),
            torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
        ):
            set_training_mode(model, spec.training.dropout)
            # While the loss is there, so is the graph: no storage that was counted is used again.
            loss = _loss(context, architecture, spec, keep)
        del loss
        held = sum(p.numel() * p.element_size() for p in trained)
        return sum(kept.values()) + STATES * held
    finally:
        detach(model)
        model.eval()


def _loss(
    context: Context,
    architecture: Architecture,
    spec: TrialSpec,
    keep: Callable[[torch.Tensor], object],
) -> torch.Tensor:
    """Of a typical batch, computed as training does; `keep` is told inputs of layers kept so."""
    backbone, layout = Backbone(context.model), Layout(context)
    lowest = boundary_of(architecture, len(backbone.layers))

    def kept(layer: nn.Module, args: Any, kwargs: Any) -> None:
        keep(first_input(args, kwargs))

    with layout.installed(), ExitStack() as stack:
        if spec.training.gradient_checkpointing:
            stack.enter_context(checkpointed(backbone, lowest, nullcontext))
            for _, layer in backbone.layers[lowest:]:
                hook = layer.register_forward_pre_hook(kept, with_kwargs=True)
                stack.callback(hook.remove)
        laid = layout.lay("train", typical(context, "train", BATCH))
        return context.task.loss(context.model(**context.inputs(laid.batch)), laid.batch)


def typical(context: Context, split: str, size: int) -> list[int]:
    """The examples whose length is nearest to the median."""
    order = nearest_to_median(context.splits[split].lengths)
    return [order[i % len(order)] for i in range(size)]


def nearest_to_median(lengths: Sequence[int]) -> list[int]:
    """Indices of the lengths, the nearest to their median first."""
    middle = median(lengths)
    return sorted(range(len(lengths)), key=lambda i: abs(lengths[i] - middle))


_MEASURES: dict[str, Callable[[Context, Architecture, TrialSpec], Any]] = {
    "latency": latency,
    "memory": memory,
}
