"""What vLLM's LoRA loader takes of a folder of peft, by the fields and names that it reads."""

import json
import re

import pytest
import torch
import zoo
from families import config_of
from safetensors import safe_open

from autopelt.architecture.architecture import Architecture
from autopelt.export import vllm
from autopelt.export.peft_folder import write_model
from autopelt.methods.module import Module
from autopelt.modules.attachment import attach

READ = {
    "r": int,
    "lora_alpha": int,
    "target_modules": list,
    "bias": str,
    "use_rslora": bool,
    "use_dora": bool,
}
"""Fields of vllm/lora/peft_helper.py, PEFTHelper, and their types."""

TENSOR = re.compile(r"base_model\.model\.(model\.layers\.\d+\.[a-z_.]+)\.lora_[AB]\.weight")
"""Of vllm/lora/utils.py, parse_fine_tuned_lora_name, for a Llama."""


def written(folder, *modules):
    """A folder of peft of a tiny Llama."""
    model = zoo.make("llama", config=config_of("llama"), generates=True)
    attach(model, Architecture(modules), random_seed=0)
    folder.mkdir(exist_ok=True)
    write_model(model, folder, "causal_lm", "/models/tiny")
    return folder


LORA = (
    Module("lora", "attention.query", 0, 4),
    Module("lora", "ffn.in", 0, 12, alpha=24.0),
    Module("lora", "ffn.out", 2, 20, alpha=30.0),
)


def test_a_lora_of_several_ranks_has_the_fields_and_tensors_that_it_reads(tmp_path):
    folder = written(tmp_path, *LORA)
    config = json.loads((folder / "adapter_config.json").read_text())
    assert {key: type(config[key]) for key in READ} == READ
    assert (config["bias"], config["modules_to_save"]) == ("none", None)
    assert (config["peft_type"], config["task_type"]) == ("LORA", "CAUSAL_LM")
    with safe_open(folder / "adapter_model.safetensors", "pt") as file:
        found = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  # no mapping
    assert {TENSOR.fullmatch(key)[1] for key in found} == set(config["target_modules"])
    assert max(len(v) for k, v in found.items() if "lora_A" in k) == config["r"]


def test_as_it_scales_them_the_weights_are_those_that_were_merged(tmp_path):
    """W + lora_alpha / r · B A with one lora_alpha and one r for all, as PEFTHelper makes it."""
    model = zoo.make("llama", config=config_of("llama"), generates=True)
    attach(model, Architecture(LORA), random_seed=0)
    for parameter in model.autopelt.parameters():
        torch.nn.init.normal_(parameter, generator=torch.Generator().manual_seed(1))
    write_model(model, tmp_path, "causal_lm", "/models/tiny")
    config = json.loads((tmp_path / "adapter_config.json").read_text())
    for module in LORA:
        part = model.autopelt.parts[module.site.replace(".", "/") + f"/{module.method}"]
        place = {"attention.query": "self_attn.q_proj", "ffn.in": "mlp.up_proj"}
        name = f"model.layers.{module.layer}.{place.get(module.location, 'mlp.down_proj')}"
        with safe_open(tmp_path / "adapter_model.safetensors", "pt") as file:
            a, b = (file.get_tensor(f"base_model.model.{name}.lora_{x}.weight") for x in "AB")
        torch.testing.assert_close(config["lora_alpha"] / config["r"] * b @ a, part.delta(None))


def test_the_command_has_the_smallest_rank_it_knows_that_is_enough(tmp_path):
    assert vllm.verdict(written(tmp_path, *LORA), "/out") == (
        "vLLM loads it where it has LoRA for the model: vllm serve /models/tiny --enable-lora "
        "--max-lora-rank 32 --lora-modules tuned=/out"
    )


@pytest.mark.parametrize(
    ("modules", "why"),
    [
        ((Module("dora", "ffn.in", 0, 2),), "without DoRA's magnitudes"),
        ((Module("ia3", "ffn.out", 0, 1),), "takes LoRA, and this is IA3"),
        ((Module("prompt", "embeddings", None, 2),), "this is PROMPT_TUNING"),
        (
            (Module("lora", "ffn.in", 0, 2), Module("layer_norm", "norms", 0, 1)),
            r"no modules that are saved whole \(model.layers.0.input_layernorm, ",
        ),
        ((Module("lora", "ffn.in", 0, 600),), "ranks up to 512, and this has 600"),
    ],
)
def test_what_it_does_not_load_is_said_with_what_it_does(modules, why, tmp_path):
    said = vllm.verdict(written(tmp_path, *modules), "/out")
    assert re.search(why, said)
    assert said.endswith("Serve what autopelt export --to merged writes.")


def test_nothing_is_said_of_a_classifier(tmp_path):
    model = zoo.make("llama", config=config_of("llama"))
    attach(model, Architecture(LORA[:1]), random_seed=0)
    write_model(model, tmp_path, "sequence_classification", "/models/tiny")
    assert vllm.verdict(tmp_path, "/out") is None
