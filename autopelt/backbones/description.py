"""A family that its user describes: as YAML, from Python, or by an installed package.

``backbone.yaml`` beside a study has the fields of `Family` and, under ``stacks``, of `Stack`; what
is left out is the default. A description goes with a model: it is kept as text in an attribute of
the model's configuration, so a copy of that has it as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from functools import lru_cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import yaml

from autopelt.backbones.families import REGISTERED, Family, Stack
from autopelt.errors import UsageError, did_you_mean
from autopelt.system.files import read_text
from autopelt.system.yaml import load_yaml

FILE = "backbone.yaml"
"""Name of a description beside a study."""

GROUP = "autopelt.families"
"""Entry points of installed packages: the name is a model type, the value a `Family`."""

ATTRIBUTE = "autopelt_backbone"
"""Of a transformers configuration: the description that goes with the model."""


def register_family(model_type: str, family: Family) -> None:
    """Say where things are in a family of models, for this process; it wins over what is known.

    Args:
        model_type: as the model's ``config.json`` has it.
        family: see docs/adding-a-family.md.

    Raises:
        UsageError: it is no `Family`.
    """
    if not isinstance(family, Family):
        raise UsageError(
            f"the family of '{model_type}' is a {type(family).__name__}; it must be an "
            "autopelt.Family, see docs/adding-a-family.md."
        )
    REGISTERED[model_type] = family


def described(config: Any) -> Family | None:
    """The family that goes with a model, or that somebody registered for its type, or None."""
    text = getattr(config, ATTRIBUTE, None)
    if text is not None:
        return _read(text)
    return REGISTERED.get(config.model_type) or _installed().get(config.model_type)


def describe_as(config: Any, family: Family | None) -> None:
    """Let a description go with a model; None takes it away."""
    if family is not None:
        setattr(config, ATTRIBUTE, to_yaml(family))
    elif hasattr(config, ATTRIBUTE):
        delattr(config, ATTRIBUTE)


def plain(family: Family) -> dict[str, Any]:
    """As plain values, without what is the default."""
    return _plain(family)


def to_yaml(family: Family) -> str:
    """YAML that `read` reads back to an equal value."""
    return yaml.safe_dump(plain(family), sort_keys=False, width=100)


def load(path: str | Path) -> Family:
    """Read a description's file. Raises UsageError with every error in one line."""
    source = f"backbone description '{path}'"
    return read(load_yaml(read_text(Path(path), source), source), source)


def read(values: Any, source: str = "the backbone description") -> Family:
    """A family of plain values. Raises UsageError with every error in one line."""
    errors: list[str] = []
    made = _made(Family, values, "", errors)
    if errors:
        raise UsageError(f"{source} is wrong: {'; '.join(errors)}.")
    assert isinstance(made, Family)
    return made


def _made(kind: Callable[..., Any], values: Any, place: str, errors: list[str]) -> Any:
    """A `Family` or `Stack` of a mapping; what is wrong goes to the errors."""
    if not isinstance(values, Mapping):
        errors.append(f"{place.rstrip('.') or 'it'} must be a mapping of keys, not {values!r}")
        return None
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]  # a dataclass
    for name in values:
        if name not in known:
            hint = did_you_mean(str(name), known).rstrip(".")
            errors.append(f"unknown key '{place}{name}': {hint}")
    given = {}
    for name, field in known.items():
        if name in values:
            given[name] = _value(field, values[name], f"{place}{name}", errors)
        elif field.default is MISSING:
            errors.append(f"{place}{name} is missing")
    return None if errors else kind(**given)


def _value(field: Field[Any], value: Any, place: str, errors: list[str]) -> Any:
    """One field's value; the kinds that there are stand as text in `families`."""
    if field.type == "tuple[Stack, ...]":
        if not isinstance(value, list) or not value:
            errors.append(f"{place} must be a list of one stack or more, not {value!r}")
            return ()
        return tuple(_made(Stack, each, f"{place}.{i}.", errors) for i, each in enumerate(value))
    if field.type == "tuple[str, ...]":
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            errors.append(f"{place} must be a list of text, not {value!r}")
            return ()
        return tuple(value)
    plain_kind = {"str": str, "str | None": str, "bool": bool, "int": int}[str(field.type)]
    if value is None and "None" in str(field.type):
        return None
    if type(value) is not plain_kind or (isinstance(value, int) and value < 0):
        words = {str: "text", bool: "true or false", int: "a number from 0 up"}[plain_kind]
        errors.append(f"{place} must be {words}, not {value!r}")
    return value


def _plain(part: Any) -> Any:
    if isinstance(part, tuple):
        return [_plain(each) for each in part]
    if not isinstance(part, Family | Stack):
        return part
    return {
        field.name: _plain(value)
        for field in fields(part)
        if (value := getattr(part, field.name)) != field.default
    }


@lru_cache(maxsize=64)
def _read(text: str) -> Family:
    return read(load_yaml(text, "the backbone description"))


@lru_cache(maxsize=1)
def _installed() -> dict[str, Family]:
    """Families of installed packages. Raises UsageError where one cannot be had."""
    found: dict[str, Family] = {}
    for entry in entry_points(group=GROUP):
        try:
            family = entry.load()
        except Exception as error:
            raise UsageError(
                f"the entry point '{entry.name}' of {GROUP} cannot be loaded: {error}."
            ) from None
        if not isinstance(family, Family):
            raise UsageError(
                f"the entry point '{entry.name}' of {GROUP} gives a {type(family).__name__}; it "
                "must be an autopelt.Family."
            )
        found[entry.name] = family
    return found
