"""One forward pass of a weightless model, and what each of its layers did in it."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from autopelt.backbones.dataflow import Attended, Call, Layer, edge_of
from autopelt.backbones.weightless import inputs_of, listening


class Recorder:
    """Hooks on the layers of every list of modules that is not inside another one."""

    def __init__(self, model: nn.Module) -> None:
        self.passes: dict[str, list[Layer]] = {}
        self.broken: set[str] = set()
        self.now: Layer | None = None
        self.order = 0
        self.front: dict[str, torch.Tensor] = {}
        lists = [(n, m) for n, m in model.named_modules() if isinstance(m, nn.ModuleList)]
        names = [n for n, _ in lists]
        self.handles = []
        for path, layers in lists:
            if any(path.startswith(f"{other}.") for other in names):
                continue
            for index, layer in enumerate(layers):
                self._watch(path, index, layer)
        for name, part in model.named_children():
            self.handles.append(part.register_forward_hook(partial(self._front, name)))

    def _front(self, name: str, module: nn.Module, args: Any, output: Any) -> None:
        if isinstance(output, torch.Tensor):
            self.front[name] = output

    def _watch(self, path: str, index: int, layer: nn.Module) -> None:
        def enter(module: nn.Module, args: Any, kwargs: Any) -> Any:
            given = [*args, *kwargs.values()]
            states = [v for v in given if isinstance(v, torch.Tensor) and v.is_floating_point()]
            if not states:
                self.broken.add(path)
                return None
            before = self.passes.setdefault(path, [])
            if before and not torch.equal(before[-1].left, states[0]):  # type: ignore[arg-type]  # it has left
                self.broken.add(path)
            entered = states[0].detach().requires_grad_()
            others = [v for v in states[1:] if v.dim() == 3 and v.requires_grad]
            self.now = Layer(index, entered, others=[edge_of(v) for v in others])
            before.append(self.now)

            def swap(value: Any) -> Any:
                return entered if value is states[0] else value

            return tuple(map(swap, args)), {k: swap(v) for k, v in kwargs.items()}

        def leave(module: nn.Module, args: Any, output: Any) -> None:
            left = output if isinstance(output, torch.Tensor) else output[0]
            if self.now is None or left.shape != self.now.entered.shape:
                self.broken.add(path)
                left = self.passes[path][-1].entered
            self.passes[path][-1].left = left
            self.passes[path][-1].alone = isinstance(output, torch.Tensor)
            self.now = None

        self.handles.append(layer.register_forward_pre_hook(enter, with_kwargs=True))
        self.handles.append(layer.register_forward_hook(leave))
        for name, part in layer.named_modules():
            if name:
                self._watch_part(name, part)

    def _watch_part(self, path: str, part: nn.Module) -> None:
        def begin(module: nn.Module, args: Any, kwargs: Any) -> None:
            if self.now is not None:
                call = self.now.calls.setdefault(path, Call(path, module))
                call.times += 1
                given = [*args, *kwargs.values()]
                call.read = next((edge_of(v) for v in given if _flows(v)), None)

        def end(module: nn.Module, args: Any, output: Any) -> None:
            if self.now is not None and path in self.now.calls:
                call = self.now.calls[path]
                self.order += 1
                call.gave = edge_of(output) if _flows(output) else None
                if _flows(output):
                    call.shape, call.order = tuple(output.shape), self.order
                    self.now.outputs[path] = output.clone()  # a sum in place may follow

        self.handles.append(part.register_forward_pre_hook(begin, with_kwargs=True))
        self.handles.append(part.register_forward_hook(end))

    def attended(
        self,
        module: nn.Module,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        output: torch.Tensor,
    ) -> None:
        """Keep an attention that the running layer computes."""
        if self.now is not None:
            path = next((p for p, c in self.now.calls.items() if c.module is module), None)
            if path is not None:
                self.now.attended.append(Attended(path, query, key, value, edge_of(output)))


def _flows(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.requires_grad


def record(model: PreTrainedModel) -> Recorder:
    """One pass of the model."""
    recorder = Recorder(model)
    try:
        with listening(recorder.attended), torch.enable_grad():
            model(**inputs_of(model))
    finally:
        for handle in recorder.handles:
            handle.remove()
    return recorder
