"""What a module is in `peft`: its forms, of which an export takes the first that fits all modules.

A folder of peft holds one type of adapter, with settings that all its targets share and, for some,
patterns of settings that differ from target to target. A method yields its forms from
`Pelt.peft_forms`, its own type first: MiSS is MISS where all ranks are equal, and LORA where it
must stand beside others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import torch
from torch import nn
from torch.nn import functional
from transformers.pytorch_utils import Conv1D
from typing_extensions import override

from autopelt.backbones.backbone import Linear
from autopelt.backbones.quantised import weight_of

SAVED = ""
"""The type of a form that fits into a folder of any type: the target is saved whole."""

_ALPHA = "lora_alpha"


class NotInPeftError(Exception):
    """Why peft cannot hold a module, as it goes on after ``lora at 3/ffn.in``."""


@dataclass(frozen=True)
class PeftForm:
    """One module as peft holds it.

    Attributes:
        peft_type: peft's name of the type (``LORA``); `SAVED` where the target is saved whole.
        target: the module of the model that peft wraps; None: what is at the model's inputs.
        tensors: by their names in peft behind the target's path (``lora_A.weight``).
        config: settings of the configuration; modules that differ in them need two folders.
        own: settings that may differ from target to target, for which peft has a pattern (``r``).
        lists: further lists of names where the target stands (``feedforward_modules``).
        shared: tensors of all targets, by their names in peft (``vera_A``).
        tasks: peft's types of tasks in which it is the same; empty: in all.
        more: the same on further targets, of a module that sits on several.
    """

    peft_type: str
    target: nn.Module | None
    tensors: Mapping[str, torch.Tensor]
    config: Mapping[str, Any] = field(default_factory=dict)
    own: Mapping[str, Any] = field(default_factory=dict)
    lists: tuple[str, ...] = ()
    shared: Mapping[str, torch.Tensor] = field(default_factory=dict)
    tasks: tuple[str, ...] = ()
    more: tuple[PeftForm, ...] = ()

    @property
    def kind(self) -> tuple[Any, ...]:
        """What all modules of a folder must have in common."""
        return (self.peft_type, *sorted(self.config.items()))

    def joined(self, others: Sequence[Self]) -> PeftForm:
        """This form and others on the same target as one, where that is exact.

        Raises:
            NotInPeftError: it is not.
        """
        raise NotInPeftError("sits where another module sits, and peft takes one at a place")

    def among(self, forms: Sequence[PeftForm]) -> PeftForm:
        """This form in a folder with all of `forms`, where peft has settings that all share."""
        return self


@dataclass(frozen=True)
class VectorForm(PeftForm):
    """One vector that multiplies a target's activations (IA3); several multiply one another."""

    @override
    def joined(self, others: Sequence[Self]) -> PeftForm:
        ((name, vector),) = self.tensors.items()
        if any(form.lists != self.lists for form in others):
            return super().joined(others)
        for form in others:
            vector = vector * form.tensors[name]
        return replace(self, tensors={name: vector})


@dataclass(frozen=True)
class LowRankForm(PeftForm):
    """Two maps A (r, in) and B (out, r) on a whole linear map; several on one map are one.

    Attributes:
        rows: the outputs that it changes.
        one_rank: peft has one rank for all targets of the type.
        plain_norms: with a magnitude (DoRA): norms (out,) of the rows of W without any of them.
    """

    rows: range = range(0)
    one_rank: bool = False
    plain_norms: torch.Tensor | None = None

    @override
    def joined(self, others: Sequence[Self]) -> PeftForm:
        """A is stacked by rows and B by columns; scales that differ are folded into B."""
        forms = [self, *others]
        a, b = list(self.tensors)[:2]
        scales = [form.own.get(_ALPHA, form.own["r"]) / form.own["r"] for form in forms]
        same = len(set(scales)) == 1
        ups = [
            form.tensors[b] * (1.0 if same else scale)
            for form, scale in zip(forms, scales, strict=True)
        ]
        rank = sum(form.own["r"] for form in forms)
        tensors = {
            a: torch.cat([form.tensors[a] for form in forms]),
            b: torch.cat(ups, dim=1),
        }
        for name in list(self.tensors)[2:]:
            tensors[name] = self._magnitudes([form.tensors[name] for form in forms], forms)
        own = {"r": rank}
        if _ALPHA in self.own:
            own[_ALPHA] = number(rank * scales[0]) if same else rank
        return replace(self, tensors=tensors, own=own)

    @override
    def among(self, forms: Sequence[PeftForm]) -> PeftForm:
        """Of `one_rank`: with rows of A and columns of B that are zero, up to the largest rank.

        Others of one scale, alpha / r, that whole numbers can say: programs that read neither
        pattern scale all targets alike, and take each at the rank that its tensors have. Where
        scales differ, they are folded into B.
        """
        if not self.one_rank:
            alike = [form for form in forms if form.peft_type == self.peft_type]
            return self if _one_scale(alike) else self._unscaled()
        rank = max(form.own["r"] for form in forms if form.peft_type == self.peft_type)
        (a, down), (b, up) = self.tensors.items()
        more = rank - self.own["r"]
        tensors = {
            a: functional.pad(down, (0, 0, 0, more)),
            b: functional.pad(up, (0, more)),
        }
        return replace(self, tensors=tensors, own={"r": rank})

    def _unscaled(self) -> PeftForm:
        """The same with a scale of 1."""
        if _ALPHA not in self.own:
            return self
        rank = self.own["r"]
        up = list(self.tensors)[1]
        scaled = self.tensors[up] * (self.own[_ALPHA] / rank)
        return replace(self, tensors={**self.tensors, up: scaled}, own={**self.own, _ALPHA: rank})

    def _magnitudes(self, each: list[torch.Tensor], forms: Sequence[LowRankForm]) -> torch.Tensor:
        """Each form's own rows of its magnitudes, and norms of W elsewhere."""
        rows = [row for form in forms for row in form.rows]
        if len(set(rows)) < len(rows):
            raise NotInPeftError("shares its outputs with another one, and a magnitude is no sum")
        assert self.plain_norms is not None
        whole = self.plain_norms.clone()
        for form, magnitudes in zip(forms, each, strict=True):
            whole[form.rows.start : form.rows.stop] = magnitudes[form.rows.start : form.rows.stop]
        return whole


@torch.no_grad()
def low_rank_form(
    site: Linear,
    down: torch.Tensor,
    up: torch.Tensor,
    alpha: float,
    magnitude: torch.Tensor | None = None,
) -> LowRankForm:
    """LoRA, or with magnitudes DoRA, of a slice's A (r, in), B (out of the slice, r).

    Of a fused map B is zero for the outputs of the other slices, and a magnitude the norm of W.

    Args:
        alpha: the scale is alpha / r.
        magnitude: (out of the slice,), in place of the norms of the rows of W + alpha / r · B A.
    """
    rows = range(site.start, site.start + site.out_features)
    rank = len(down)
    tensors = {
        "lora_A.weight": down,
        "lora_B.weight": in_whole_map(site, up),
    }
    norms = None
    if magnitude is not None:
        norms = weight(site).norm(dim=1)
        tensors["lora_magnitude_vector"] = torch.cat(
            [norms[: rows.start], magnitude.flatten(), norms[rows.stop :]]
        )
    config = {
        "use_dora": magnitude is not None,
        "use_rslora": False,
        "fan_in_fan_out": transposed(site.module),
        "bias": "none",
        "lora_dropout": 0.0,
    }
    own = {"r": rank, _ALPHA: number(alpha)}
    return LowRankForm("LORA", site.module, tensors, config, own, rows=rows, plain_norms=norms)


def lora_forms(
    site: Linear, down: torch.Tensor, up: torch.Tensor, alpha: float
) -> Iterator[PeftForm]:
    """LoRA, and what it is beside DoRAs: a DoRA whose magnitudes are the norms that its rows have.

    Arguments as of `low_rank_form`; of rank 0 where all was pruned.
    """
    if not len(down):  # peft knows no rank 0
        down, up, alpha = down.new_zeros(1, site.in_features), up.new_zeros(len(up), 1), 1
    yield low_rank_form(site, down, up, alpha)
    with torch.no_grad():
        rows = slice(site.start, site.start + site.out_features)
        norms = (weight(site)[rows] + alpha / len(down) * (up @ down)).norm(dim=1)
    yield low_rank_form(site, down, up, alpha, norms)


def _one_scale(forms: Sequence[PeftForm]) -> bool:
    """Whether all have one scale, of whole numbers."""
    alphas = [form.own[_ALPHA] for form in forms if _ALPHA in form.own]
    scales = {form.own[_ALPHA] / form.own["r"] for form in forms if _ALPHA in form.own}
    return len(scales) <= 1 and all(float(alpha).is_integer() for alpha in alphas)


def transposed(module: nn.Module) -> bool:
    """Whether a linear map keeps its weight as (in, out): what peft calls fan_in_fan_out."""
    return isinstance(module, Conv1D)


def weight(site: Linear) -> torch.Tensor:
    """The weight (out, in) of the whole map."""
    return weight_of(site.module)


def outputs(site: Linear) -> int:
    """Outputs of the whole map."""
    return len(weight(site))


def in_whole_map(site: Linear, up: torch.Tensor) -> torch.Tensor:
    """B (out of the slice, r) as (out, r) of the whole map, zero beside the slice."""
    after = outputs(site) - site.start - site.out_features
    return functional.pad(up, (0, 0, site.start, after))


def is_whole(site: Linear) -> bool:
    """Whether a place is a map, not a part of one."""
    return site.out_features == outputs(site)


def require_whole(site: Linear) -> None:
    """Check that a place is a map, not a part of one.

    Raises:
        NotInPeftError: it is a slice of a fused map.
    """
    if not is_whole(site):
        raise NotInPeftError(
            f"is on {site.out_features} of the {outputs(site)} outputs of a fused map, and peft "
            "takes whole maps only"
        )


def number(value: float) -> float:
    """A whole number as one: peft writes most settings so."""
    return int(value) if float(value).is_integer() else value
