"""Values that people write as text are read once and written as people write them."""

from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from autopelt.architecture.budget import Budget
from autopelt.system.units import Bytes, Seconds, format_count, parse_count
from autopelt.system.written import Written


class File(BaseModel):
    timeout: Annotated[Seconds, Written(Seconds.parse, "a duration", (str, int))] | None = None


def test_it_is_a_value_inside_and_text_outside() -> None:
    read = File.model_validate({"timeout": "30m"})
    assert read.timeout == 1800
    assert read.model_dump(mode="json") == {"timeout": "30m"}
    assert File.model_validate(read.model_dump()) == read
    assert File(timeout=Seconds(90)).model_dump_json() == '{"timeout":"90s"}'
    assert File.model_validate({"timeout": 60}).timeout == 60
    assert File().timeout is None


@pytest.mark.parametrize(("value", "words"), [("soon", "soon"), ([1], "a duration"), (True, "a")])
def test_what_is_none_is_refused(value: object, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        File.model_validate({"timeout": value})


def test_a_schema_says_what_a_file_may_hold() -> None:
    kinds = File.model_json_schema()["properties"]["timeout"]["anyOf"]
    assert kinds == [{"type": ["string", "integer"]}, {"type": "null"}]


@pytest.mark.parametrize("text", ["30m", "90s", "2h", "1d"])
def test_durations_keep_their_form(text: str) -> None:
    assert str(Seconds.parse(text)) == text


@pytest.mark.parametrize("text", ["64MiB", "4GiB", "500MB", "off", "1000000001"])
def test_amounts_of_memory_keep_their_form(text: str) -> None:
    assert str(Bytes.parse(text)) == text


@pytest.mark.parametrize("text", ["1%", "0.5%", "0.3%", "300k", "1.2M", "1234567"])
def test_budgets_keep_their_form(text: str) -> None:
    assert str(Budget.parse(text)) == text


@given(st.integers(1, 10**12))
def test_counts_are_read_back_to_the_unit(count: int) -> None:
    assert parse_count(format_count(count)) == count
    assert Bytes.parse(str(Bytes(count))) == count


@given(st.floats(1e-6, 100))
def test_shares_are_read_back(percent: float) -> None:
    budget = Budget.parse(f"{percent:.15g}%")
    assert Budget.parse(str(budget)) == budget


@given(st.floats(1, 1e8))
def test_durations_are_read_back(seconds: float) -> None:
    rounded = Seconds(f"{seconds:.15g}")
    assert Seconds.parse(str(rounded)) == rounded
