"""Seed architectures: their published counts, their names, how they shrink."""

import json
from dataclasses import replace

import pytest

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.counter import ShapeCounter
from autopelt.architecture.seeds import seed_architecture, seed_names, shrink
from autopelt.backbones.shapes import shapes_from_file
from autopelt.errors import UsageError
from autopelt.methods.by_hand import ByHand
from autopelt.methods.lora import Lora
from autopelt.methods.module import Module
from autopelt.methods.places import CUT, FUSED, LINEAR

BASE = {"model_type": "bert"}
MINILM = {
    "model_type": "bert",
    "hidden_size": 384,
    "num_hidden_layers": 6,
    "num_attention_heads": 12,
    "intermediate_size": 1536,
}


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("configs")
    found = {}
    for name, config in {"base": BASE, "minilm": MINILM}.items():
        (folder / f"{name}.json").write_text(json.dumps(config))
        found[name] = shapes_from_file(folder / f"{name}.json")
    return found


def test_backbones_have_their_published_sizes(shapes):
    assert shapes["base"].backbone_parameters == 109_482_240
    assert shapes["minilm"].backbone_parameters == 22_713_216


@pytest.mark.parametrize(
    ("backbone", "name", "deployed", "trained"),
    [
        ("base", "prefix-10", 184_320, 184_320),
        ("base", "adapter-pfeiffer", 894_528, 894_528),
        ("base", "lora-r8", 294_912, 294_912),
        ("base", "unipelt", 1_410_672, 11_083_376),
        ("base", "unipelt-ap", 1_097_304, None),
        ("base", "pt-unipelt", 1_418_352, 11_091_056),
        ("base", "adapter-parallel", 7_091_712, 7_091_712),
        ("base", "mam", None, 22_493_984),
        ("minilm", "unipelt", 242_088, 2_760_872),
        ("minilm", "pt-unipelt", 245_928, None),
        ("minilm", "lora-r8", 73_728, 73_728),
        ("base", "head-only", 0, 0),
        ("base", "full", 109_482_240, 109_482_240),
    ],
)
def test_counts_come_out_to_the_unit(shapes, backbone, name, deployed, trained):
    counter = ShapeCounter(shapes[backbone])
    count = counter.count(seed_architecture(name, shapes[backbone]))
    assert deployed in (None, count.deployed)
    assert trained in (None, count.trained)


def test_names_with_a_size_have_it_everywhere(shapes):
    minilm = shapes["minilm"]
    counter = ShapeCounter(minilm)
    for name in ("adapter-pfeiffer", "adapter-houlsby", "adapter-parallel", "sapa"):
        whole = seed_architecture(name, minilm)
        sized = [seed_architecture(f"{name}-{size}", minilm) for size in (1, 2, 24)]
        assert [{m.size for m in made.modules} for made in sized] == [{1}, {2}, {24}]
        assert all(len(made.modules) == len(whole.modules) for made in sized)
        if name != "adapter-parallel":  # which has d/2
            assert sized[-1] == whole
    # 2 (d r + r + d): weights and biases down, weights and bias up, of two adapters in six layers
    sapa = seed_architecture("sapa-1", minilm)
    assert counter.count(sapa).deployed == 6 * 2 * (2 * 384 + 1 + 384) == 13_836


def test_counts_of_parts_come_out_to_the_unit(shapes):
    base, counter = shapes["base"], ShapeCounter(shapes["base"])
    with_network = Architecture(
        tuple(Module("prefix", "attention", layer, 10, mlp=512) for layer in range(12))
    )
    assert counter.count(with_network).trained == 9_857_024
    unipelt = seed_architecture("unipelt", base)
    bare = Architecture(
        tuple(Module(m.method, m.location, m.layer, m.size) for m in unipelt.modules)
    )
    assert counter.count(bare).deployed == 1_373_760
    assert counter.count(unipelt).deployed - counter.count(bare).deployed == 36_912
    sixth = Architecture(
        tuple(Module("parallel_adapter", "ffn", layer, 128) for layer in range(12))
    )
    assert counter.count(sixth).deployed == 2_370_048


def test_unipelt_is_the_published_share_of_roberta(tmp_path):
    config = BASE | {
        "model_type": "roberta",
        "vocab_size": 50265,
        "max_position_embeddings": 514,
        "type_vocab_size": 1,
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    roberta = shapes_from_file(tmp_path / "config.json")
    count = ShapeCounter(roberta).count(seed_architecture("unipelt", roberta))
    assert f"{count.trained / count.backbone:.3%}" == "8.892%"


def test_every_listed_name_gives_an_architecture(shapes):
    for name in seed_names():
        ShapeCounter(shapes["base"]).count(seed_architecture(name, shapes["base"]))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("unipel", "did you mean 'unipelt'"),
        ("lora-8", "did you mean 'lora-r8'"),
        ("prefix-", "did you mean 'prefix-[0-9]+'"),
        ("prefix-0", "must be a whole number from 1"),
        ("adapterdrop-12", "at most adapterdrop-11"),
        ("", "unknown seed architecture ''"),
    ],
)
def test_unknown_names_and_impossible_numbers_are_refused(shapes, name, message):
    with pytest.raises(UsageError, match=message):
        seed_architecture(name, shapes["base"])


def test_a_method_names_its_own_hand_made_architectures(shapes, monkeypatch):
    """Complete without an edit elsewhere: any size, on whatever linear maps the backbone has."""
    base = shapes["base"]
    made = seed_architecture("lora-all-r4", base)
    assert {m.size for m in made.modules} == {4}
    assert {m.location for m in made.modules} == {at for at in LINEAR if at in base.locations}
    assert len(made.modules) == 12 * 6
    assert {m.alpha for m in seed_architecture("rslora-r32", base).modules} == {16}
    assert seed_architecture("rslora-r8", base) == seed_architecture("lora-r8", base)
    monkeypatch.setattr(
        Lora, "by_hand", {"two2": ByHand(("ffn.all",)), "x-r2": ByHand(("ffn.in",))}
    )
    assert {"two2", "x-r2"} < set(seed_names())
    assert {(m.location, m.size) for m in seed_architecture("two2", base).modules} == {
        ("ffn.in", 1),
        ("ffn.out", 1),
    }
    assert seed_architecture("x-r3", base).modules[0].size == 3
    with pytest.raises(UsageError, match="did you mean 'x-r2'"):
        seed_architecture("x-r", base)


def test_query_and_value_of_a_map_that_cannot_be_cut_are_that_map(shapes):
    kept = [at for at in shapes["base"].locations if at not in CUT]
    fused = replace(
        shapes["base"],
        locations=(*kept, FUSED),
        linear={**shapes["base"].linear, FUSED: (768, 2304)},
    )
    for name, size in (("lora-r8", 8), ("unipelt", 8)):
        lora = [m for m in seed_architecture(name, fused).modules if m.method == "lora"]
        assert {(m.location, m.size) for m in lora} == {(FUSED, size)}
        assert len(lora) == 12
    count = ShapeCounter(fused).count(seed_architecture("lora-all-r2", fused))
    maps = (768 + 2304) + 2 * 768 + 2 * (768 + 3072)
    assert count.deployed == 12 * 2 * maps


def test_adapterdrop_leaves_the_lowest_layers_alone(shapes):
    made = seed_architecture("adapterdrop-5", shapes["base"])
    assert [m.layer for m in made.modules] == list(range(5, 12))


@pytest.mark.parametrize("backbone", ["base", "minilm"])
@pytest.mark.parametrize("name", ["unipelt", "pt-unipelt", "mam", "adapter-parallel", "lora-r64"])
@pytest.mark.parametrize("share", [0.01, 0.005, 0.001, 0.0002])
def test_shrunk_architectures_fit_and_use_the_budget(shapes, backbone, name, share):
    counter = ShapeCounter(shapes[backbone])
    limit = int(share * shapes[backbone].backbone_parameters)
    whole = seed_architecture(name, shapes[backbone])
    made = shrink(whole, counter, limit)
    assert made is not None
    used = counter.count(made).deployed
    assert 0 < used <= limit
    if used == counter.count(whole).deployed:
        assert made == whole
    elif len(made.modules) == len(whole.modules) and any(m.size > 1 for m in made.modules):
        assert used > 0.6 * limit
    kept = {m.key: m for m in whole.modules}
    for module in made.modules:
        before = kept[module.key]
        assert module.size <= before.size
        assert (module.gate, module.mlp) == (before.gate, before.mlp)


def test_shrinking_drops_the_lowest_layers_when_size_one_is_too_much(shapes):
    counter = ShapeCounter(shapes["minilm"])
    made = shrink(seed_architecture("adapter-pfeiffer", shapes["minilm"]), counter, 3000)
    assert made is not None
    assert [(m.layer, m.size) for m in made.modules] == [(4, 1), (5, 1)]


def test_shrinking_respects_the_sizes_of_a_space(shapes):
    counter = ShapeCounter(shapes["minilm"])
    whole = seed_architecture("adapter-pfeiffer", shapes["minilm"])
    sizes = {("sequential_adapter", "ffn"): (0, 4, 8, 16, 32)}
    made = shrink(whole, counter, 100_000, sizes)
    assert made is not None
    assert {m.size for m in made.modules} == {16}


def test_shrinking_gives_nothing_where_nothing_fits(shapes):
    counter = ShapeCounter(shapes["minilm"])
    assert shrink(seed_architecture("unipelt", shapes["minilm"]), counter, 10) is None
    assert shrink(Architecture(full=True), counter, 1000) is None
    assert shrink(Architecture(), counter, 10) == Architecture()
