"""What is exported to peft computes there what it computes here; what peft has not is refused."""

import json

import pytest
import torch
from zoo import SEQ2SEQ, batch_of, logits_of, make

from autopelt.architecture.architecture import Architecture
from autopelt.backbones.shapes import shapes_of_model
from autopelt.errors import UsageError
from autopelt.export.peft_folder import write_model
from autopelt.methods import METHODS
from autopelt.methods.module import Module
from autopelt.modules import PELTS, LoraModule
from autopelt.modules.attachment import attach
from autopelt.modules.peft_forms import SAVED, NotInPeftError, PeftForm, low_rank_form

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
    assert (logits_of(in_peft(family, folder), batch) - expected).abs().max() <= 1e-5
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


METHODS_HELD = ("dora", "hira", "miss")


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


def test_changes_of_one_rank_are_a_type_of_their_own(tmp_path):
    """MiSS, which peft has without a pattern of ranks; of several ranks it is LoRA there."""
    modules = [Module("miss", place, 1, 5) for place in ("attention.key", "ffn.in", "ffn.out")]
    config = round_trip("bert", attached_to(make("bert"), *modules), tmp_path)
    assert (config["peft_type"], config["r"]) == ("MISS", 5)


def test_the_largest_rank_is_the_setting_and_others_stand_in_patterns(tmp_path):
    small = [Module("lora", "attention.query", layer, 2, alpha=8) for layer in (0, 2)]
    large = [Module("lora", "ffn.in", layer, 8, alpha=16) for layer in (1, 2)]
    config = round_trip("bert", attached_to(make("bert"), *small, *large), tmp_path)
    names = [f"bert.encoder.layer.{layer}.attention.self.query" for layer in (0, 2)]
    assert (config["r"], config["rank_pattern"]) == (8, dict.fromkeys(names, 2))
    assert (config["lora_alpha"], config["alpha_pattern"]) == (16, dict.fromkeys(names, 8))
    assert set(names) < set(config["target_modules"])
    assert config["modules_to_save"] == ["classifier"]


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


def doras(part, sites):
    """LoRA as DoRA: with magnitudes of its own."""
    site = sites.linear(part.layer, part.spec.location)
    magnitude = torch.linspace(0.5, 1.5, site.out_features)
    yield low_rank_form(site, part.down, part.up, 3.0, magnitude)


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


@pytest.mark.parametrize(("family", "location"), [("bert", "ffn.in"), ("gpt2", "attention.key")])
def test_magnitudes_are_those_of_the_rows_and_lora_beside_them_keeps_its_function(
    family, location, tmp_path, with_forms
):
    """One folder holds DoRA or LoRA: LoRA is then DoRA with the norms that it has."""
    with_forms(1, doras)
    modules = [
        Module("lora", location, 1, 2),
        Module("lora", location, 2, 3, alpha=6),
        Module("lora", "attention.value", 2, 1),
    ]
    model = attached_to(make(family), *modules)
    write_model(model, tmp_path, head_of(family), "tiny")
    loaded = in_peft(family, tmp_path)
    assert loaded.peft_config["default"].use_dora
    part = model.autopelt.parts[f"1/{location.replace('.', '/')}/lora"]
    by_hand = make(family)
    attach(by_hand, Architecture(tuple(modules[1:])), random_seed=0)
    for name in ("2/attention/value/lora", f"2/{location.replace('.', '/')}/lora"):
        by_hand.autopelt.parts[name].load_state_dict(model.autopelt.parts[name].state_dict())
    with torch.no_grad():
        if family == "bert":
            weight = by_hand.bert.encoder.layer[1].intermediate.dense.weight
        else:
            weight = by_hand.transformer.h[1].attn.c_attn.weight.T[32:64]
        changed = weight + 3 / 2 * part.up @ part.down
        norms = torch.linspace(0.5, 1.5, len(weight)) / changed.norm(dim=1)
        weight.copy_(norms[:, None] * changed)
    batch = batch_of(family)
    assert (logits_of(loaded, batch) - logits_of(by_hand, batch)).abs().max() <= 1e-5


def test_a_part_that_is_saved_whole_goes_with_every_type(tmp_path, with_forms):
    """A trained norm stands among the modules to save, beside LoRA."""
    model = make("bert")

    def saved(part, sites):
        norm = model.bert.encoder.layer[0].output.LayerNorm
        yield PeftForm(SAVED, norm, {"weight": norm.weight + 0.5, "bias": norm.bias - 0.5})

    with_forms(0, saved)
    model = attached_to(
        model, Module("lora", "ffn.in", 0, 2), Module("lora", "attention.value", 1, 2)
    )
    model.autopelt.parts["0/ffn/in/lora"].up.data.zero_()
    write_model(model, tmp_path, "sequence_classification", "tiny")
    with torch.no_grad():
        norm = model.bert.encoder.layer[0].output.LayerNorm
        norm.weight += 0.5
        norm.bias -= 0.5
    batch = batch_of("bert")
    assert (
        logits_of(in_peft("bert", tmp_path), batch) - logits_of(model, batch)
    ).abs().max() <= 1e-5


def other_type(part, sites):
    yield PeftForm("IA3", sites.linear(part.layer, part.spec.location).module, {})


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
