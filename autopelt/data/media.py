"""Pictures and sounds: a folder of class folders as a table, and what is in a file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from autopelt.data.readers import FOUND_OUT, Format, Table
from autopelt.errors import UnavailableError

ENDINGS = {
    "image": (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"),
    "audio": (".wav", ".flac", ".ogg", ".mp3"),
}
"""Endings of pictures and of sounds, by the column that has their paths."""

WORDS = {"image": "picture", "audio": "sound"}

_PACKAGES = {"image": "PIL", "audio": "soundfile"}
"""What reads them, by the extra that has it."""


def medium(name: str) -> str | None:
    """``image`` or ``audio`` by the ending of a file's name, else None."""
    last = Path(name).suffix.lower()
    return next((kind for kind, endings in ENDINGS.items() if last in endings), None)


def read_folder(paths: Sequence[Path], notes: list[str], form: Format = FOUND_OUT) -> Table:
    """A folder with a folder of files for each class; or of files alone, without labels.

    Raises:
        UnavailableError: there are none, or some are something else.
    """
    (folder,) = paths
    inside = _visible(folder)
    classes = [path for path in inside if path.is_dir()]
    files = [path for path in inside if not path.is_dir()]
    if classes and files:
        raise UnavailableError(
            f"'{folder}' has the file '{files[0].name}' beside folders; a folder to learn from has "
            "a folder of files for each class and nothing else."
        )
    labels: list[str] = []
    for found in classes:
        own = _visible(found)
        if not own:
            raise UnavailableError(f"'{found}' is empty; each class needs a file.")
        files += own
        labels += [found.name] * len(own)
    kinds = [medium(path.name) for path in files]
    if not files or kinds[0] is None or len(set(kinds)) > 1:
        raise _mixed(folder, files, kinds)
    columns: dict[str, list[Any]] = {kinds[0]: [str(path.relative_to(folder)) for path in files]}
    return Table(columns | ({"label": labels} if labels else {}), str(folder))


def read_one(paths: Sequence[Path], notes: list[str], form: Format = FOUND_OUT) -> Table:
    """One picture or sound."""
    (path,) = paths
    return Table({medium(path.name) or "": [path.name]}, str(path))


def _visible(folder: Path) -> list[Path]:
    """What is in a folder, in order, but what systems leave there."""
    return sorted(p for p in folder.iterdir() if p.name[0] != "." and p.name != "Thumbs.db")


def _mixed(folder: Path, files: Sequence[Path], kinds: Sequence[str | None]) -> UnavailableError:
    known = ", ".join(ending for endings in ENDINGS.values() for ending in endings)
    if not files:
        return UnavailableError(f"'{folder}' is a folder without files; known are {known}.")
    strange = next((f for f, kind in zip(files, kinds, strict=True) if kind is None), None)
    if strange is not None:
        return UnavailableError(
            f"'{strange}' is neither a picture nor a sound ({known}); a folder holds one of them "
            "alone."
        )
    other = next(f for f, kind in zip(files, kinds, strict=True) if kind != kinds[0])
    return UnavailableError(
        f"'{folder}' has pictures and sounds ('{files[0].name}', '{other.name}'); a task has one "
        "of them."
    )


# ---------------------------------------------------------------------- files
def require(kind: str) -> None:
    """Raises UnavailableError where what reads ``image`` or ``audio`` is not installed."""
    if find_spec(_PACKAGES[kind]) is None:
        raise UnavailableError(
            f"{WORDS[kind]}s need a package that is not installed; run: pip install "
            f"'autopelt[{kind}]'"
        )


def checked(kind: str, path: Path, where: str) -> str:
    """SHA-256 of a file that begins as one of its kind does.

    Args:
        where: that names it, for messages.

    Raises:
        UnavailableError: it is not there, or is something else.
    """
    require(kind)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnavailableError(
            f"{where}: '{path}' cannot be read: {error.strerror or error}."
        ) from None
    try:
        if kind == "image":
            from PIL import Image

            with Image.open(path) as opened:
                opened.verify()
        else:
            import soundfile  # type: ignore[import-untyped]

            soundfile.info(str(path))
    except Exception as error:  # the readers of the formats raise anything
        raise _broken(kind, path, error) from None
    return hashlib.sha256(content).hexdigest()


def picture(path: str) -> Any:
    """A picture in RGB, the right way up, as `datasets` decodes it."""
    from datasets import Image

    try:
        return Image(mode="RGB").decode_example({"path": path, "bytes": None})
    except Exception as error:
        raise _broken("image", path, error) from None


def sound(path: str, rate: int) -> Any:
    """A sound of one channel, float32, of shape (samples,), with `rate` samples a second.

    Audio of `datasets` decodes by torchcodec, which needs a build for each torch and FFmpeg; the
    formats of `ENDINGS` need soundfile alone.
    """
    import soundfile
    from scipy.signal import resample_poly

    try:
        samples, own = soundfile.read(path, dtype="float32", always_2d=True)
    except Exception as error:
        raise _broken("audio", path, error) from None
    mono = samples.mean(axis=1)
    return mono if own == rate else resample_poly(mono, rate, own).astype("float32")


def seconds(path: str) -> float:
    """How long a sound is."""
    import soundfile

    return float(soundfile.info(path).duration)


def _broken(kind: str, path: Path | str, error: Exception) -> UnavailableError:
    why = " ".join(str(error).split()) or type(error).__name__
    return UnavailableError(f"'{path}' is not a readable {WORDS[kind]}: {why[:200]}")
