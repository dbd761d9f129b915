"""An architecture has one value, one id, and survives YAML and JSON."""

import pickle
from dataclasses import replace

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.layers import format_layers, parse_layers
from autopelt.errors import AutopeltError, UsageError
from autopelt.methods.module import GATES, Module
from autopelt.methods.shapes import Shapes
from autopelt.system.yaml import load_yaml

PLACES = ["ffn", "attention", "attention.query", "attention.value"]
METHODS = ["lora", "prefix", "sequential_adapter", "something-new"]

layered = st.builds(
    Module,
    method=st.sampled_from(METHODS),
    location=st.sampled_from(PLACES),
    layer=st.integers(0, 40),
    size=st.integers(1, 2000),
    gate=st.sampled_from([None, *GATES]),
    alpha=st.none() | st.floats(0.01, 1e6) | st.integers(1, 64),
    mlp=st.none() | st.integers(1, 800),
)
prompts = st.builds(
    Module,
    method=st.just("prompt"),
    location=st.just("embeddings"),
    layer=st.none(),
    size=st.integers(1, 100),
)
architectures = st.builds(
    Architecture,
    modules=st.lists(layered | prompts, max_size=12, unique_by=lambda m: m.key).map(tuple),
    learning_rate_multiplier=st.floats(1e-3, 1e3),
    full=st.booleans(),
)


@given(architecture=architectures)
def test_yaml_and_json_give_it_back(architecture: Architecture) -> None:
    for again in (
        Architecture.from_yaml(architecture.to_yaml()),
        Architecture.from_json(architecture.to_json()),
    ):
        assert again == architecture
        assert again.id == architecture.id
        assert hash(again) == hash(architecture)


def test_a_hash_that_is_kept_stays_in_its_process() -> None:
    """Texts hash otherwise in another process, where it would find nothing in a set."""
    made = Architecture((Module("lora", "attention.query", 0, 4),))
    assert hash(made) == hash(made) == hash(replace(made))
    assert (
        not set(vars(pickle.loads(pickle.dumps(made))))
        - {"modules", "full", "id"}
        - {"learning_rate_multiplier"}
    )


@given(architecture=architectures, random=st.randoms())
def test_order_of_modules_does_not_matter(architecture: Architecture, random: object) -> None:
    modules = list(architecture.modules)
    random.shuffle(modules)  # type: ignore[attr-defined]
    assert architecture.with_modules(modules) == architecture


def test_ids_are_stable_across_releases() -> None:
    made = Architecture((Module("lora", "attention.query", 3, 8),))
    assert made.to_json() == (
        '{"modules":[{"layer":3,"location":"attention.query","method":"lora","size":8}]}'
    )
    assert made.id == "5beefbab"


def test_alpha_equal_to_the_rank_is_the_default() -> None:
    assert Module("lora", "ffn", 0, 8, alpha=8) == Module("lora", "ffn", 0, 8)


@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["modules", "layers", "layer", "method", "location", "size", "gate", "alpha", "mlp",
                 "prompt", "full", "id", "learning_rate_multiplier", "x"]
            ),
            inner,
            max_size=6,
        ),
        max_leaves=20,
    )
)  # fmt: skip
@settings(max_examples=300)
def test_reading_any_value_raises_nothing_but_usage_errors(value: object) -> None:
    try:
        Architecture.from_dict(value)
    except UsageError as error:
        assert "\n" not in str(error)


@given(
    row=st.fixed_dictionaries(
        {"method": st.sampled_from(METHODS), "location": st.sampled_from([*PLACES, "embeddings"])},
        optional={
            "layers": st.sampled_from(
                ["0-3", "3-0", "1,1", "", "a", "0-", 2, [0, "2-3"], None, -1]
            ),
            "size": st.sampled_from([0, 4, -1, 1.5, True, "4", None]),
            "gate": st.sampled_from([True, False, "masked", "never", 3, None]),
            "alpha": st.sampled_from([1, 0, -1, float("nan"), "1", None]),
            "mlp": st.sampled_from([0, 8, None, "x"]),
        },
    )
)
@settings(max_examples=300)
def test_any_row_is_read_or_refused(row: dict[str, object]) -> None:
    try:
        made = Architecture.from_dict({"modules": [row]})
    except UsageError as error:
        assert "\n" not in str(error)
    else:
        assert Architecture.from_yaml(made.to_yaml()) == made


@given(text=st.text(max_size=60) | st.binary(max_size=40).map(lambda b: b.decode("latin-1")))
@settings(max_examples=300)
def test_any_text_is_read_or_refused(text: str) -> None:
    for parse in (Architecture.from_yaml, Architecture.from_json):
        try:
            parse(text)
        except AutopeltError as error:
            assert error.exit_code == 2
            assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "modules: [{layer: 0, method: lora, location: ffn, size: 0, gate: true}]",
            "gate on nothing",
        ),
        ("modules: [{layer: 0, method: lora, location: ffn, rank: 8}]", "unknown key 'rank'"),
        ("modules: [{method: lora, location: ffn, size: 8}]", "lacks 'layers'"),
        ("modules: [{layer: 0, method: lora, location: embeddings, size: 8}]", "embeddings"),
        ("modules: [{layers: 5-2, method: lora, location: ffn, size: 8}]", "not a range"),
        ("module: []", "did you mean 'modules'"),
        ("- 1", "mapping"),
        ("a: [", "line"),
        ("a: &x [1]\nb: *x", "aliases"),
        ("learning_rate_multiplier: fast", "above 0"),
        ("id: deadbeef\nmodules: []", "edited by hand"),
        ("modules: [{layers: '0,0', method: lora, location: ffn, size: 8}]", "twice"),
    ],
)
def test_wrong_architectures_say_what_is_wrong(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Architecture.from_yaml(text)


def test_yaml_cannot_grow_without_bound() -> None:
    with pytest.raises(UsageError, match="at most"):
        load_yaml("a" * 1_000_001, "file")
    with pytest.raises(UsageError):
        load_yaml("[" * 100_000, "file")


@given(layers=st.sets(st.integers(0, 60), min_size=1))
def test_layer_ranges_both_ways(layers: set[int]) -> None:
    assert set(parse_layers(format_layers(layers))) == layers


def test_rows_merge_layers_and_words_are_short() -> None:
    made = Architecture(
        (
            *(Module("lora", "attention.query", n, 8) for n in (0, 1, 2, 5)),
            Module("prompt", "embeddings", None, 10),
        )
    )
    assert made.describe() == "prompt 10 · lora 8 (query) at 0-2,5"
    assert yaml.safe_load(made.to_yaml())["modules"][1]["layers"] == "0-2,5"
    assert made.prompt == 10
    assert made.lowest_layer == -1
    assert Architecture().describe() == "head only"
    assert Architecture().lowest_layer is None
    assert Architecture(full=True).describe() == "full fine-tuning"


def test_all_mistakes_of_a_file_are_named_at_once() -> None:
    rows = (
        "[{layer: 0, location: ffn, size: 2}, 3, {layer: x, method: lora, location: ffn, size: 1}]"
    )
    with pytest.raises(UsageError) as caught:
        Architecture.from_yaml(f"prompt: 1.5\nmoduls: []\nmodules: {rows}")
    for words in (
        "prompt is 1.5; it should be a valid integer",
        "unknown key 'moduls' in an architecture: did you mean 'modules'?",
        "row 1 of 'modules' lacks 'method'",
        "row 2 of 'modules' is a mapping with the key 'method', not 3",
        "row 3 of 'modules': layers 'x' is not a range; write it like 0-2,5",
    ):
        assert words in str(caught.value)


def modules(
    method: str, layers: str, size: int, *places: str, gate: str | None = None
) -> list[Module]:
    return [Module(method, at, n, size, gate) for n in parse_layers(layers) for at in places]


@pytest.mark.parametrize(
    ("made", "length"),
    [
        ([], 0),
        (modules("lora", "0-5", 8, "attention.query", "attention.value"), 1),
        (modules("lora", "0-2,5", 8, "attention.query", "attention.value"), 2),
        (modules("lora", "0,2,4", 8, "attention.query"), 3),
        (modules("sequential_adapter", "2-3", 8, "ffn") + modules("lora", "1-4", 8, "ffn"), 2),
        (modules("prefix", "0-1", 8, "attention") + modules("prefix", "2-3", 4, "attention"), 2),
        (
            modules("prefix", "0-1", 8, "attention")
            + modules("prefix", "2-3", 8, "attention", gate="auto"),
            2,
        ),
        ([Module("prompt", "embeddings", None, 10)], 1),
    ],
)
def test_a_description_is_as_long_as_there_are_things_to_tell(
    made: list[Module], length: int
) -> None:
    assert Architecture(tuple(made)).description_length == length
    assert Architecture(tuple(made), 4.0).description_length == length


def test_full_fine_tuning_is_one_thing_to_tell() -> None:
    assert Architecture(full=True).description_length == 1


@given(architecture=architectures)
def test_a_description_is_as_long_as_its_words(architecture: Architecture) -> None:
    """A part between dots for each kind of module, a comma for each further run of layers."""
    if architecture.full or not architecture.modules:
        return
    plain = Architecture(architecture.modules)
    parts = plain.describe().split(" · ")
    assert plain.description_length == len(parts) + sum(
        p.split(" at ")[-1].count(",") for p in parts if " at " in p
    )


def test_words_for_several_maps_mean_what_a_backbone_has():
    made = Architecture.from_yaml(
        "modules: [{layers: 0-1, method: lora, location: all-linear, size: 2, start: eva}]"
    )
    shapes = Shapes("x", 2, 8, 8, 100, locations=("attention.qkv", "ffn.gate", "ffn"))
    there = made.on(shapes)
    assert [(m.layer, m.location) for m in there.modules] == [
        (layer, at) for layer in (0, 1) for at in ("attention.qkv", "ffn.gate")
    ]
    assert {m.start for m in there.modules} == {"eva"}
    assert there.on(shapes) is there
    assert "start: eva" in there.to_yaml()
    assert there.describe() == "lora 2 (qkv, ffn.gate) from eva at 0-1"


def test_what_is_one_method_once_it_is_trained_stands_at_a_place_once():
    """AdaLoRA is shipped as LoRA."""
    modules = (Module("adalora", "ffn.out", 1, 2), Module("lora", "ffn.out", 1, 4))
    with pytest.raises(UsageError, match=r"adalora and lora at 1/ffn\.out are both lora once"):
        Architecture(modules)
    Architecture((modules[0], Module("lora", "ffn.out", 2, 4)))


def test_an_id_is_worked_out_once() -> None:
    """A search asks for it several times for each of its trials whenever one of them ends."""
    architecture = Architecture((Module("lora", "attention.query", 0, 8),))
    assert architecture.id is architecture.id
