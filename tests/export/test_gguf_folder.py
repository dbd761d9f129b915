"""What llama.cpp's converter reads: a language model of plain transformers, as it was published."""

import json

import pytest
import torch
from safetensors import safe_open
from tiny_models import CONFIGS, TOKENIZERS
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from autopelt.architecture.architecture import Architecture
from autopelt.backbones.load import load_model
from autopelt.backbones.source import resolve
from autopelt.errors import UnavailableError, UsageError
from autopelt.export import export, gguf_folder
from autopelt.methods.module import Module
from autopelt.modules.attachment import attach, detach
from autopelt.modules.checkpoint import save

LORA = Architecture(
    (Module("lora", "attention.key", 0, 2), Module("lora", "ffn.out", 1, 3, alpha=6.0))
)
IDS = torch.tensor([[5, 9, 7, 30, 2]])


@pytest.fixture
def backbone(tmp_path):
    """A tiny GPT-2 as its authors might have published it: with settings nobody knows today."""
    folder = tmp_path / "backbone"
    config, tokenizer = CONFIGS["gpt2"](), TOKENIZERS["gpt2"]()
    config.vocab_size = len(tokenizer)
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    values = json.loads((folder / "config.json").read_text())
    values |= {"rope_theta_of_old": 10000, "torch_dtype": "bfloat16", "auto_map": {"A": "b.A"}}
    del values["dtype"]
    (folder / "config.json").write_text(json.dumps(values))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return folder


def trained(backbone, tmp_path, head="causal_lm"):
    """What `find_trained` reads, with weights away from their start, and its logits."""
    model = load_model(resolve(str(backbone)), head, 2, random_seed=0)
    attach(model, LORA, random_seed=0)
    with torch.no_grad():
        for parameter in model.autopelt.parameters():
            parameter.normal_(0, 0.3, generator=torch.Generator().manual_seed(parameter.numel()))
        expected = model(IDS).logits
    folder = tmp_path / "trained"
    save(model, folder)
    about = {"format": "autopelt 1", "model": str(backbone), "head": head, "labels": []}
    (folder / "autopelt.json").write_text(json.dumps(about))
    return folder, expected


def test_it_is_a_language_model_of_plain_transformers_as_it_was_published(backbone, tmp_path):
    folder, expected = trained(backbone, tmp_path)
    out = export(folder, "gguf-ready", tmp_path / "out")
    model = AutoModelForCausalLM.from_pretrained(out).eval()
    with torch.no_grad():
        assert (model(IDS).logits - expected).abs().max() < 1e-5
    assert model.dtype == torch.float32
    config = json.loads((out / "config.json").read_text())
    assert config["architectures"] == ["GPT2LMHeadModel"]
    assert config["rope_theta_of_old"] == 10000
    assert "auto_map" not in config
    for name in ("tokenizer.json", "tokenizer_config.json", "merges.txt"):
        assert (out / name).read_bytes() == (backbone / name).read_bytes()
    AutoTokenizer.from_pretrained(out)
    names = [set(safe_open(at / "model.safetensors", "pt").keys()) for at in (out, backbone)]
    assert names[0] == names[1]


def test_a_head_that_gguf_has_not_is_refused(backbone, tmp_path):
    folder, _ = trained(backbone, tmp_path, "sequence_classification")
    with pytest.raises(UsageError, match="gguf has no sequence classification head, only"):
        export(folder, "gguf-ready", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def without_updates(model: PreTrainedModel) -> None:
    """A merge that loses what was attached."""
    detach(model)


def test_what_does_not_answer_as_before_is_not_written(backbone, tmp_path, monkeypatch):
    folder, _ = trained(backbone, tmp_path)
    monkeypatch.setattr(gguf_folder, "merge", without_updates)
    with pytest.raises(UnavailableError, match="answers otherwise in plain transformers"):
        export(folder, "gguf-ready", tmp_path / "out")
    assert not (tmp_path / "out").exists()
