"""YAML from outside: what is no document of ours is refused in one line, quickly."""

import pytest

from autopelt.errors import UsageError
from autopelt.system.yaml import MAX_DEPTH, load_yaml


def test_values_come_out() -> None:
    assert load_yaml("a: [1, 2.5, yes, text]", "file") == {"a": [1, 2.5, True, "text"]}
    assert load_yaml("", "file") is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: &x [1]\nb: *x", r"uses YAML aliases \(\*name\)"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "nests deeper than 50 levels"),
        ("a" * 1_000_001, "has 1,000,001 characters; at most 1,000,000"),
        ("a: b\n c: d", "is not valid YAML at line 2"),
        ("!!python/object/apply:os.system [ls]", "is not valid YAML"),
        ("a: 2020-99-99", "is not valid YAML"),
    ],
)
def test_what_is_refused_is_named(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=f"^the space {words}"):
        load_yaml(text, "space")


def test_the_deepest_that_is_allowed_is_read() -> None:
    value = load_yaml("[" * MAX_DEPTH + "]" * MAX_DEPTH, "file")
    for _ in range(MAX_DEPTH - 1):
        (value,) = value
    assert value == []
