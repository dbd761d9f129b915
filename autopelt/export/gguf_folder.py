"""A merged folder that llama.cpp's ``convert_hf_to_gguf.py`` reads.

It looks for ``architectures`` in config.json, for weights in safetensors under the names that
transformers gives them, and for the tokenizer as it was published: transformers writes tokenizers
and configurations anew in its own way, so those files are copied from the backbone.
"""

from __future__ import annotations

import gc
import json
import shutil
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers.utils.hub import cached_file

from autopelt.backbones.head import HEADS
from autopelt.backbones.quiet import quiet
from autopelt.backbones.source import ModelSource, resolve
from autopelt.errors import UnavailableError, UsageError, parameter
from autopelt.export.merged_folder import merge
from autopelt.export.trained import Trained, load_trained
from autopelt.system.files import write_text

_HEADS = ("causal_lm", "seq2seq", "none")
"""The task heads that gguf has: language models, and embeddings."""

_TOKENIZER = (
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "spiece.model",
    "sentencepiece.bpe.model",
    "chat_template.jinja",
    "chat_template.json",
)
"""Files of a published tokenizer; each model has some of them."""

_TEXT = "What was merged answers as what was trained."


def write(trained: Trained, out: Path, model: str | None) -> None:
    """Merge, save, copy the tokenizer, and load what was written in plain transformers.

    Raises:
        UsageError: a task head that gguf does not have; a module that cannot be merged.
        UnavailableError: what was written is not loaded as what was trained.
    """
    if trained.head not in _HEADS:
        raise UsageError(
            f"cannot export to gguf-ready: gguf has no {trained.head.replace('_', ' ')} head, only "
            f"language models and embeddings; use {parameter('to', 'merged')}."
        )
    made, tokenizer = load_trained(trained, model)
    ids = torch.tensor([tokenizer(_TEXT)["input_ids"]])
    expected = _outputs(made, ids)
    merge(made)
    with quiet():
        made.save_pretrained(out)
    name = type(made).__name__
    del made
    gc.collect()  # the model that is loaded to compare with takes as much again
    source = resolve(model or trained.model)
    _as_published(source, out, name)
    _with_template(out, tokenizer)
    _compare(out, trained.head, ids, expected)


def _as_published(source: ModelSource, out: Path, architecture: str) -> None:
    """The backbone's own configuration and tokenizer, told which class was saved in float32."""
    for name in _TOKENIZER:
        path = _file(source, name)
        if path is not None:
            shutil.copyfile(path, out / name)
    path = _file(source, "config.json")
    assert path is not None
    config = json.loads(path.read_text(encoding="utf-8"))
    config.pop("auto_map", None)  # code, which is not copied
    config["architectures"] = [architecture]
    config["torch_dtype" if "torch_dtype" in config else "dtype"] = "float32"
    write_text(out / "config.json", json.dumps(config, indent=2, ensure_ascii=False) + "\n")


def _with_template(out: Path, tokenizer: Any) -> None:
    """Write a chat template that is not the published one, wherever a template is looked for."""
    plain = transformers.AutoTokenizer.from_pretrained(out, local_files_only=True)
    template = getattr(tokenizer, "chat_template", None)
    if not isinstance(template, str) or plain.chat_template == template:
        return
    write_text(out / "chat_template.jinja", template)
    (out / "chat_template.json").unlink(missing_ok=True)
    settings = out / "tokenizer_config.json"
    if settings.is_file():
        values = json.loads(settings.read_text(encoding="utf-8"))
        if values.pop("chat_template", None) is not None:
            write_text(settings, json.dumps(values, indent=2, ensure_ascii=False) + "\n")


def _file(source: ModelSource, name: str) -> Path | None:
    """A file as the backbone was published with it, None where it was not."""
    found = cached_file(
        source.path_or_name,
        name,
        revision=source.revision,
        local_files_only=source.kind != "hub",
        _raise_exceptions_for_gated_repo=False,
        _raise_exceptions_for_missing_entries=False,
        _raise_exceptions_for_connection_errors=False,
    )
    return None if found is None else Path(found)


@torch.no_grad()
def _outputs(model: Any, ids: torch.Tensor) -> torch.Tensor:
    """Logits, or the states of a model without a head, of one text."""
    more = {"decoder_input_ids": ids} if model.config.is_encoder_decoder else {}
    values: torch.Tensor = model(input_ids=ids, **more)[0]
    return values


def _compare(out: Path, head: str, ids: torch.Tensor, expected: torch.Tensor) -> None:
    auto = getattr(transformers, HEADS[head])
    with quiet():
        plain = auto.from_pretrained(out, local_files_only=True).eval()
        tokens = transformers.AutoTokenizer.from_pretrained(out, local_files_only=True)(_TEXT)
    found = _outputs(plain, ids)
    if tokens["input_ids"] != ids[0].tolist() or found.shape != expected.shape:
        raise UnavailableError(
            "what was merged has another tokenizer in plain transformers than what was trained; "
            f"use {parameter('to', 'merged')}."
        )
    away = (found - expected).abs().max().item() / max(1.0, expected.abs().max().item())
    if not away < 1e-3:
        raise UnavailableError(
            "what was merged answers otherwise in plain transformers than what was trained (by "
            f"{away:.2g} of its outputs); use {parameter('to', 'autopelt')}."
        )
