"""Seed architectures of a study: a third at most, in both rates, what space and budget allow."""

from pathlib import Path

import pytest
import yaml
from closed_form import shapes_of
from hypothesis import given, settings
from hypothesis import strategies as st
from small_search import plan
from tiny_data import generation
from tiny_models import CONFIGS, TOKENIZERS
from transformers import AutoModelForCausalLM, LlamaConfig

from autopelt.architecture.counter import ShapeCounter
from autopelt.backbones.load import load_config
from autopelt.backbones.shapes import shapes_of_config
from autopelt.backbones.source import resolve
from autopelt.study.config import StudyConfig
from autopelt.workflows.entries import Entry, first_rates, seed_entries

SHAPES = shapes_of(6, 384)
COUNTER = ShapeCounter(SHAPES)
THREE = {
    "name": "three",
    "modules": [{"method": "sequential_adapter", "location": "ffn", "sizes": [0, 6, 12]}],
    "learning_rate_multiplier": [0.5, 1, 2],
}


def entries(share: float = 0.001, **given: object) -> list[Entry]:
    config = StudyConfig.build({"task": "rte"} | given, "test")
    limit = int(share * SHAPES.backbone_parameters)
    return list(seed_entries(config, SHAPES, COUNTER, limit))


def written(width: int = 576, share: float = 0.003, **given: object) -> list[Entry]:
    """Of a decoder like Llama that writes text."""
    shapes = shapes_of_config(
        LlamaConfig(
            vocab_size=500, hidden_size=width, intermediate_size=width * 8 // 3,
            num_hidden_layers=4, num_attention_heads=8, num_key_value_heads=2,
        )
    )  # fmt: skip
    config = StudyConfig.build({"task": "rte"} | given, "test")
    limit = int(share * shapes.backbone_parameters)
    return list(seed_entries(config, shapes, ShapeCounter(shapes), limit, head=False))


def labels(share: float = 0.001, **given: object) -> list[str]:
    return [entry.label for entry in entries(share, **given)]


def test_the_first_of_the_default_space_in_order() -> None:
    assert labels(trials=44) == [
        *("unipelt~", "pt-unipelt~", "adapter-pfeiffer~", "adapter-pfeiffer~ x4", "head-only"),
        *("ia3 x4", "sapa~ x4", "sapa~", "lora-r8~", "lora-r8~ x4"),
        *("adapter-pfeiffer-1 x4", "lora-r1 x4", "ia3", "unipelt~ x4"),
    ]


def test_layer_norms_come_where_a_backbone_has_them() -> None:
    shapes = shapes_of_config(load_config(resolve("minilm")))
    config = StudyConfig.build({"task": "rte", "trials": 44}, "test")
    counter = ShapeCounter(shapes)
    made = [e.label for e in seed_entries(config, shapes, counter, 10_000)]
    assert made.index("ia3~ x4") < made.index("layer-norm x4") < made.index("ia3~")


@given(
    trials=st.integers(1, 150),
    more=st.integers(0, 60),
    share=st.sampled_from([0.0003, 0.001, 0.01, 0.05]),
    space=st.sampled_from(["mixed", "pelt", "lora", "autopeft", "tiny", THREE]),
)
@settings(max_examples=80)
def test_a_third_of_a_study_at_most_and_more_trials_add_to_the_end(
    trials: int, more: int, share: float, space: object
) -> None:
    given = {"space": space}
    made = entries(share, trials=trials, **given)
    longer = entries(share, trials=trials + more, **given)
    assert len(made) <= max(min(2, trials), trials // 3)
    assert longer[: len(made)] == made
    assert len({entry.architecture.id for entry in made}) == len(made)
    assert len({entry.label for entry in made}) == len(made)
    limit = int(share * SHAPES.backbone_parameters)
    for entry in made:
        cost = COUNTER.count(entry.architecture).deployed
        assert cost <= 2 * limit
        assert entry.architecture.learning_rate_multiplier in (1.0, 2.0, 4.0)
        assert entry.label.endswith(f" x{entry.architecture.learning_rate_multiplier:g}") or (
            entry.architecture.learning_rate_multiplier == 1.0
        )


def test_what_is_over_the_budget_comes_as_it_is_only_near_to_it() -> None:
    far, near = labels(trials=60), labels(0.008, trials=60)
    assert "unipelt" not in far
    assert "unipelt" not in labels(0.01, trials=60)  # as `unipelt~` it is nearly the same
    assert {"unipelt", "pt-unipelt"} <= set(near)
    assert near.index("unipelt") > near.index("pt-unipelt~ x4")  # after what is within it
    assert "unipelt x4" not in near


def test_a_space_has_the_seeds_that_it_can_say() -> None:
    of = {name: labels(0.01, space=name, trials=60) for name in ("lora", "autopeft", "tiny")}
    assert {name.split("-")[0] for name in of["lora"]} == {"lora", "head"}
    assert of["lora"][:4] == ["head-only", "lora-r8", "lora-r8 x4", "lora-r1 x4"]
    assert not any("lora" in name or "unipelt" in name for name in of["autopeft"])
    assert {"adapter-pfeiffer", "sapa", "mam~"} <= set(of["autopeft"])
    assert not any("sapa" in name for name in of["tiny"])
    assert of["tiny"][:2] == ["unipelt~", "pt-unipelt~"]


def test_rates_are_those_that_the_space_offers() -> None:
    offered = {
        "[0.5, 1, 2]": (1.0, 2.0),
        "[0.5]": (0.5, 0.5),
        "{from: 0.125, to: 8}": (1.0, 4.0),
        "{from: 0.5, to: 3}": (1.0, 3.0),
        "{from: 3, to: 5}": (3.0, 4.24),
    }
    for rates, (own, high) in offered.items():
        space = THREE | {"learning_rate_multiplier": yaml.safe_load(rates)}
        made = {
            e.architecture.learning_rate_multiplier
            for e in entries(0.01, space=space, trials=30)
            if e.label.startswith("adapter-pfeiffer")
        }
        assert made == {own, high}, rates


def test_what_a_user_names_comes_as_it_is_and_shrunk() -> None:
    made = labels(trials=9, seed_architectures=("unipelt", "lora-r8"))
    assert made == ["unipelt", "lora-r8", "unipelt~", "lora-r8~"]
    longer = labels(trials=18, seed_architectures=("unipelt", "lora-r8"))
    assert longer == [*made, "unipelt~ x4", "lora-r8~ x4"]
    assert labels(seed_architectures=(), trials=60) == []


@pytest.mark.parametrize("trials", [14, 30, 60])
def test_a_plan_has_them_first(tiny_bert: Path, trials: int) -> None:
    made = plan(tiny_bert, trials=trials)
    assert [e.origin for e in made.first] == ["seed"] * len(made.seeds)
    assert 2 <= len(made.seeds) <= trials // 3


def test_a_study_of_a_decoder_begins_with_what_its_users_make(tmp_path: Path) -> None:
    model = CONFIGS["gpt2"]()
    tokenizer = TOKENIZERS["gpt2"]()
    model.vocab_size = len(tokenizer)
    AutoModelForCausalLM.from_config(model).save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    task, _ = generation(tmp_path)
    made = plan(tmp_path / "model", task=task.spec, space="lora", budget="2%", trials=2)
    for entry in made.seeds:
        cost = made.counter.count(entry.architecture).deployed
        assert 0 < cost <= made.limit, "something to train, within the budget"
        assert {m.method for m in entry.architecture.modules} == {"lora"}
    assert [entry.label for entry in made.seeds] == ["lora-r8~", "lora-all-r8~"]


def test_ranks_on_three_sets_of_maps_at_three_rates() -> None:
    made = [e.label for e in written(share=0.05, space="lora", trials=60)]
    assert made[:4] == ["lora-r8", "lora-all-r8", "lora-r8 x4", "lora-all-r2"]
    assert {"lora-r8 x0.21", "lora-attention-r8", "rslora-all-r64~", "lora-r32"} <= set(made)
    assert all("lora" in label for label in made)
    modern = [e.label for e in written(share=0.05, space="modern", trials=60)]
    assert {"ia3", "ia3 x4", "lora-r8", "lora-all-r8", "rslora-r64"} <= set(modern)
    assert "prefix-10" not in modern


@pytest.mark.parametrize("space", ["pelt", "lora", "modern", "autopeft", "tiny", "all"])
@pytest.mark.parametrize("trials", [2, 60])
def test_a_decoder_without_a_head_trains_something_within_the_budget(
    space: str, trials: int
) -> None:
    made = written(space=space, trials=trials)
    assert made
    assert all(entry.architecture.modules for entry in made)
    if space in ("lora", "pelt", "modern"):
        assert all("lora" in entry.label for entry in made[:3])
    assert "unipelt" not in {entry.label for entry in made}  # over the budget


def test_the_usual_rate_of_a_wide_decoder_is_nearly_its_own() -> None:
    wide = [e.label for e in written(4096, share=0.05, space="lora", trials=60)]
    assert "lora-r8" in wide
    assert not any("x0." in label for label in wide)  # 1.9e-4 is 2e-4


@pytest.mark.parametrize(
    ("factor", "rates"), [(1, (1, 4)), (2, (1, 2)), (4, (1, 1)), (8, (1, 0.5)), (32, (1, 0.125))]
)
def test_where_all_rates_are_raised_they_enter_at_four_times_their_methods_own_as_well(
    factor: float, rates: tuple[float, float]
) -> None:
    flags = {"task": "rte", "training": {"learning_rate_factor": factor}}
    assert first_rates(StudyConfig.build(flags, "test")) == rates
