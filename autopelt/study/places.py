"""Where the files of a study's configuration lie, also when study and files were moved together.

A configuration has absolute paths, so that it holds in every working directory. A study also knows
the folder that it had then: where a path is gone, the same way from the study's folder of now leads
to the file, if there is one. What a study knows of it (weights, text, score) must be the same; of
examples this is checked where they are read.
"""

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from autopelt.errors import UnavailableError
from autopelt.study.config import CONFIG, StudyConfig
from autopelt.study.facts import StudyFacts

_FIELDS = ("model", "data", "general_text", "own_methods", "warm_start")

Change = Callable[[str, str], str]
"""Is given the key of a place and its path; gives the path to write."""


def here(folder: Path) -> tuple[str, ...]:
    """How a folder is called now: as it is given, and without links."""
    return tuple(dict.fromkeys((os.path.abspath(folder), os.path.realpath(folder))))


def placed(config: StudyConfig, change: Change) -> StudyConfig:
    """The configuration with each absolute path changed."""
    written = {name: getattr(config, name) for name in _FIELDS}
    now = {
        name: change(name, path)
        for name, path in written.items()
        if path is not None and os.path.isabs(path)
    }
    now["task"] = config.task
    if "\n" in config.task:  # a text of the user's; tasks take a while to import
        from autopelt.tasks.places import with_places

        now["task"] = with_places(config.task, change)
    changed = {name: path for name, path in now.items() if path != getattr(config, name)}
    return config.model_copy(update=changed) if changed else config


def places_of(config: StudyConfig) -> dict[str, str]:
    """Key -> absolute path, of all that a configuration names by path."""
    found: dict[str, str] = {}

    def keep(key: str, path: str) -> str:
        found[key] = path
        return path

    placed(config, keep)
    return found


def found_again(config: StudyConfig, facts: StudyFacts, folder: Path) -> StudyConfig:
    """The configuration with the places of now; what is not found, or is another, stays as it is.

    Args:
        folder: of the study now.
    """

    return placed(config, lambda key, path: place_now(key, path, facts, folder))


def place_now(key: str, path: str, facts: StudyFacts, folder: Path) -> str:
    """Where a file is now; where it was, if that is not known for sure."""
    if Path(path).exists():
        return path
    found = [p for p in candidates(path, facts.folders, folder) if _same(key, p, facts)]
    return found[0] if len(found) == 1 else path


def candidates(path: str, before: Sequence[str], folder: Path) -> list[str]:
    """What lies where a path led to from any of the folders that a study had before."""
    found = dict.fromkeys(
        os.path.normpath(os.path.join(now, os.path.relpath(path, then)))
        for then in before
        for now in here(folder)
    )
    real = {os.path.realpath(p): p for p in found if Path(p).exists()}
    return list(real.values())


def _same(key: str, path: str, facts: StudyFacts) -> bool:
    """Whether it is what the study was made with, as far as the study knows."""
    if key == "model":
        from autopelt.backbones.identity import weights_of_folder

        return facts.backbone.weights in ("", weights_of_folder(Path(path)))
    if key == "general_text":
        from autopelt.data.general_text import general_text, text_hash

        return facts.task.general_text in ("", text_hash(general_text(path)))
    if key == "score":
        known = facts.task.score_hash
        return known in ("", hashlib.sha256(Path(path).read_bytes()).hexdigest())
    return True


def require_places(
    config: StudyConfig, facts: StudyFacts, folder: Path, other: Sequence[str] = ()
) -> None:
    """Refuse to go on without a file that a study needs.

    Args:
        folder: of the study.
        other: keys that the user gives another place of.

    Raises:
        UnavailableError: names what is gone and how to say where it is.
    """
    for key, path in places_of(config).items():
        if key == "warm_start" or key in other or Path(path).exists():
            continue
        found = candidates(path, facts.folders, folder)
        looked = ", ".join(f"'{p}'" for p in found)
        why = "is gone"
        if len(found) > 1:
            why += f", and may be any of {looked}"
        elif found:
            why += f", and {looked} is another one"
        raise UnavailableError(
            f"{key} '{path}' of study '{folder}' {why}; put it back, or write its new place as "
            f"'{key}' into {folder / CONFIG}."
        )
