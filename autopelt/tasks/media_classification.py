"""One picture or one sound, and a class for it.

Examples are paths until a batch is made: a file is decoded and prepared, by what the model was
pretrained with, each time that it is needed, so that memory does not bound how many there are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from autopelt.data import media
from autopelt.data.readers import Table
from autopelt.data.source import PLACE
from autopelt.errors import UnavailableError
from autopelt.system.files import expanded
from autopelt.tasks.classification import Classification
from autopelt.tasks.columns import class_names, find_column, in_words
from autopelt.tasks.padding import Batch

if TYPE_CHECKING:
    from datasets import Dataset

_USUAL = ("file_name", "filename", "path", "file")
"""Names of a column of paths, beside that of what is in the files."""

_LOOKED_AT = 20


class MediaClassification(Classification):
    """A raw example has ``content`` (the SHA-256 of its file), its path, and ``label``.

    So splits are cut by what is in the files: equal ones never stand on both sides.

    Attributes:
        medium: a key of `media.ENDINGS`, and the usual name of the column of paths.
    """

    medium: ClassVar[str]
    own_options: ClassVar[frozenset[str]] = Classification.own_options - {"text_pair"}

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self.columns = ("content",)

    @override
    @classmethod
    def raw(cls, table: Table, named: Mapping[str, str]) -> dict[str, list[Any]]:
        return cls.files(table, named) | {"label": class_names(table, named)}

    @override
    def unlabelled(self, table: Table, named: Mapping[str, str]) -> dict[str, list[Any]]:
        trained: Mapping[str, str] = getattr(self.origin, "named", {})  # of own data
        column = named.get("text") or trained.get("text", "")
        wanted = {"text": column if column in table or named.get("text") else ""}
        return self.files(table, wanted) | {"label": [0] * len(table)}

    @classmethod
    def files(cls, table: Table, named: Mapping[str, str]) -> dict[str, list[Any]]:
        """The files that a table names, each looked at. Raises UnavailableError."""
        column = find_column(table, named, "text", cls.medium, *_USUAL)
        root = Path(table.name)
        root = root if root.is_dir() else root.parent
        paths, contents = [], []
        for row, value in enumerate(table.column(column)):
            if not isinstance(value, str) or media.medium(value) != cls.medium:
                found = f"'{value[:60]}'" if isinstance(value, str) else in_words(value)
                raise UnavailableError(
                    f"{table.where(row)} has {found} in column '{column}', where a path of a "
                    f"{media.WORDS[cls.medium]} is needed ({', '.join(media.ENDINGS[cls.medium])})."
                )
            path = (root / expanded(value)).resolve()
            paths.append(str(path))
            contents.append(media.checked(cls.medium, path, table.where(row)))
        return {"content": contents, PLACE: paths}

    @override
    def check_texts(self, dataset: Dataset, part: str, notes: list[str]) -> None:
        pass  # files were looked at when they were found

    @override
    def encode_batch(
        self, batch: Mapping[str, list[Any]], tokenizer: Any, max_length: int
    ) -> dict[str, list[Any]]:
        lengths, full = self.lengths(batch[PLACE], tokenizer)
        return {
            "content": batch["content"],
            PLACE: batch[PLACE],
            "labels": batch["label"],
            "length": lengths,
            "full_length": full,
        }

    def lengths(self, paths: Sequence[str], processor: Any) -> tuple[list[int], list[int]]:
        """How much of each file the model is given, and how much there is."""
        return [1] * len(paths), [1] * len(paths)

    @override
    def notes(self, encoded: Dataset) -> list[str]:
        return []

    @override
    def collate(self, rows: Sequence[Mapping[str, Any]], tokenizer: Any) -> Batch:
        import torch

        labels = torch.tensor([row["labels"] for row in rows], dtype=torch.long)
        return {**self.prepared([row[PLACE] for row in rows], tokenizer), "labels": labels}

    def prepared(self, paths: Sequence[str], processor: Any) -> Batch:
        """What the model reads of some files."""
        raise NotImplementedError


class ImageClassification(MediaClassification):
    """A picture and its class."""

    kind: ClassVar[str] = "image_classification"
    medium: ClassVar[str] = "image"
    example: ClassVar[str] = "picture"
    head = "image_classification"

    @override
    def prepared(self, paths: Sequence[str], processor: Any) -> Batch:
        pictures = [media.picture(path) for path in paths]
        made: Batch = dict(processor(images=pictures, return_tensors="pt"))
        return made


class AudioClassification(MediaClassification):
    """A sound and its class."""

    kind: ClassVar[str] = "audio_classification"
    medium: ClassVar[str] = "audio"
    example: ClassVar[str] = "sound"
    head = "audio_classification"

    @override
    def lengths(self, paths: Sequence[str], processor: Any) -> tuple[list[int], list[int]]:
        full = [math.ceil(media.seconds(path)) for path in paths]
        most = getattr(processor, "chunk_length", None) or max(full, default=0)
        return [min(length, most) for length in full], full

    @override
    def notes(self, encoded: Dataset) -> list[str]:
        pairs = list(zip(encoded["length"][:], encoded["full_length"][:], strict=True))
        cut = sum(length < full for length, full in pairs)
        if not cut:
            return []
        return [
            f"{cut} of {len(pairs)} sounds are longer than {max(pairs)[0]} seconds and were cut."
        ]

    @override
    def prepared(self, paths: Sequence[str], processor: Any) -> Batch:
        rate = processor.sampling_rate
        sounds = [media.sound(path, rate) for path in paths]
        made: Batch = dict(processor(sounds, sampling_rate=rate, return_tensors="pt"))
        return made


def kind_of_files(table: Table, named: Mapping[str, str]) -> tuple[str, str] | None:
    """The kind of a table that names pictures or sounds, and why in words; None for another."""
    for kind in (ImageClassification, AudioClassification):
        for column in [named["text"]] if named.get("text") else [kind.medium, *_USUAL]:
            values = table.columns.get(column, [])[:_LOOKED_AT]
            if values and all(isinstance(v, str) and _is(v, kind.medium) for v in values):
                return kind.kind, f"'{column}' has paths of {kind.example}s"
    return None


def _is(value: str, medium: str) -> bool:
    return "\n" not in value and media.medium(value) == medium
