"""An architecture file: its keys, what each may hold, and a sentence for every mistake."""

from functools import partial
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema, model_validator
from pydantic_core import ErrorDetails

from autopelt.architecture.layers import parse_layers
from autopelt.errors import UsageError, did_you_mean
from autopelt.methods.module import (
    EMBEDDINGS,
    GATES,
    MAX_SIZE,
    RANDOM,
    STARTS,
    Module,
    positive,
    shown,
)
from autopelt.system.validation_errors import checked

_RANGE = r"\s*\d+\s*(-\s*\d+\s*)?"
_LAYERS = {
    "anyOf": [
        {"type": "integer", "minimum": 0},
        {"type": "string", "pattern": f"^{_RANGE}(,{_RANGE})*$"},
        {"type": "array", "items": {"type": ["integer", "string"]}},
    ],
    "description": "A layer or layers, counted from 0: 3, 0-2,5, or [0, 5].",
}
_GATE = {"anyOf": [{"type": ["boolean", "null"]}, {"enum": list(GATES)}]}
_ALPHA = {"type": ["number", "null"], "exclusiveMinimum": 0}
_START = {"enum": [None, RANDOM, *STARTS]}
_MLP = {"type": ["integer", "null"], "minimum": 1}

Layers = Annotated[tuple[int, ...] | None, checked(parse_layers), WithJsonSchema(_LAYERS)]
Size = Annotated[int, Field(strict=True, ge=0, le=MAX_SIZE)]
Name = Annotated[str, Field(strict=True, min_length=1)]
Factor = Annotated[float, checked(partial(positive, what="learning_rate_multiplier")), Field(gt=0)]


class ModuleRow(BaseModel):
    """One kind of module over a range of layers."""

    model_config = ConfigDict(extra="forbid")

    layer: Layers = None
    layers: Layers = None
    method: Name
    location: Name
    size: Size
    gate: Annotated[Any, WithJsonSchema(_GATE)] = None
    alpha: Annotated[Any, WithJsonSchema(_ALPHA)] = None
    mlp: Annotated[Any, WithJsonSchema(_MLP)] = None
    start: Annotated[Any, WithJsonSchema(_START)] = None

    @model_validator(mode="after")
    def _goes_together(self) -> "ModuleRow":
        if self.size == 0 and self.gate not in (None, False):
            raise ValueError(
                f"{self.method} at {self.location} has size 0 and a gate: a gate on nothing; "
                "give it a size or leave the row out"
            )
        if self.size and self.location != EMBEDDINGS and self.layer is self.layers is None:
            raise ValueError("it lacks 'layers'")
        try:
            self.modules()
        except UsageError as error:
            raise ValueError(str(error)) from None
        return self

    def modules(self) -> list[Module]:
        """A module a layer, none of size 0. Raises UsageError for values that do not fit."""
        if self.size == 0:
            return []
        gate = "auto" if self.gate is True else None if self.gate is False else self.gate
        given = self.layer if self.layers is None else self.layers
        return [
            Module(
                self.method, self.location, layer, self.size, gate, self.alpha, self.mlp, self.start
            )
            for layer in ((None,) if given is None else given)
        ]


class ArchitectureFile(BaseModel):
    """Which modules sit where, and how big."""

    model_config = ConfigDict(extra="forbid", title="Architecture")

    id: Annotated[Any, WithJsonSchema({"type": "string"})] = Field(
        None, description="Checked if it is there; delete it after edits."
    )
    full: bool = Field(False, strict=True, description="Train the whole backbone as well.")
    prompt: Size = Field(0, description="Rows of a prompt, short for a row of modules.")
    learning_rate_multiplier: Factor = 1.0
    modules: list[ModuleRow] | None = None


def read(value: Any) -> ArchitectureFile:
    """The plain values of a file, checked. Raises UsageError that names every mistake at once."""
    try:
        return ArchitectureFile.model_validate(value)
    except ValidationError as error:
        raise UsageError("; ".join(mistakes(error)) + ".") from None


def mistakes(error: ValidationError) -> list[str]:
    """Every wrong key or value in a sentence, with what is allowed."""
    return [_sentence(item) for item in error.errors()]


def _sentence(item: ErrorDetails) -> str:
    place, value = item["loc"], item["input"]
    in_row = len(place) > 1
    where = f"row {int(place[1]) + 1} of 'modules'" if in_row else "an architecture"
    if item["type"] in ("extra_forbidden", "invalid_key"):
        model = ModuleRow if in_row else ArchitectureFile
        hint = did_you_mean(str(place[-1]), model.model_fields).rstrip(".")
        return f"unknown key {shown(str(place[-1]))} in {where}: {hint}"
    if item["type"] == "missing":
        return f"{where} lacks '{place[-1]}'"
    if item["type"] == "list_type":
        return f"'modules' is a list of rows, not {shown(value)}"
    if item["type"] == "model_type":
        key = "method" if in_row else "modules"
        return f"{where} is a mapping with the key '{key}', not {shown(value)}"
    message = item["msg"].removeprefix("Value error, ").rstrip(".")
    if item["type"] != "value_error":
        message = f"{place[-1]} is {shown(value)}; {message.replace('Input', 'it')}"
    return f"{where}: {message}" if in_row else message
