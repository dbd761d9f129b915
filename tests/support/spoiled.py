"""Valid files and values, spoiled: what comes in from outside and is bad."""

import copy
import json
import math
import random
from collections.abc import Iterator, Sequence
from typing import Any

import yaml

SCALARS: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 2, 2**31, 2**63, -(2**63), 10**400, 0.5, -0.0, 1e-320, 1e308),
    *(math.inf, -math.inf, math.nan),
    *("", " ", "\0", "\n", "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\u202eabc", "[red]", "[/]"),
    *("[bold]x[/italic]", "\ud800", "💥" * 50, "a" * 5_000, "e\u0301" * 200, "{}", "{0}", "%s%n%d"),
    *("../../../etc/passwd", "/dev/zero", "/dev/full", "/proc/self/mem", "/", ".", "~", "~no/x"),
    *(
        "nan",
        "inf",
        "-1",
        "1e400",
        "0x10",
        "1_000",
        "٣",
        "1%",
        "-0%",
        "1e-400%",
        "9" * 15,
        "1e308k",
    ),
    *("None", "null", "true", "<script>alert(1)</script>", "'; drop table trials; --", "${HOME}"),
    *("a,b,,c", ",", ":", "::", "x:y:z", "*", "?", "!!python/object:os.system", "&a", "*a", "- "),
    *(
        "#",
        "@",
        "a@",
        "@b",
        "lora-r0",
        "lora-r99999999999",
        "full@nowhere",
        "unipelt~",
        "٣%",
        "1 %",
    ),
)
"""Values that stand where another belongs."""

SHAPES: tuple[Any, ...] = (
    *([], {}, [[]], [None], [1, "a"], {"": 0}, {"a": {"b": {"c": []}}}, list(range(2_000))),
    *([["x"] * 3] * 3, {str(n): n for n in range(300)}, {"\x1b[1m": 1}, {"[/]": "[/]"}),
)
"""Lists and mappings that stand where another value belongs."""

CHUNKS: tuple[bytes, ...] = (
    *(b"\0", b"\xff", b"\xff\xfe", b"\xef\xbb\xbf", b"\x80\x80", b"\xed\xa0\x80", b"\x1b[2J"),
    *(b"\x07", b"\r", b"\n\n\n", b"\t\t", b'"', b"'", b"\\", b",", b",,,,,,,,", b"{", b"}", b"["),
    *(b"]", b":", b"[" * 3_000, b'{"a":' * 3_000, b"9" * 5_000, b"1e999", b"x" * 300_000),
    *(b"- " * 500, b"\\ud800", b"NaN", b"Infinity", b"\xe2\x80\xae", b"&a", b"*a", b"=1+1"),
    *(b"!!python/none", b"<<: ", b"\x1a"),
)
"""Bytes that a file has in its middle."""


def value(draw: random.Random) -> Any:
    """Anything that a file may hold."""
    pool = draw.choice((SCALARS, SCALARS, SHAPES))
    return copy.deepcopy(draw.choice(pool))


def places(tree: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value within lists and mappings."""
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, held in inner:
        yield (*above, key)
        if isinstance(held, dict | list):
            yield from places(held, (*above, key))


def tree(draw: random.Random, valid: Any) -> Any:
    """A tree with one to three values replaced, left out, added, renamed or nested deep."""
    made = copy.deepcopy(valid)
    for _ in range(draw.choice((1, 1, 2, 3))):
        paths = list(places(made)) if isinstance(made, dict | list) else []
        if not paths or draw.random() < 0.02:
            return value(draw)
        *above, key = draw.choice(paths)
        holder = made
        for part in above:
            holder = holder[part]
        what = draw.choice(("value", "value", "value", "value", "gone", "more", "named", "deep"))
        if what == "value":
            holder[key] = value(draw)
        elif what == "gone":
            del holder[key]
        elif what == "deep":
            for _ in range(draw.choice((3, 60, 400))):
                holder[key] = [holder[key]]
        elif isinstance(holder, list):
            holder.append(value(draw))
        elif what == "more":
            holder[str(draw.choice(SCALARS))] = value(draw)
        else:
            holder[str(draw.choice(SCALARS))] = holder.pop(key)
    return made


def as_json(made: Any) -> bytes:
    """JSON, with what Python writes beyond it (NaN, halves of characters as escapes)."""
    return json.dumps(made).encode()


def as_yaml(made: Any) -> bytes:
    """YAML; what nests too deeply for its writer as JSON, which is YAML as well."""
    try:
        return yaml.safe_dump(made, sort_keys=False).encode()
    except RecursionError:
        return as_json(made)


def text(draw: random.Random, valid: bytes) -> bytes:
    """Bytes that are cut, flipped, doubled, or have something in their middle."""
    for _ in range(draw.choice((1, 1, 2, 3))):
        place = draw.randint(0, len(valid))
        what = draw.choice(("cut", "flip", "flip", "insert", "insert", "drop", "double", "whole"))
        before, after = valid[:place], valid[place:]
        if what == "cut":
            valid = before
        elif what == "flip" and after:
            valid = before + bytes([after[0] ^ draw.randint(1, 255)]) + after[1:]
        elif what == "insert":
            valid = before + draw.choice(CHUNKS) + after
        elif what == "drop":
            valid = before + after[draw.randint(1, 200) :]
        elif what == "double":
            valid = before + before + after
        elif draw.random() < 0.3:
            wrong = (b"", b"\0" * 5_000, valid.decode("latin-1").encode("utf-16"), valid[::-1])
            valid = draw.choice(wrong)
    return valid


def rows(draw: random.Random, valid: Sequence[Any]) -> list[Any]:
    """Examples of which a few are spoiled, or all of them alike."""
    made: list[Any] = list(valid)
    if draw.random() < 0.5:
        keys = list(places(made[0]))
        *above, key = draw.choice(keys)
        wrong = value(draw)
        made = copy.deepcopy(made)
        for row in made:
            for part in above:
                row = row[part]
            if draw.random() < 0.8:
                row[key] = wrong
        return made
    for _ in range(draw.randint(1, 4)):
        place = draw.randrange(len(made))
        made[place] = tree(draw, made[place])
    return made


def word(draw: random.Random) -> str:
    """A value of an option: nothing that a shell could not pass on."""
    drawn = draw.choice((*SCALARS, draw.uniform(-10, 10), draw.randint(-(10**6), 10**6)))
    return str(drawn).replace("\0", "\x01")
