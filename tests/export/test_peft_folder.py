"""What is exported to peft computes there what it computes here; what peft has not is refused."""

import json

import pytest
import torch
import zoo
from families import config_of
from zoo import SEQ2SEQ, batch_of, logits_of

from autopelt.architecture.architecture import Architecture
from autopelt.backbones.shapes import shapes_of_model
from autopelt.errors import UsageError
from autopelt.export.peft_folder import write_model
from autopelt.methods import METHODS
from autopelt.methods.module import Module
from autopelt.modules import PELTS, LoraModule
from autopelt.modules.attachment import attach
from autopelt.modules.peft_forms import NotInPeftError, PeftForm, low_rank_form

FAMILIES = (
    "bert",
    "roberta",
    "distilbert",
    "deberta-v2",
    "modernbert",
    "gpt2",
    "llama",
    "qwen3",
    "t5",
    "bart",
)


def make(family, **options):
    """A tiny model of a family of the table, or of one that is found."""
    return zoo.make(family, config=config_of(family), **options)


def attached_to(model, *modules):
    """Attach modules and move everything that they train away from its start."""
    attach(model, Architecture(tuple(modules)), random_seed=0)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.autopelt.parameters():
            parameter += torch.empty(parameter.shape).normal_(0, 0.2, generator=generator)
    return model


pytestmark = pytest.mark.filterwarnings("ignore:.*gradient_checkpointing:FutureWarning")  # peft's


def in_peft(family, folder, **options):
    """The family's model with what peft loads; a key that is missing or unknown is an error."""
    peft = pytest.importorskip("peft")
    return peft.PeftModel.from_pretrained(make(family, **options), folder).eval()


def head_of(family):
    return "seq2seq" if family in SEQ2SEQ else "sequence_classification"


def round_trip(family, model, folder):
    """Export, load in peft, compare; gives the configuration that was written."""
    write_model(model, folder, head_of(family), "tiny")
    batch = batch_of(family)
    expected = logits_of(model, batch)
    rounded = 1e-5 * max(1.0, expected.abs().max().item())
    assert (logits_of(in_peft(family, folder), batch) - expected).abs().max() <= rounded
    assert not torch.allclose(logits_of(make(family), batch), expected, atol=1e-3)
    return json.loads((folder / "adapter_config.json").read_text())


@pytest.mark.parametrize("family", FAMILIES)
def test_lora_everywhere_is_the_same_in_peft(family, tmp_path):
    """Every linear map, whole or a slice, with other ranks and scales in every layer."""
    model = make(family)
    shapes = shapes_of_model(model)
    modules = [
        Module("lora", location, layer, 1 + (number + layer) % 4, alpha=2.0 * number or None)
        for layer in range(shapes.layers)
        for number, location in enumerate(METHODS["lora"].locations)
        if location in shapes.locations and (layer + number) % 3
    ]
    if hasattr(model, "score"):
        model.score.weight.data.add_(0.3)
    round_trip(family, attached_to(model, *modules), tmp_path)


METHODS_HELD = ("dora", "hira", "miss", "lokr", "vera")


@pytest.mark.parametrize("family", ["bert", "gpt2", "llama"])
@pytest.mark.parametrize("method", METHODS_HELD)
def test_changes_of_linear_maps_are_the_same_in_peft(method, family, tmp_path):
    """With ranks that differ; on a fused map two of them."""
    places = (("attention.query", 0, 2), ("attention.value", 0, 3), ("ffn.out", 1, 2))
    modules = [Module(method, *place) for place in places]
    model = attached_to(make(family), *modules)
    for parameter in model.autopelt.parameters():
        parameter.data *= 4  # HiRA's shares of small weights are seen, too
    round_trip(family, model, tmp_path)


@pytest.mark.parametrize(("method", "size"), [("miss", 5), ("lokr", 99), ("vera", 9)])
def test_changes_of_one_rank_are_a_type_of_their_own(method, size, tmp_path):
    """MiSS, which is LoRA in peft where ranks differ, and LoKr with two whole factors."""
    places = ("attention.key", "ffn.in", "ffn.out")
    modules = [Module(method, place, 1, size) for place in places]
    config = round_trip("bert", attached_to(make("bert"), *modules), tmp_path)
    assert (config["peft_type"], config["r"]) == (method.upper(), size)


def test_the_largest_rank_is_the_setting_and_others_stand_in_patterns(tmp_path):
    small = [Module("lora", "attention.query", layer, 2, alpha=4) for layer in (0, 2)]
    large = [Module("lora", "ffn.in", layer, 8, alpha=16) for layer in (1, 2)]
    config = round_trip("bert", attached_to(make("bert"), *small, *large), tmp_path)
    names = [f"bert.encoder.layer.{layer}.attention.self.query" for layer in (0, 2)]
    assert (config["r"], config["rank_pattern"]) == (8, dict.fromkeys(names, 2))
    assert (config["lora_alpha"], config["alpha_pattern"]) == (16, dict.fromkeys(names, 4))
    assert set(names) < set(config["target_modules"])
    assert config["modules_to_save"] == ["classifier"]


@pytest.mark.parametrize(
    ("one", "other"),
    [((2, 8.0), (8, 16.0)), ((4, 4 * 2**0.5), (16, 16 * 2**0.5)), ((3, 1.0), (3, None))],
)
def test_programs_that_read_no_patterns_scale_every_target_rightly(one, other, tmp_path):
    """lora_alpha / r, both whole numbers, is the scale of all; tensors say their own ranks."""
    modules = [
        Module("lora", place, 1, rank, alpha=alpha)
        for place, (rank, alpha) in zip(("attention.query", "ffn.in"), (one, other), strict=True)
    ]
    config = round_trip("llama", attached_to(make("llama"), *modules), tmp_path)
    ranks = dict.fromkeys(config["target_modules"], config["r"]) | config.get("rank_pattern", {})
    alphas = dict.fromkeys(ranks, config["lora_alpha"]) | config.get("alpha_pattern", {})
    assert {alphas[name] / ranks[name] for name in ranks} == {config["lora_alpha"] / config["r"]}
    assert all(type(alpha) is int for alpha in alphas.values())


@pytest.mark.parametrize("alphas", [(4.0, 6.0, 2.0), (1.0, 5.0, 9.0)])
def test_slices_of_a_fused_map_are_one_lora_of_the_summed_rank(tmp_path, alphas):
    """Equal scales stay the adapter's, others are folded into B."""
    places = ("attention.query", "attention.key", "attention.value")
    modules = [
        Module("lora", place, 1, rank, alpha=alpha)
        for place, rank, alpha in zip(places, (2, 3, 1), alphas, strict=True)
    ]
    config = round_trip("gpt2", attached_to(make("gpt2"), *modules), tmp_path)
    assert config["target_modules"] == ["transformer.h.1.attn.c_attn"]
    assert (config["r"], config["lora_alpha"]) == (6, 12 if alphas[0] == 4 else 6)
    assert config["fan_in_fan_out"]


@pytest.fixture
def with_forms(monkeypatch):
    """Gives one layer's LoRA other forms in peft."""

    def give(layer, forms):
        usual = LoraModule.peft_forms
        monkeypatch.setattr(
            PELTS["lora"],
            "peft_forms",
            lambda part, sites: (forms if part.layer == layer else usual)(part, sites),
        )

    return give


@pytest.mark.parametrize(
    ("family", "methods", "written"),
    [
        ("bert", ("dora", "lora", "adalora"), {"use_dora": True}),
        ("gpt2", ("dora", "lora", "adalora"), {"use_dora": True}),
        ("gpt2", ("miss", "lora"), {"use_dora": False}),
        ("bert", ("miss", "layer_norm"), {"peft_type": "MISS"}),
        ("bert", ("miss", "dora", "layer_norm"), {"use_dora": True}),
    ],
)
def test_methods_that_have_a_form_in_common_share_a_folder(family, methods, written, tmp_path):
    """Also on slices of one map: a LoRA is a DoRA with the norms that it has, MiSS is a LoRA."""
    places = ("attention.key", "attention.value", "ffn.in")
    modules = [
        Module(method, places[(turn + layer) % 3], layer, 2 if "miss" in methods else 1 + turn)
        for turn, method in enumerate(methods)
        for layer in (0, 1, 2)
        if method != "layer_norm"
    ]
    modules += [Module("layer_norm", "norms", 1, 1)] if "layer_norm" in methods else []
    modules += [Module(methods[0], "attention.query", 1, 2)]
    config = round_trip(family, attached_to(make(family), *modules), tmp_path)
    assert written.items() <= config.items()


@pytest.mark.parametrize("method", ["lora", "dora", "ia3"])
@pytest.mark.parametrize("family", ["gemma2", "opt", "gpt_neox"])
def test_what_is_found_in_a_family_is_the_same_in_peft(family, method, tmp_path):
    """No row of the table names these: the names of the maps are the model's own."""
    model = make(family)
    places = ("attention.key", "attention.value", "attention.qkv", "ffn.out")
    there = [place for place in places if place in shapes_of_model(model).locations]
    modules = [Module(method, place, layer, 1) for layer in (0, 1) for place in there]
    round_trip(family, attached_to(model, *modules), tmp_path)


def test_two_that_scale_the_same_outputs_are_refused(tmp_path):
    modules = [Module(method, "ffn.in", 1, 2) for method in ("lora", "dora")]
    with pytest.raises(UsageError, match=r"1/ffn\.in shares its outputs with another one"):
        write_model(attached_to(make("bert"), *modules), tmp_path, "none", "tiny")


def other_type(part, sites):
    yield PeftForm("IA3", sites.linear(part.layer, part.spec.location).module, {})
    raise NotInPeftError("has no other form")


def other_setting(part, sites):
    site = sites.linear(part.layer, part.spec.location)
    form = low_rank_form(site, part.down, part.up, 2)
    yield PeftForm("LORA", form.target, form.tensors, form.config | {"fan_in_fan_out": True})


def in_the_way(part, sites):
    raise NotInPeftError("sits on a map of wood")
    yield


@pytest.mark.parametrize(
    ("forms", "reason"),
    [
        (other_type, "one type, and lora at 1/ffn.in has LORA, lora at 2/ffn.in has IA3"),
        (other_setting, "one fan_in_fan_out, and lora at 1/ffn.in has False, lora at 2/ffn.in"),
        (in_the_way, "lora at 2/ffn.in sits on a map of wood; use"),
    ],
)
def test_a_folder_holds_one_type_with_one_set_of_settings(forms, reason, tmp_path, with_forms):
    with_forms(2, forms)
    modules = [Module("lora", "ffn.in", layer, 2) for layer in (1, 2)]
    with pytest.raises(UsageError, match=reason):
        write_model(attached_to(make("bert"), *modules), tmp_path, "none", "tiny")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("modules", "reason"),
    [
        ((Module("prefix", "attention", 1, 3),), "prefix at 1/attention is kept by peft as tokens"),
        ((Module("lora", "ffn.in", 1, 3, gate="auto"),), "lora at 1/ffn.in has a gate"),
        ((Module("hira", "ffn.in", 1, 3, gate="auto"),), "hira at 1/ffn.in has a gate"),
        ((), "no module is attached"),
    ],
)
def test_what_peft_cannot_say_is_refused(tmp_path, modules, reason):
    with pytest.raises(UsageError, match=reason):
        write_model(attached_to(make("bert"), *modules), tmp_path, "none", "tiny")


@pytest.mark.filterwarnings("ignore:Unsupported layer type:UserWarning")  # peft's, of any norm
@pytest.mark.parametrize("others", [(), ("lora",), ("ia3",)])
@pytest.mark.parametrize("family", ["bert", "qwen3"])
def test_norms_are_the_same_in_peft_also_beside_another_type(family, others, tmp_path):
    """By themselves they are peft's LN_TUNING, beside another type they are saved whole."""
    modules = [Module("layer_norm", "norms", layer, 1) for layer in (0, 2)]
    modules += [Module(other, "ffn.out", 1, 1) for other in others]
    config = round_trip(family, attached_to(make(family), *modules), tmp_path)
    assert config["peft_type"] == (others[0].upper() if others else "LN_TUNING")
    norms = [n for n in config["modules_to_save"] if "norm" in n.lower()]
    assert bool(norms) == bool(others)


@pytest.mark.parametrize("family", ["bert", "gpt2", "llama"])
def test_vectors_of_ia3_are_the_same_in_peft(family, tmp_path):
    """On outputs and inputs, whole maps and two slices of one."""
    places = ("attention.key", "attention.value", "ffn.out")
    modules = [Module("ia3", place, layer, 1) for layer in range(3) for place in places]
    model = attached_to(make(family), *modules)
    config = round_trip(family, model, tmp_path)
    assert len(config["feedforward_modules"]) == 3


@pytest.mark.filterwarnings(
    "ignore:Position ids are not supported:UserWarning"
)  # one text has none
@pytest.mark.parametrize("method", ["prompt", "p_tuning"])
@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_a_prompt_of_a_language_model_is_the_same_in_peft(family, method, tmp_path):
    """Of texts that are padded on the right; and of what is generated, token by token."""
    model = attached_to(make(family, generates=True), Module(method, "embeddings", None, 3))
    write_model(model, tmp_path, "causal_lm", "tiny")
    loaded = in_peft(family, tmp_path, generates=True)
    batch = batch_of(family)
    found = logits_of(loaded, batch)[:, 3:]
    real = batch["attention_mask"].bool()
    assert (found - logits_of(model, batch))[real].abs().max() <= 1e-5
    ids = batch["input_ids"][1:2]
    options = {"attention_mask": torch.ones_like(ids), "max_new_tokens": 4, "min_new_tokens": 4}
    made = [m.generate(input_ids=ids, do_sample=False, **options) for m in (loaded, model)]
    assert torch.equal(made[0], made[1])


@pytest.mark.parametrize(
    ("family", "reason"),
    [
        ("bert", "prompt at embeddings stands behind the first token"),
        ("llama", "is the same in peft for CAUSAL_LM, and the task is SEQ_CLS"),
        ("t5", "is the same in peft for CAUSAL_LM, and the task is SEQ_2_SEQ_LM"),
    ],
)
def test_a_prompt_that_peft_puts_elsewhere_is_refused(family, reason, tmp_path):
    model = attached_to(make(family), Module("prompt", "embeddings", None, 3))
    with pytest.raises(UsageError, match=reason):
        write_model(model, tmp_path, head_of(family), "tiny")


def test_a_map_of_which_all_ranks_were_pruned_has_one_that_changes_nothing(tmp_path):
    modules = [Module("adalora", "ffn.in", layer, 2) for layer in (0, 1)]
    model = attached_to(make("bert"), *modules)
    for layer, size in enumerate((0.0, 3.0)):
        model.autopelt.parts[f"{layer}/ffn/in/adalora"].left.data *= size
    config = round_trip("bert", model, tmp_path)
    assert sorted([config["r"], *config["rank_pattern"].values()]) == [1, 3]
