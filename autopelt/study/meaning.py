"""What a word is that was given where something else is wanted, and the command that takes it.

``autopelt rte``, ``--task reviews.csv``, ``show demo-minilm-1pct``: the error names what it is.
"""

import os
import re
from pathlib import Path

from autopelt.architecture.seeds import is_seed
from autopelt.errors import command, nearest
from autopelt.methods import METHODS
from autopelt.space.space import shipped_spaces
from autopelt.study.config import CONFIG, RECORD, STUDIES
from autopelt.system.files import expanded
from autopelt.tasks import TASKS

_ADDRESS = re.compile(r"(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/(datasets/)?([^?#]+?)/*")
_ANY_ADDRESS = re.compile(r"[a-z]+://.+", re.IGNORECASE)


def meaning(word: str) -> str:
    """What a word is, in a sentence with the command that takes it; "" where nothing is known."""
    try:
        return _meaning(word)
    except (OSError, ValueError):  # no system takes it for a name: it is too long, or has NUL
        return ""


def _meaning(word: str) -> str:
    from autopelt.data.encoding import ending  # readers take a while to import
    from autopelt.data.user_files import READERS, TAGGED

    lower, path = word.lower(), expanded(word)
    if found := _ADDRESS.fullmatch(word):
        name = "/".join(found[2].split("/")[:2])
        given = command("search", **({"train": name} if found[1] else {"model": name}))
        return f"on the Hub that is '{name}': {given}"
    if _ANY_ADDRESS.fullmatch(word):
        return "nothing is read from an address: give a file, or a name on the Hub (owner/name)."
    if study := _study(word):
        return f"'{study}' is a study: {command('status', study)}"
    if lower in TASKS:
        return f"'{lower}' is a task: {command('search', task=lower)}"
    if lower == "minilm":
        return f"'{lower}' is a model: {command('search', task='demo', model=lower)}"
    if is_seed(lower):
        return f"'{lower}' is an architecture: {command('show', lower)}"
    if lower in shipped_spaces():
        return f"'{lower}' is a search space: {command('search', task='demo', space=lower)}"
    if lower in METHODS:
        return f"'{lower}' is a method: {command('list', 'architectures')}"
    if (path / RECORD).is_file():
        return f"'{word}' is a trained model: {command('evaluate', word)}"
    if (path / "config.json").is_file():
        return f"'{word}' is a model: {command('search', task='demo', model=word)}"
    if path.is_file() and ending(path) in (*READERS, *TAGGED, ".json"):
        return f"'{word}' is a file of examples: {command('search', train=word)}"
    if not path.exists() and ending(path) in (*READERS, *TAGGED):
        return f"there is no file '{word}'; one of examples goes: {command('search', train=word)}"
    if path.is_file() and path.suffix in (".yaml", ".yml"):
        return f"'{word}' is a file; what it holds says: {command('validate', word)}"
    if study := _near(word):
        return f"did you mean study {study}? {command('status', study)}"
    return ""


def studies_in(folder: Path) -> str:
    """The newest studies that a folder holds, in a sentence; without any, how to start one."""
    found = [path.parent for path in folder.glob(f"*/{CONFIG}")]
    if not found:
        return f"start one: {command('search', task='demo')}"
    newest = sorted(found, key=lambda path: -path.stat().st_mtime)[:5]
    return f"it holds {', '.join(map(str, newest))}{' and more' if len(found) > 5 else ''}."


def meant_study(word: str | Path) -> Path | None:
    """The study that is meant by its name alone, by something within it, or by one of its trials.

    Also the nearest one in ``reports/``, where the name is nearly one.
    """
    return _study(str(word)) or _near(str(word))


def _study(word: str) -> Path | None:
    path, name = Path(word), _name(word)
    if not word:
        return None
    for place in (path, Path(word.rpartition(":")[0]), *list(path.parents)[:2]):
        if place != Path() and _is_study(place):
            return place
    return STUDIES / name if name and _is_study(STUDIES / name) else None


def _is_study(place: Path) -> bool:
    """False as well for what no system takes for a name, which Path.is_file raises OSError of."""
    return os.path.isfile(place / CONFIG)


def _near(word: str) -> Path | None:
    known = [p.parent.name for p in STUDIES.glob(f"*/{CONFIG}")] if STUDIES.is_dir() else []
    close = nearest(_name(word), known, cutoff=0.8) if len(_name(word)) > SHORT else None
    return None if close is None else STUDIES / close


def _name(word: str) -> str:
    return word.partition(":")[0].removeprefix(f"{STUDIES}/").strip("/")


SHORT = 3
"""Letters of names that are near to anything."""
