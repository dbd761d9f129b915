"""Errors of pydantic in the product's words: place, value, what is allowed."""

import re
from collections.abc import Callable
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ValidationError

from autopelt.errors import UsageError, did_you_mean, nearest
from autopelt.system.addresses import without_secrets

Configuration = TypeVar("Configuration", bound=BaseModel)


def checked(read: Callable[[Any], Any]) -> BeforeValidator:
    """Beside a field's type: a value is read by `read`, whose UsageError is the field's error."""

    def validate(value: Any) -> Any:
        try:
            return read(value)
        except UsageError as error:
            raise ValueError(str(error)) from None

    return BeforeValidator(validate)


def validated(
    model: type[Configuration], values: Any, what: str, named: Callable[[str], str] = str
) -> Configuration:
    """Plain values as a model's. Raises UsageError with every error of `what` in one line.

    `named` gives a place (``training.epochs``) the name that a user knows it by.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        wrong = "; ".join(explanations(error, model, named))
        raise UsageError(f"{what} is wrong: {wrong}{'' if wrong.endswith('?') else '.'}") from None


def explanations(
    error: ValidationError, model: type[BaseModel], named: Callable[[str], str] = str
) -> list[str]:
    """Every error of a configuration, each with its place, value and way out."""
    parts = []
    items = error.errors()
    for item in items:
        own = item["loc"]
        inside = [other for other in items if other["loc"][: len(own)] == own != other["loc"]]
        if item["type"] == "too_short" and inside:
            continue  # it is short of those that are wrong
        place = ".".join(str(p) for p in item["loc"]) or "file"
        if item["type"] == "extra_forbidden":
            fields = _fields_at(model, item["loc"][:-1])
            hint = did_you_mean(str(item["loc"][-1]), fields)
            parts.append(f"unknown key '{place}': {hint.rstrip('.')}")
            continue
        message = item["msg"].removeprefix("Value error, ").rstrip(".")
        if item["type"] == "literal_error" and isinstance(item["input"], str):
            close = nearest(item["input"], re.findall("'([^']*)'", item["ctx"]["expected"]))
            message += "" if close is None else f"; did you mean '{close}'?"
        value = without_secrets(repr(item["input"]))
        shown = f" (got {value if len(value) <= 60 else value[:57] + '...'})"
        if not item["loc"] and item["type"] == "value_error":  # it names its values itself
            parts.append(message)
            continue
        has_it = item["type"] == "value_error" and str(item["input"]) in message
        if item["type"] == "missing" or has_it:
            shown = ""  # there is no value, or the message has it
        parts.append(f"{named(place)}: {message}{shown}")
    return parts


def _fields_at(model: type[BaseModel], place: tuple[int | str, ...]) -> list[str]:
    """Field names of the (possibly nested) model at a place of a validation error."""
    for part in place:
        if isinstance(part, str) and part in model.model_fields:
            model = _model_in(model.model_fields[part].annotation) or model
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that a field holds, alone or in a tuple or union."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((m for part in get_args(annotation) if (m := _model_in(part)) is not None), None)
