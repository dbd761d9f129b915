"""The text of a file: unpacked, decoded, cut into lines."""

from __future__ import annotations

import codecs
from pathlib import Path

from autopelt.errors import UnavailableError, UsageError, did_you_mean, parameter
from autopelt.system.files import refuse_devices

MOST_CHARACTERS = 1_000_000
"""A line longer than this is a broken file, not a text."""

PACKED = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
"""Ending of a packed file -> what pyarrow calls its format."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_USUAL = "cp1252"
_KNOWN = (
    *(_USUAL, "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp874"),
    *("shift_jis", "euc_jp", "gb18030", "big5", "euc_kr", "koi8_r", "utf_16_le", "utf_16_be"),
)
"""Encodings that a file without a mark may have, beside UTF-8."""

_POINTER = "version https://git-lfs.github.com/spec/"

_ENOUGH = 100_000
"""Bytes of lines that are not ASCII by which an encoding is guessed."""


def ending(path: Path) -> str:
    """The ending that tells the format, in small letters: ``.csv`` of ``a.csv.gz``."""
    name = Path(path.name.removesuffix(path.suffix)) if path.suffix.lower() in PACKED else path
    return name.suffix.lower()


def read_bytes(path: Path) -> bytes:
    """What is in a file, unpacked. Raises UnavailableError where it cannot be read or is empty."""
    try:
        refuse_devices(path)
        if path.suffix.lower() in PACKED:
            raw = _unpacked(path)
        else:
            raw = path.read_bytes()
    except OSError as error:
        raise UnavailableError(f"'{path}' cannot be read: {error.strerror or error}.") from None
    if not raw.strip():
        raise UnavailableError(f"'{path}' is empty ({len(raw)} bytes).")
    return raw


def read_text(path: Path, notes: list[str], encoding: str = "") -> str:
    """The whole file as text; a byte order mark is dropped.

    Args:
        encoding: its name; empty: UTF-8, what a mark says, or else what charset-normalizer takes it
            for, which is noted.

    Raises:
        UsageError: there is no such encoding.
        UnavailableError: it cannot be opened, is empty, or is no text (with the line).
    """
    raw = read_bytes(path)
    said = _codec(encoding) if encoding else None
    codec = said or next((name for mark, name in _MARKS if raw.startswith(mark)), None)
    text = _decoded(path, raw, codec) if codec else _unmarked(path, raw, notes)
    if "\0" in text:
        raise _no_text(path, text.count("\n", 0, text.index("\0")) + 1)
    if text.startswith(_POINTER):
        raise UnavailableError(f"'{path}' is a pointer of Git LFS, not the file: git lfs pull.")
    if "\n" not in text:
        text = text.replace("\r", "\n")
    return text.removeprefix("\ufeff")


def read_lines(path: Path, notes: list[str], encoding: str = "") -> list[str]:
    """Lines without their ends. Only a line feed ends a line. Raises as `read_text`."""
    lines = [line.removesuffix("\r") for line in read_text(path, notes, encoding).split("\n")]
    if lines and not lines[-1]:
        lines.pop()
    for number, line in enumerate(lines, 1):
        if len(line) > MOST_CHARACTERS:
            raise UnavailableError(
                f"'{path}' line {number} has {len(line)} characters, more than {MOST_CHARACTERS}; "
                "that is no text. Remove the line."
            )
    return lines


def _unpacked(path: Path) -> bytes:
    import pyarrow as pa  # type: ignore[import-untyped]

    path.stat()  # names what is wrong as the system does
    try:
        with pa.input_stream(str(path), compression=PACKED[path.suffix.lower()]) as stream:
            unpacked: bytes = stream.read()
            return unpacked
    except (OSError, pa.ArrowException) as error:
        first = str(error).split("\n", 1)[0]
        raise UnavailableError(f"'{path}' cannot be unpacked: {first}") from None


def _codec(encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        names = ("utf-8", "utf-16", *_KNOWN)
        raise UsageError(
            f"{parameter('encoding', encoding)}: {did_you_mean(encoding, names)}"
        ) from None


def _decoded(path: Path, raw: bytes, encoding: str) -> str:
    try:
        return raw.decode(encoding)
    except (UnicodeError, LookupError) as error:
        line = raw.count(b"\n", 0, getattr(error, "start", 0)) + 1
        raise UnavailableError(f"'{path}' line {line} is not {encoding}: {error}.") from None


def _no_text(path: Path, line: int) -> UnavailableError:
    return UnavailableError(f"'{path}' line {line} has a NUL character; that is no text.")


def _unmarked(path: Path, raw: bytes, notes: list[str]) -> str:
    """UTF-8, or a guess. Raises UnavailableError where it is UTF-8 but for a few bytes."""
    try:
        if b"\0" not in raw:
            return raw.decode("utf-8")
        start = raw.index(b"\0")
    except UnicodeDecodeError as error:
        start = error.start
    line = raw.count(b"\n", 0, start) + 1
    where = f"byte 0x{raw[start]:02x} in line {line}"
    tolerant = raw.decode("utf-8", "replace")
    wrong, right = tolerant.count("\ufffd"), sum(c > "\x7f" for c in tolerant)
    if right > 2 * wrong > 0:  # `right` counts the replacements too
        raise UnavailableError(f"'{path}' is UTF-8, but for {where}; mend or remove that line.")
    guessed = _guessed(raw)
    if guessed is None and not raw[start]:
        raise _no_text(path, line)
    if guessed is None:
        raise UnavailableError(
            f"'{path}' is not UTF-8 ({where}), and no other encoding fits; say which it has with "
            f"{parameter('encoding')}."
        )
    text = _decoded(path, raw, guessed)
    if not raw[start] and 2 * text.count("\n") < raw.count(b"\n"):  # no pairs of bytes
        raise _no_text(path, line)
    if text == raw.decode(_USUAL, "ignore"):
        guessed = _USUAL
    word = next((w for w in text.split() if not w.isascii()), "")
    shown = f" (for example '{word[:30]}')" if word else ""
    notes.append(
        f"'{path.name}' is not UTF-8; it is read as {guessed}{shown}. If that is wrong, name "
        "another encoding."
    )
    return text


def _guessed(raw: bytes) -> str | None:
    """What charset-normalizer takes it for; of equals the usual one."""
    from charset_normalizer import from_bytes

    sample = raw[:_ENOUGH]
    if b"\0" not in sample:
        lines = (line for line in raw.split(b"\n") if not line.isascii())
        odd, size = [], 0
        for line in lines:
            odd.append(line)
            size += len(line)
            if size > _ENOUGH:
                break
        sample = b"\n".join(odd)
    found = list(from_bytes(sample, cp_isolation=list(_KNOWN)))
    if not found:
        return None
    best = found[0]
    equal = {
        match.encoding
        for match in found
        if match.chaos - best.chaos < 0.05 and best.coherence - match.coherence < 0.05
    }
    return _USUAL if _USUAL in equal else best.encoding
