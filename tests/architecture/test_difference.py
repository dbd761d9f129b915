"""Differences of two architectures in sentences: complete, short, and none where there are none."""

import pytest

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.difference import differences


def made(rows: str, more: str = "") -> Architecture:
    lines = [f"  - {{{row}}}" for row in rows.split("\n") if row]
    return Architecture.from_yaml("\n".join(["modules:" if lines else "modules: []", *lines, more]))


QUERY = "layers: {}, method: lora, location: attention.query, size: {}"
VALUE = "layers: {}, method: lora, location: attention.value, size: {}"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (made(QUERY.format("0-2", 8)), made(QUERY.format("0-2", 8)), []),
        (
            made(QUERY.format("0-2", 8)),
            made(QUERY.format("3-5", 8)),
            ["lora (query): moved from layers 0-2 to layers 3-5."],
        ),
        (
            made(QUERY.format("0-2", 8)),
            made(QUERY.format("0-3", 4)),
            ["lora (query): new in layer 3 (rank 4); rank 8 became 4 in layers 0-2."],
        ),
        (
            made(QUERY.format("0-1", 8) + "\n" + VALUE.format("0-1", 8)),
            made(QUERY.format("0", 8) + "\n" + VALUE.format("0", 8)),
            ["lora (query, value): gone from layer 1 (rank 8)."],
        ),
        (
            made(QUERY.format("0-1", 8)),
            made(QUERY.format("0-1", 8) + "\n" + VALUE.format("0-1", 2)),
            ["lora (value): new in layers 0-1 (rank 2)."],
        ),
        (
            made("layers: 4, method: sequential_adapter, location: ffn, size: 6"),
            made("layers: 4, method: sequential_adapter, location: ffn, size: 6, gate: true"),
            ["adapter: gate added in layer 4."],
        ),
        (
            made("layers: 0, method: prefix, location: attention, size: 6, mlp: 32, gate: mean"),
            made("layers: 0, method: prefix, location: attention, size: 6, gate: masked"),
            [
                "prefix: gated:mean became gated:masked in layer 0; "
                "network 32 became none in layer 0."
            ],
        ),
        (made("", "prompt: 10"), made("", "prompt: 4"), ["prompt: length 10 became 4."]),
        (made(""), made("", "prompt: 4"), ["prompt: new (length 4)."]),
        (made("", "prompt: 4"), made(""), ["prompt: gone (length 4)."]),
        (
            made(""),
            made("", "learning_rate_multiplier: 2"),
            ["learning rate: x1 became x2."],
        ),
        (made(""), Architecture(full=True), ["head only became full fine-tuning."]),
    ],
)
def test_sentences(before: Architecture, after: Architecture, said: list[str]) -> None:
    assert differences(before, after) == said


def test_every_difference_is_said() -> None:
    """Two architectures without a difference in words are equal."""
    before = made(QUERY.format("0-5", 8))
    for layer in range(6):
        for size in (4, 8):
            modules = [m for m in before.modules if m.layer != layer]
            after = before.with_modules(
                [*modules, *made(QUERY.format(layer, size)).modules] if size == 4 else modules
            )
            assert differences(before, after)
            assert differences(after, before)
