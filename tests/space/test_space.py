"""Search spaces in YAML: the shipped ones load, wrong ones are refused with every mistake."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autopelt.errors import UsageError
from autopelt.methods import METHODS
from autopelt.space.space import SearchSpace, shipped_spaces


def test_shipped_spaces_load_and_open_with_their_command() -> None:
    shipped = shipped_spaces()
    assert set(shipped) >= {"pelt", "autopeft", "lora", "tiny"}
    for name, path in shipped.items():
        assert SearchSpace.load(name).name == name
        assert path.read_text(encoding="utf-8").startswith("# autopelt search ")
        assert f"--space {name}" in path.read_text(encoding="utf-8").splitlines()[0]


def test_a_file_is_a_space(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("modules: [{method: lora, location: ffn, sizes: [0, 1]}]", encoding="utf-8")
    assert SearchSpace.load(str(file)).modules[0].sizes == (0, 1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("modules: []", "at least 1"),
        ("- 1", "not a mapping"),
        (
            "modules: [{method: lora, location: ffn, sizes: [0, 1], gates: true}]",
            "did you mean 'gate'",
        ),
        ("modules: [{method: lora, location: ffn, sizes: [1, 0]}]", "must grow"),
        ("modules: [{method: lora, location: ffn, sizes: [0, 1.5]}]", "valid integer"),
        ("modules: [{method: lora, location: ffn, sizes: [0, true]}]", "valid integer"),
        ("modules: [{method: lora, location: ffn, sizes: [0], gate: maybe}]", "gate"),
        ("modules: [{method: lora, location: [a, a], sizes: [0, 1]}]", "twice"),
        ("modules: [{method: lora, location: a, sizes: [1], alpha: half}]", "'rank' or 'sqrt'"),
        ("modules: [{method: prefix, location: a, sizes: [1], alpha: sqrt}]", "without a gate"),
        ("modules: [{method: lora, location: a, sizes: [1], gate: true, alpha: sqrt}]", "a gate"),
        ("modules: [{method: lora, location: a, sizes: [1], layers: 3-1}]", "not a range"),
        ("modules: [{method: p, location: [embeddings, a], sizes: [1]}]", "cannot share"),
        ("layer_switch: true\nmodules: [{method: lora, location: a, sizes: [1]}]", "per: model"),
        (
            "learning_rate_multiplier: [0]\nmodules: [{method: l, location: a, sizes: [1]}]",
            "greater",
        ),
        (
            "modules: [{method: l, location: a, sizes: [1]}, {method: l, location: a, sizes: [2]}]",
            "two rows",
        ),
    ],
)
def test_wrong_spaces_say_what_is_wrong(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        SearchSpace.parse(text)
    assert "\n" not in str(caught.value)


def test_all_mistakes_are_named_at_once() -> None:
    text = "modules: [{method: lora, location: ffn, sizes: [1, 0], size: 3}]\nlayerswitch: true"
    with pytest.raises(UsageError) as caught:
        SearchSpace.parse(text)
    assert "layerswitch" in str(caught.value)
    assert "size" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "words"), [("pelts", "did you mean 'pelt'"), ("/no/such.yaml", "cannot be read")]
)
def test_a_space_that_is_not_there(name: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        SearchSpace.load(name)


@given(
    row=st.dictionaries(
        st.sampled_from(["method", "location", "sizes", "gate", "per", "layers", "x"]),
        st.none() | st.booleans() | st.integers(-3, 9) | st.sampled_from(["a", "0-3", "9-1"])
        | st.lists(st.integers(-1, 5) | st.sampled_from(["a", True, None]), max_size=3),
    )
)  # fmt: skip
@settings(max_examples=200)
def test_any_row_is_read_or_refused(row: dict[str, object]) -> None:
    import yaml

    try:
        SearchSpace.parse(yaml.safe_dump({"modules": [row]}))
    except UsageError as error:
        assert "\n" not in str(error)


@given(text=st.text(max_size=60))
@settings(max_examples=200)
def test_any_text_is_read_or_refused(text: str) -> None:
    with pytest.raises(UsageError):
        SearchSpace.parse(text)


def test_one_space_has_every_method_that_may_be_searched() -> None:
    """A method that does more in training than an optimiser does is a baseline of its own."""
    offered = {row.method for row in SearchSpace.load("all").modules}
    assert offered == {name for name, method in METHODS.items() if not method.tended}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("method: prefix, location: attention, start: eva", "start: eva is for LoRA"),
        (
            "method: lora, location: ffn.in, start: pissa, gate: true",
            "start: pissa goes with no gate",
        ),
        ("method: lora, location: ffn.in, alpha: [2, 2.0]", "alpha repeats a value"),
        ("method: lora, location: ffn.in, alpha: 0", "greater than 0"),
        (
            "method: lora, location: ffn.in, alpha: 2, gate: [true, false]",
            "alpha: 2 is for methods",
        ),
        ("method: lora, location: ffn.in, start: pisa", "'random', 'pissa' or 'eva'"),
    ],
)
def test_scales_and_starts_that_make_no_sense_are_refused(row: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        SearchSpace.parse(f"modules: [{{{row}, sizes: [0, 2]}}]")


def test_what_is_one_method_once_it_is_trained_stands_in_one_row():
    row = "  - {{method: {}, location: ffn.out, sizes: [0, 1]}}\n".format
    with pytest.raises(UsageError, match=r"lora and adalora at ffn\.out are both lora once"):
        SearchSpace.parse("modules:\n" + row("lora") + row("adalora"))


def test_a_wrong_row_is_not_also_told_as_a_missing_one():
    with pytest.raises(UsageError) as caught:
        SearchSpace.parse("modules: [{method: ia3, location: ffn.out, sizes: [3]}]")
    assert "ia3 has no size" in str(caught.value)
    assert "at least 1 item" not in str(caught.value)
