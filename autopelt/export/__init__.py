"""Hand a trained architecture on: to autopelt, `adapters`, `peft`, or as a plain model folder."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from autopelt.errors import UsageError, did_you_mean, parameter
from autopelt.export import adapters_folder, autopelt_folder, merged_folder, peft_folder
from autopelt.export.trained import Trained, find_trained, load_exported, load_trained

__all__ = ["TARGETS", "Trained", "export", "find_trained", "load_exported", "load_trained"]

TARGETS: Mapping[str, Callable[[Trained, Path, str | None], None]] = {
    "autopelt": autopelt_folder.write,
    "adapters": adapters_folder.write,
    "peft": peft_folder.write,
    "merged": merged_folder.write,
}
"""Each fills an empty folder: (what is exported, the folder, another place of the backbone)."""


OF_A_STUDY = ("csv", "parquet", "script")
"""What `autopelt.export.study` makes of a study, which is no trained architecture."""


def export(folder: str | Path, to: str, out: str | Path, model: str | None = None) -> Path:
    """Write a trained architecture in another format; the folder appears whole or not at all.

    Args:
        folder: a study, a folder of `autopelt train`, or an exported folder.
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
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"'{out}' is not an empty folder; give {parameter('out')} a new one.")
    trained = find_trained(folder)
    out.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    try:
        TARGETS[to](trained, made, model)
        made.chmod(0o755)
        if out.exists():
            out.rmdir()
        made.rename(out)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return out
