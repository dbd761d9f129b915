"""The torch modules of `autopelt.methods.prompt`, where the formula stands."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from typing_extensions import override

from autopelt.backbones.backbone import PromptPlace
from autopelt.errors import UsageError, parameter
from autopelt.modules.base import Sites, zeros
from autopelt.modules.peft_forms import NotInPeftError, PeftForm
from autopelt.modules.pelt import Build, Pelt

_TABLES = ("wpe", "embed_positions")
"""Names of learned tables of positions in models whose prompt goes in as `inputs_embeds`."""


class PromptModule(Pelt):
    """Inserts rows.

    `inserted` is the number of rows that the running forward pass has put into its sequence,
    `place` (B, 1) where, `real` the 2-D mask of its tokens before that.
    """

    transient = ("inserted", "place", "real")
    inserted: int | None
    place: torch.Tensor | None
    real: torch.Tensor | None

    vectors: nn.Parameter | None

    def __init__(self, build: Build) -> None:
        super().__init__(build)
        self.width = build.shapes.hidden
        self.gate = build.gate
        self.generator_state = build.generator.get_state()
        self.vectors = zeros(build.spec.size, self.width)
        self.offset = 0
        self.by_inputs = False
        self.names: tuple[str, ...] = ()
        self.positions: int | None = None

    def rows(self) -> torch.Tensor:
        """The rows (n, d) as they are trained, before the gate."""
        assert self.vectors is not None
        return self.vectors

    @torch.no_grad()
    def start(self, site: PromptPlace) -> None:
        """Initialise from the backbone's embeddings, once it is known."""
        generator = torch.Generator().set_state(self.generator_state)
        ids = torch.randint(site.vocabulary, (self.spec.size,), generator=generator)
        self.rows().copy_(site.start(ids))

    @override
    def install(self, sites: Sites) -> None:
        site = sites.prompt()
        self.offset = site.offset
        self.by_inputs = site.at is None
        self.positions = _table_of_positions(site.host) if self.by_inputs else None
        self.names = tuple(inspect.signature(site.host.forward).parameters)
        self.handles.append(site.host.register_forward_pre_hook(self._enter, with_kwargs=True))
        if site.at is not None:
            self.handles.append(site.at.register_forward_hook(self._at_embeddings))
        self.handles.append(site.host.register_forward_hook(self._leave))
        width = site.start(torch.zeros(1, dtype=torch.long)).shape[-1]
        if width != self.width:
            raise UsageError(
                f"a {self.spec.method} cannot be used here: the embeddings are {width} wide, the "
                f"layers {self.width}."
            )
        self.start(site)

    @override
    def peft_forms(self, sites: Sites) -> Iterator[PeftForm]:
        """Peft puts rows before the first token, leaves them in, and takes them for tokens.

        So a classifier there reads other positions than here; a language model does not.
        """
        site = sites.prompt()
        if site.offset or site.at is not None:
            raise NotInPeftError("stands behind the first token, and in peft before it")
        size = {"num_virtual_tokens": self.spec.size, "token_dim": self.width}
        config = size | {"num_transformer_submodules": 1}
        rows = {"prompt_embeddings": self.rows().detach()}
        yield PeftForm("PROMPT_TUNING", None, rows, config, tasks=("CAUSAL_LM",))

    def gated_rows(self, tokens: torch.Tensor) -> torch.Tensor:
        """Rows for a batch: (B, n, d), from token embeddings (B, T, d)."""
        rows = self.rows().unsqueeze(0).to(tokens.dtype).expand(tokens.shape[0], -1, -1)
        if self.gate is None:
            return rows
        gate = self.gate(rows) if self.gate.mode == "token" else self.gate(tokens, self.real)
        return gate * rows

    def _enter(
        self, host: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        given = dict(zip(self.names, args, strict=False)) | kwargs
        tokens = given.get("input_ids")
        tokens = given.get("inputs_embeds") if tokens is None else tokens
        if tokens is None:
            return args, kwargs  # the model itself says what is missing
        mask, size = given.get("attention_mask"), self.spec.size
        if mask is not None and mask.dim() != 2:
            raise UsageError(
                f"a {self.spec.method} needs a 2-D attention mask (batch, tokens), not one with "
                f"{mask.dim()} dimensions; pass the tokenizer's mask and no static cache."
            )
        cache = given.get("past_key_values")
        past = 0 if cache is None else cache.get_seq_length()
        cached = past > 0
        batch, length = tokens.shape[:2]
        total = past + length + (0 if cached else size)
        if self.positions is not None and total > self.positions:
            raise UsageError(
                f"{self.spec.method} {size} and {total - size} tokens do not fit into the model's "
                f"{self.positions} positions; use "
                f"{parameter('max_length', max(1, self.positions - size))} or fewer rows."
            )
        if mask is None:
            before = past - size if cached else 0
            mask = torch.ones(batch, before + length, dtype=torch.long, device=tokens.device)
        self.real = mask
        # Rows stand behind the padding of a left-padded text, so that the distance between them and
        # the tokens is the same with and without padding.
        padding = (mask.cumsum(1) == 0).sum(1, keepdim=True)
        self.place = padding + self.offset
        given["attention_mask"] = insert(mask, mask.new_ones(batch, size), self.place)
        self.inserted = 0 if cached else size
        if self.by_inputs:
            positions = given.get("position_ids")
            if positions is not None:
                given["position_ids"] = positions = positions + size
            if not cached:
                self._embed(host, given)
                if positions is not None:
                    rows = torch.arange(size, device=positions.device).expand(batch, -1)
                    positions = positions.expand(batch, -1)
                    given["position_ids"] = insert(positions, rows, self.place)
        return (), given

    def _embed(self, host: nn.Module, given: dict[str, Any]) -> None:
        """Replace token ids by their embeddings with the rows among them."""
        assert self.place is not None
        embeddings = given.get("inputs_embeds")
        if embeddings is None:
            embeddings = host.get_input_embeddings()(given.pop("input_ids"))  # type: ignore[operator]  # a PreTrainedModel
        given["inputs_embeds"] = insert(embeddings, self.gated_rows(embeddings), self.place)
        types = given.get("token_type_ids")
        if types is not None:
            rows = types.new_zeros(types.shape[0], self.spec.size)
            given["token_type_ids"] = insert(types, rows, self.place)

    def _at_embeddings(self, module: nn.Module, args: Any, output: torch.Tensor) -> torch.Tensor:
        if not self.inserted:
            return output
        assert self.place is not None
        return insert(output, self.gated_rows(output), self.place)

    def _leave(self, host: nn.Module, args: Any, output: Any) -> Any:
        count, place = self.inserted, self.place
        self.inserted = self.real = self.place = None
        if not count or place is None:
            return output
        if isinstance(output, tuple):
            return tuple(_stripped(value, count, place) for value in output)
        for name in tuple(output.keys()):
            output[name] = _stripped(output[name], count, place)
        return output


def _table_of_positions(host: nn.Module) -> int | None:
    """How many positions a host has learned, None where it computes them."""
    for name, part in host.named_modules():
        if isinstance(part, nn.Embedding) and name.rpartition(".")[2] in _TABLES:
            return part.num_embeddings - int(getattr(part, "offset", 0))
    return None


def insert(sequence: torch.Tensor, rows: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
    """Rows (B, n, …) into sequences (B, T, …), in front of the positions `place` (B, 1)."""
    size, length = rows.shape[1], sequence.shape[1]
    slot = torch.arange(length + size, device=sequence.device)
    source = torch.where(slot < place, slot + size, slot)
    source = torch.where((slot >= place) & (slot < place + size), slot - place, source)
    both = torch.cat([rows, sequence], dim=1)
    if both.dim() == 3:
        return both.gather(1, source.unsqueeze(-1).expand(-1, -1, both.shape[-1]))
    return both.gather(1, source)


def _stripped(value: Any, count: int, place: torch.Tensor) -> Any:
    """Take the rows out of states (B, T, d) and of the queries of attention (B, H, T, T)."""
    if isinstance(value, tuple):
        return tuple(_stripped(item, count, place) for item in value)
    if not isinstance(value, torch.Tensor) or value.dim() not in (3, 4):
        return value
    axis = value.dim() - 2
    slot = torch.arange(value.shape[axis] - count, device=value.device)
    source = torch.where(slot < place, slot, slot + count).unsqueeze(-1)
    if axis == 2:
        source = source.unsqueeze(1)
    shape = list(value.shape)
    shape[axis] = slot.numel()
    return value.gather(axis, source.expand(shape))
