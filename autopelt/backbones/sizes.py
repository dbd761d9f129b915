"""Shapes and head sizes of a model by its name; what was counted once loads no torch again.

What is known of the built-in model is in this folder (`minilm.json`, which its test compares with
the model). What was counted of another one is kept in the user's cache, by the contents of its
config.json, the version of transformers and the code of this folder.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from autopelt.backbones.description import described, to_yaml
from autopelt.backbones.families import Family
from autopelt.backbones.source import ModelSource, cache_folder, not_here, offline
from autopelt.methods.shapes import Shapes
from autopelt.system.files import utf8_text

if TYPE_CHECKING:
    from transformers import PretrainedConfig

BUILT_IN = "minilm.json"


@dataclass
class Counted:
    """What is known of a model.

    Attributes:
        config: SHA-256 of its config.json and its description.
        heads: of a task head its parameters without outputs, and more for each output.
    """

    config: str
    shapes: Shapes
    heads: dict[str, tuple[int, int]] = field(default_factory=dict)


_FORM = TypeAdapter(Counted)


class Sizes:
    """Sizes of one model, each counted when it is asked for and not known yet.

    Args:
        text: its config.json, or None where it cannot be read without transformers.
        load: makes its configuration.
        family: a description that goes with it.

    Attributes:
        described: somebody said where its places are: with it, or for its type.
    """

    def __init__(
        self,
        text: str | None,
        load: Callable[[], PretrainedConfig],
        family: Family | None = None,
    ) -> None:
        self._load, self._type = cache(load), _type(text)
        family = family or described(SimpleNamespace(model_type=self.model_type))
        self.described = family is not None
        # All that the sizes depend on, beside the code.
        self._key = text if text is None or family is None else text + to_yaml(family)
        self._known = None if self._key is None else _built_in(self._key) or _read(self._key)

    @property
    def model_type(self) -> str:
        """As config.json has it. Raises as `load_config` where that cannot be read."""
        return self._type or str(self._load().model_type)

    @property
    def shapes(self) -> Shapes:
        """Of the backbone. Raises as `load_config` and `shapes_of_config`."""
        return self._counted().shapes

    def head(self, head: str, outputs: int) -> int:
        """Parameters of a fresh task head, as `head_size` counts them.

        Args:
            head: a key of `backbones.head.HEADS`. outputs: classes, 1 for regression.
        """
        known = self._counted()
        if head not in known.heads:
            from autopelt.backbones.head import head_size

            one, two = (head_size(self._load(), head, n) for n in (1, 2))
            # Outputs are rows of a head's last linear map, and of nothing else.
            known.heads[head] = (2 * one - two, two - one)
            self._keep(known)
        constant, each = known.heads[head]
        return constant + each * outputs

    def _counted(self) -> Counted:
        if self._known is None:
            from autopelt.backbones.shapes import shapes_of_config

            self._known = Counted(_digest(self._key or ""), shapes_of_config(self._load()))
            self._keep(self._known)
        return self._known

    def _keep(self, known: Counted) -> None:
        if self._key is None:
            return
        path = _place(self._key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(_FORM.dump_json(known))
        except OSError:
            pass  # a home that cannot be written: counted again next time


def sizes_of(source: ModelSource) -> Sizes:
    """Sizes of a model that `resolve` found.

    Raises:
        UnavailableError: the Hub's cache has it not, and the Hub must not be asked.
    """
    path = source.config_file()
    if path is None and offline():
        raise not_here(source)

    def load() -> PretrainedConfig:
        from autopelt.backbones.load import load_config

        return load_config(source)

    return Sizes(_text(path), load, source.family)


def sizes_in_file(path: str | Path) -> Sizes:
    """Sizes of the backbone that a bare ``config.json`` describes."""

    def load() -> PretrainedConfig:
        from autopelt.backbones.shapes import config_from_file

        return config_from_file(path)

    return Sizes(_text(Path(path)), load)


def _text(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        return utf8_text(path)
    except (OSError, ValueError):
        return None  # whoever loads it says why


def _type(text: str | None) -> str:
    """The model type of a config.json, or "" where it has none."""
    try:
        value = json.loads(text or "")
    except (ValueError, RecursionError):
        return ""
    return str(value.get("model_type", "")) if isinstance(value, dict) else ""


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _built_in(key: str) -> Counted | None:
    known = _FORM.validate_json(files(__package__).joinpath(BUILT_IN).read_bytes())
    return known if known.config == _digest(key) else None


def _place(key: str) -> Path:
    """The file of a model in the cache."""
    return cache_folder() / "sizes" / f"{_digest(_version() + key)[:32]}.json"


def _read(key: str) -> Counted | None:
    try:
        return _FORM.validate_json(_place(key).read_bytes())
    except (OSError, ValidationError):
        return None  # never counted, or written by half


@cache
def _version() -> str:
    """Of everything that a count depends on, beside the configuration."""
    code = hashlib.sha256(metadata.version("transformers").encode())
    here = Path(__file__).parent
    for path in (*sorted(here.glob("*.py")), here.parent / "methods" / "shapes.py"):
        code.update(path.read_bytes())
    return code.hexdigest()
