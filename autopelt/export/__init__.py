"""Hand a trained architecture on: to autopelt, `adapters`, `peft`, or as a plain model folder.

study: trials as tables, a training script; trained: what a trained folder is; autopelt_folder,
adapters_folder, peft_folder, merged_folder, gguf_folder: one file a target; sentence_folder: what
makes a merged one sentence-transformers'; vllm: what of a folder of peft vLLM loads.

To train elsewhere: chosen: which training; peft_settings: an architecture as a configuration of
peft; recipe: schedule and data of a decoder; trl_script, trl_data: for TRL; axolotl; llama_factory;
yaml_file: the head of their files.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path

from autopelt.architecture.architecture import Architecture
from autopelt.errors import UsageError, did_you_mean
from autopelt.export import (
    adapters_folder,
    autopelt_folder,
    gguf_folder,
    merged_folder,
    peft_folder,
    vllm,
)
from autopelt.export.trained import Trained, find_trained, load_exported, load_trained
from autopelt.study.lookup import choose_trial, split_study
from autopelt.study.storage import StudyStorage
from autopelt.system.files import check_new_folder, new_folder

__all__ = [
    "TARGETS",
    "Trained",
    "export",
    "find_trained",
    "load_exported",
    "load_trained",
    "next_step",
    "notes",
]

TARGETS: Mapping[str, Callable[[Trained, Path, str | None], None]] = {
    "autopelt": autopelt_folder.write,
    "adapters": adapters_folder.write,
    "peft": peft_folder.write,
    "merged": merged_folder.write,
    "gguf-ready": gguf_folder.write,
}
"""Each fills an empty folder: (what is exported, the folder, another place of the backbone)."""

_CHECKS: Mapping[str, Callable[[Architecture], None]] = {
    "peft": peft_folder.check,
    "merged": merged_folder.check,
    "gguf-ready": merged_folder.check,
}
"""Raise UsageError for what a target cannot hold, before weights are looked for."""

OF_A_STUDY = ("csv", "parquet", "script", "axolotl", "llama-factory")
"""What `autopelt.export.study` makes of a study, which is no trained architecture."""

_NOTES: Mapping[str, Callable[[Trained], list[str]]] = {
    "merged": merged_folder.notes,
    "gguf-ready": merged_folder.notes,
}


def notes(folder: str | Path, to: str) -> list[str]:
    """What a user must know of an export beside that it is done. Arguments as of `export`."""
    return _NOTES[to](find_trained(folder)) if to in _NOTES else []


def export(folder: str | Path, to: str, out: str | Path, model: str | None = None) -> Path:
    """Write a trained architecture in another format; the folder appears whole or not at all.

    Args:
        folder: a study, ``STUDY:TRIAL``, a folder of `autopelt train`, or an exported folder.
        to: a key of `TARGETS`.
        out: folder to make; it must not exist, or be empty.
        model: another place of the backbone that it was trained on.

    Returns:
        The folder that was made.

    Raises:
        UsageError: unknown target, `out` is in use, or the format cannot say what is attached.
        UnavailableError: nothing to export, or the backbone is not to be had.
    """
    if to not in TARGETS:
        allowed = [*TARGETS, *OF_A_STUDY]
        raise UsageError(f"unknown export target '{to}': {did_you_mean(to, allowed)}")
    place = split_study(str(folder))
    if place is not None and to in _CHECKS:
        _CHECKS[to](choose_trial(StudyStorage.open(place[0]).record(), place[1]).architecture)
    out = Path(out)
    check_new_folder(out)
    trained = find_trained(folder)
    with new_folder(out) as made:
        TARGETS[to](trained, made, model)
    return out


def next_step(to: str, made: Path) -> str | None:
    """What can be done with what was exported, in a sentence; None where the format says it all."""
    if to == "peft":
        return vllm.verdict(made, str(made.resolve()))
    return _RUNS[to].format(shlex.quote(str(made))) if to in _RUNS else None


_RUNS = {
    "script": "Run: python {}/train.py",
    "axolotl": "Run: axolotl train {}/axolotl.yaml",
    "llama-factory": "Run: llamafactory-cli train {}/llama_factory.yaml",
}
