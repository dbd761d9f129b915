"""A chat's template and what ends an answer go along into every folder of its model."""

import json

import pytest
import torch
from trained_decoder import CHATML, TAGGED, chats, trained_on_chats
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from autopelt.export import export, load_exported, next_step

TURNS = [{"role": "user", "content": "where is the cat ?"}]
pytestmark = pytest.mark.filterwarnings("ignore:.*gradient_checkpointing:FutureWarning")  # peft's


@pytest.fixture(scope="module", params=["own", "given", "none"])
def trained(request, tmp_path_factory):
    """A folder of `autopelt train`, and the template that it was trained with, None: a plain one.

    The published model ends an answer at either of two tokens.
    """
    at = tmp_path_factory.mktemp(request.param)
    own = None if request.param == "none" else CHATML
    named = {"chat_template": TAGGED} if request.param == "given" else {}
    folder = trained_on_chats(at, own, chats(4), **named)
    GenerationConfig(eos_token_id=[2, 4], pad_token_id=2).save_pretrained(at / "model")
    return folder, {"own": CHATML, "given": TAGGED, "none": None}[request.param]


def logits(model, tokenizer):
    ids = tokenizer.apply_chat_template(TURNS, add_generation_prompt=True, return_tensors="pt")
    with torch.no_grad():
        return model(**ids).logits


@pytest.mark.parametrize("to", ["merged", "gguf-ready"])
def test_a_merged_folder_chats_as_what_was_trained(to, trained, tmp_path):
    folder, template = trained
    out = export(folder, to, tmp_path / "out")
    tokenizer = AutoTokenizer.from_pretrained(out)
    model = AutoModelForCausalLM.from_pretrained(out).eval()
    ours, own = load_exported(folder)
    assert tokenizer.chat_template == own.chat_template == (template or tokenizer.chat_template)
    assert tokenizer.chat_template
    assert (logits(model, tokenizer) - logits(ours, own)).abs().max() < 1e-5
    assert model.generation_config.eos_token_id == [2, 4]
    assert "chat_template" not in json.loads((out / "tokenizer_config.json").read_text())


def test_an_exported_folder_knows_the_template(trained, tmp_path):
    folder, template = trained
    out = export(folder, "autopelt", tmp_path / "out")
    _, tokenizer = load_exported(out)
    assert tokenizer.chat_template == load_exported(folder)[1].chat_template
    assert tokenizer.chat_template == (template or tokenizer.chat_template)
    merged = export(out, "merged", tmp_path / "merged")
    assert AutoTokenizer.from_pretrained(merged).chat_template == tokenizer.chat_template


def test_an_adapter_has_the_tokenizer_with_it(trained, tmp_path):
    folder, template = trained
    out = export(folder, "peft", tmp_path / "out")
    tokenizer = AutoTokenizer.from_pretrained(out)
    assert tokenizer.chat_template == (template or load_exported(folder)[1].chat_template)
    assert next_step("peft", out).endswith(f"--chat-template {out}/chat_template.jinja")
    assert "AutoTokenizer.from_pretrained(folder)" in (out / "README.md").read_text()
