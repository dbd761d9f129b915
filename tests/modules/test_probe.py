"""Methods tried on a loaded model: what works passes, what does not is named, the model stays."""

import pytest
import torch
from described_opt import DESCRIPTION, opt
from tiny_media import VIT, WHISPER
from transformers import (
    AutoModel,
    OPTModel,
    PretrainedConfig,
    PreTrainedModel,
    WhisperForAudioClassification,
)
from zoo import make

from autopelt.backbones.description import describe_as, read
from autopelt.backbones.shapes import shapes_of_model
from autopelt.methods import METHODS
from autopelt.methods.module import EMBEDDINGS
from autopelt.modules.attachment import attached
from autopelt.modules.probe import Place, failures
from autopelt.system.yaml import load_yaml


def described(before: str = "", after: str = "") -> OPTModel:
    model = opt()
    describe_as(model.config, read(load_yaml(DESCRIPTION.replace(before, after), "test")))
    return model


def everything(model: PreTrainedModel, *more: str) -> list[Place]:
    there = (*shapes_of_model(model).locations, *more)
    return [(name, at) for name, m in METHODS.items() for at in m.locations if at in there]


@pytest.mark.parametrize("family", ["bert", "t5"])
def test_what_works_passes(family: str) -> None:
    model = AutoModel.from_config(make(family).config).eval()
    assert failures(model, everything(model, EMBEDDINGS)) == {}


@pytest.mark.parametrize("config", [VIT, WHISPER], ids=["vit", "whisper"])
def test_pictures_and_sounds_reach_every_place(config: PretrainedConfig) -> None:
    kinds = WhisperForAudioClassification if config is WHISPER else AutoModel
    model = (kinds(config) if config is WHISPER else kinds.from_config(config)).eval()
    places = everything(model)
    assert {at for _, at in places} >= {"attention.query", "ffn", "attention", "norms"}
    assert failures(model, places) == {}


def test_only_what_does_not_work_is_named_and_the_model_stays() -> None:
    model = described("ffn_output: fc2", "ffn_output: activation_fn")  # 24 wide, not 16
    before = {name: (p.clone(), p.requires_grad) for name, p in model.named_parameters()}
    found = failures(model, everything(model, EMBEDDINGS))
    assert set(found) == {
        (name, at) for name, at in everything(model) if at == "ffn" and "adapter" in name
    }
    assert all("\n" not in why for why in found.values())
    assert attached(model) is None
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, before[name][0])
        assert parameter.requires_grad == before[name][1]
        assert parameter.grad is None


def test_a_module_that_nothing_reaches_is_found() -> None:
    model = described()
    model.decoder.layers[0].forward = lambda states, *args, **kwargs: states
    (why,) = failures(model, [("lora", "ffn.out")]).values()
    assert why == "nothing reaches 0/ffn/out/lora"


def test_a_place_that_the_backbone_lacks_is_not_tried() -> None:
    model = described("  ffn_in: fc1\n", "")
    assert failures(model, [("lora", "ffn.in"), ("lora", "ffn.out")]) == {
        ("lora", "ffn.in"): "the backbone has no such place"
    }


def test_a_model_that_does_not_run_fails_everywhere() -> None:
    model = described()
    model.decoder.layers[0].fc1 = torch.nn.Linear(3, 3)
    found = failures(model, [("lora", "ffn.out")])
    assert "does not run on tokens alone" in found["lora", "ffn.out"]
