"""Check a file before anything runs: all its errors at once, and the JSON schema for editors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.counter import ShapeCounter
from autopelt.architecture.parse import ArchitectureFile, mistakes
from autopelt.architecture.seeds import seed_architecture
from autopelt.backbones.description import load, read
from autopelt.errors import AutopeltError, UsageError, did_you_mean, parameter
from autopelt.methods import METHODS, fits
from autopelt.methods.places import WORDS, placed
from autopelt.methods.shapes import Shapes
from autopelt.space.space import SearchSpace
from autopelt.study.config import StudyConfig
from autopelt.system.files import read_text
from autopelt.system.validation_errors import explanations
from autopelt.system.yaml import load_yaml
from autopelt.tasks import TASKS
from autopelt.tasks.task_file import TaskFile
from autopelt.workflows.settings import check_sampler

MODELS: Mapping[str, type[BaseModel]] = {
    "config": StudyConfig,
    "space": SearchSpace,
    "architecture": ArchitectureFile,
    "task": TaskFile,
}
"""Kind of file -> what it holds."""
KINDS = tuple(MODELS)


def schema(kind: str, others: Iterable[str] = ()) -> dict[str, Any]:
    """The JSON schema of a kind of file.

    Args:
        kind: one of `KINDS`.
        others: what else a user could have asked for.

    Raises:
        UsageError: no such kind.
    """
    _known(kind, others)
    made = MODELS[kind].model_json_schema()
    made["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    if "Row" in made.get("$defs", {}):  # one location or gate may stand without brackets
        row = made["$defs"]["Row"]["properties"]
        for key in ("location", "gate", "alpha", "start"):
            row[key] = {"anyOf": [row[key]["items"], row[key]]}
    return made


def kind_of(value: Any) -> str:
    """What a file is by its keys. Raises UsageError where they do not tell."""
    if isinstance(value, Mapping):
        if "task" in value or "budget" in value:
            return "config"
        if "train" in value or ("text" in value and "modules" not in value):
            return "task"
        rows = value.get("modules")
        rows = [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
        if any("sizes" in row or "per" in row for row in rows) or "layer_switch" in value:
            return "space"
        if "modules" in value or "prompt" in value or "full" in value:
            return "architecture"
    raise UsageError(
        "the file has none of the keys task, train, modules, prompt or full, so it is unclear what "
        f"it is; say so with {parameter('as')}: {', '.join(KINDS)}."
    )


def validate(path: Path, kind: str | None, shapes: Shapes | None) -> tuple[str, list[str]]:
    """Check a file.

    Args:
        path: YAML.
        kind: one of `KINDS`; None: what its keys say.
        shapes: of the backbone that it should fit; None: not checked.

    Returns:
        Its kind, and every error in a sentence; none where it is right.

    Raises:
        UsageError: no such kind; the file is no YAML, or cannot be read, or is nothing known.
    """
    if kind is not None:
        _known(kind)
    value = load_yaml(read_text(path, f"'{path}'"), f"file '{path}'")
    found = kind or kind_of(value)
    if not isinstance(value, dict):
        raise UsageError(f"'{path}' is not a mapping of keys.")
    return found, _CHECKS[found](value, path, shapes)


def _known(kind: str, others: Iterable[str] = ()) -> None:
    if kind not in KINDS:
        allowed = [*KINDS, *others]
        raise UsageError(f"unknown kind of file '{kind}': {did_you_mean(kind, allowed)}")


def _config(value: dict[str, Any], path: Path, shapes: Shapes | None) -> list[str]:
    errors: list[str] = []
    space = value.get("space", StudyConfig.model_fields["space"].default)
    if isinstance(space, str):
        errors += _errors(lambda: SearchSpace.load(space))
        value = value | {"space": "tiny" if errors else space}
    elif isinstance(space, dict):
        errors += [f"space: {error}" for error in _space(space, path, shapes)]
        value = value | {"space": "tiny"}
    family = value.get("backbone_description")
    if isinstance(family, str):
        errors += _errors(lambda: load(family))
        value = value | {"backbone_description": None}
    elif family is not None:
        errors += _errors(lambda: read(family))
    errors += _model_errors(StudyConfig, value)
    task = value.get("task")
    if isinstance(task, str):
        if "\n" in task or task.endswith((".yaml", ".yml")):
            errors += [f"task: {error}" for error in _errors(lambda: TaskFile.read(task))]
        elif task not in TASKS:
            errors.append(f"task '{task}' is unknown: {did_you_mean(task, TASKS)}")
    sampler = value.get("sampler")
    if isinstance(sampler, str):
        errors += _errors(partial(check_sampler, sampler))
    names = value.get("seed_architectures")
    if isinstance(names, list):
        reference = shapes or _SMALL
        for name in names:
            if isinstance(name, str):
                errors += _errors(partial(seed_architecture, name, reference))
    return errors


def _space(value: dict[str, Any], path: Path, shapes: Shapes | None) -> list[str]:
    needed = None if value.get("skip_missing") is True else shapes
    errors = _model_errors(SearchSpace, value) + _places(value, needed)
    if shapes is not None and not errors:
        for row in SearchSpace.model_validate(value).modules:
            errors += _errors(partial(row.layers_of, shapes.layers))
    return list(dict.fromkeys(errors))


def _architecture(value: dict[str, Any], path: Path, shapes: Shapes | None) -> list[str]:
    errors = _model_errors(ArchitectureFile, value) + _places(value, shapes)
    if errors:
        return errors
    errors = _errors(lambda: Architecture.from_dict(value))
    if not errors and shapes is not None:
        counter = ShapeCounter(shapes)
        for module in Architecture.from_dict(value).on(shapes).modules:
            errors += _errors(partial(counter.deployed, module))
    return errors


def _task(value: dict[str, Any], path: Path, shapes: Shapes | None) -> list[str]:
    errors = _model_errors(TaskFile, value)
    if not errors:
        file = TaskFile.model_validate(value).absolute(path.resolve().parent)
        for key in ("train", "validation", "test"):
            for name in (getattr(file, key), getattr(file, f"{key}_target")):
                if name and name.startswith("/") and not Path(name).is_file():
                    errors.append(f"{key}: '{name}' does not exist")
    return errors


_CHECKS: Mapping[str, Callable[[dict[str, Any], Path, Shapes | None], list[str]]] = {
    "config": _config,
    "space": _space,
    "architecture": _architecture,
    "task": _task,
}

_SMALL = Shapes("bert", 100, 16, 16, 1000)
"""Enough of a backbone to tell whether the name of a seed architecture exists."""


def _places(value: dict[str, Any], shapes: Shapes | None) -> list[str]:
    """Whether the method of each row exists and may sit where it says."""
    rows = value.get("modules")
    errors: list[str] = []
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and isinstance(row.get("method"), str):
            places = row.get("location")
            for place in places if isinstance(places, list) else [places]:
                errors += _place(row["method"], place, shapes) if isinstance(place, str) else []
    return errors


def _place(method: str, location: str, shapes: Shapes | None) -> list[str]:
    if method not in METHODS:
        return [f"unknown method '{method}': {did_you_mean(method, METHODS).rstrip('.')}"]
    allowed = METHODS[method].locations
    if location in WORDS and set(WORDS[location]) & set(allowed):
        missing = shapes is not None and placed([location], shapes, allowed) == (location,)
        return [f"this backbone has no place '{location}'"] if missing else []
    if location not in allowed:
        hint = did_you_mean(location, allowed).rstrip(".")
        return [f"{method} cannot sit at '{location}': {hint}"]
    if shapes is None:
        return []
    if not fits(METHODS[method], placed([location], shapes)[0], shapes):
        return [f"this backbone has no place '{location}'"]
    return []


def _model_errors(model: type[BaseModel], value: dict[str, Any]) -> list[str]:
    try:
        model.model_validate(value)
    except ValidationError as error:
        return mistakes(error) if model is ArchitectureFile else explanations(error, model)
    return []


def _errors(call: Callable[[], object]) -> list[str]:
    try:
        call()
    except AutopeltError as error:
        return [str(error).rstrip(".")]
    return []
