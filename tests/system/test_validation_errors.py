"""Errors of a configuration: all of them, each with its place, its value and the way out."""

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from autopelt.errors import UsageError
from autopelt.system.validation_errors import explanations, validated


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    epochs: int = 1


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    training: Inner | None = None
    storage: str | None = None
    trials: int

    @field_validator("storage")
    @classmethod
    def _refuse(cls, value: str) -> str:
        raise ValueError("give a URL that this build knows")


def said(values: dict) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(values)
    words = explanations(caught.value, Outer)
    with pytest.raises(UsageError) as told:
        validated(Outer, values, "the file")
    assert str(told.value) == f"the file is wrong: {'; '.join(words)}."
    return words


def test_an_unknown_key_is_compared_with_those_of_its_place() -> None:
    (words,) = said({"trials": 1, "training": {"epoch": 2}})
    assert words.startswith("unknown key 'training.epoch'")
    assert "epochs" in words


def test_all_errors_are_told_with_their_values() -> None:
    words = said({"trials": "many", "training": {"epochs": 1.5}})
    assert len(words) == 2
    assert words[0].startswith("training.epochs: ")
    assert "(got 1.5)" in words[0]
    assert "(got 'many')" in words[1]


def test_what_is_missing_has_no_value() -> None:
    (words,) = said({})
    assert words.startswith("trials: ")
    assert "got" not in words


def test_no_password_is_shown_and_long_values_are_cut() -> None:
    (words,) = said({"trials": 1, "storage": "postgresql://me:secret@host/db"})
    assert "secret" not in words
    assert "me:***@host" in words
    (words,) = said({"trials": "x" * 100})
    assert words.endswith("...)")
