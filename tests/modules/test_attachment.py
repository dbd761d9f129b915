"""Attach, detach, count, save and load on a tiny BERT."""

import copy
import subprocess
import sys

import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.counter import ShapeCounter
from autopelt.architecture.seeds import seed_architecture, seed_names
from autopelt.backbones.shapes import shapes_of_model
from autopelt.errors import UnavailableError, UsageError
from autopelt.methods import METHODS
from autopelt.methods.module import Module
from autopelt.modules.attachment import (
    attach,
    attached,
    count_attached,
    detach,
    fold,
    frozen_parameters,
    head_parameters,
)
from autopelt.modules.checkpoint import load, save
from autopelt.modules.parameter_groups import HEAD_LEARNING_RATE, parameter_groups


def tiny_bert(labels=2):
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=50,
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
        num_labels=labels,
    )
    return BertForSequenceClassification(config).eval()


@pytest.fixture
def model():
    return tiny_bert()


@pytest.fixture
def batch():
    ids = torch.randint(5, 50, (3, 9), generator=torch.Generator().manual_seed(1))
    mask = torch.ones_like(ids)
    mask[1, 6:] = 0
    return {"input_ids": ids, "attention_mask": mask}


def logits(model, batch):
    with torch.no_grad():
        return model(**batch).logits


def move(model):
    """Give every attached parameter a value of its own, so nothing is at its start any more."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in model.autopelt.parameters():
            parameter += torch.empty(parameter.shape).normal_(0, 0.1, generator=generator)


def seed(model, name):
    return seed_architecture(name, shapes_of_model(model))


@pytest.mark.parametrize("name", seed_names())
def test_detach_restores_the_model_bit_for_bit(model, batch, name):
    before, state = logits(model, batch), copy.deepcopy(model.state_dict())
    flags = {n: p.requires_grad for n, p in model.named_parameters()}
    attach(model, seed(model, name), random_seed=0, directions={})
    loss = model(**batch, labels=torch.tensor([0, 1, 0])).loss
    loss.backward()
    torch.optim.SGD(
        [p for n, p in model.named_parameters() if p.requires_grad and "classifier" not in n]
        or [torch.nn.Parameter(torch.zeros(1))],
        lr=0.1,
    ).step()
    detach(model)
    assert torch.equal(logits(model, batch), before)
    assert list(model.state_dict()) == list(state)
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())
    assert {n: p.requires_grad for n, p in model.named_parameters()} == flags
    assert attached(model) is None


@pytest.mark.parametrize("name", seed_names())
def test_closed_form_count_equals_what_is_attached(model, name):
    architecture = seed(model, name)
    attach(model, architecture, random_seed=0, directions={})
    assert count_attached(model) == ShapeCounter(shapes_of_model(model)).count(architecture)


@pytest.mark.parametrize("name", [n for n in seed_names() if n != "full"])
def test_gradients_reach_every_module_and_no_backbone_parameter(model, batch, name):
    attach(model, seed(model, name), random_seed=0, directions={})
    move(model)
    model(**batch, labels=torch.tensor([0, 1, 0])).loss.backward()
    assert [n for n, p in model.autopelt.named_parameters() if p.grad is None] == []
    assert all(p.grad is None for p in frozen_parameters(model).values())
    assert all(p.grad is not None for p in head_parameters(model).values())


@pytest.mark.parametrize("name", [n for n in seed_names() if n != "adalora-r8"])  # saved as LoRA
def test_save_and_load_give_the_same_logits_and_the_head(model, batch, name, tmp_path):
    attach(model, seed(model, name), random_seed=0, directions={})
    move(model)
    with torch.no_grad():
        model.classifier.weight.add_(0.1)
    expected = logits(model, batch)
    save(model, tmp_path)
    other = tiny_bert()
    load(other, tmp_path)
    assert attached(other) == attached(model)
    assert torch.equal(logits(other, batch), expected)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "architecture.yaml",
        "weights.safetensors",
    ]


def test_loading_works_in_a_new_process(model, batch, tmp_path):
    attach(model, seed(model, "pt-unipelt"), random_seed=0)
    move(model)
    expected = logits(model, batch)
    save(model, tmp_path / "modules")
    detach(model)
    model.save_pretrained(tmp_path / "model")
    torch.save(batch, tmp_path / "batch")
    program = (
        "import sys, torch; torch.set_num_threads(1); from pathlib import Path\n"
        "from transformers import BertForSequenceClassification as B\n"
        "from autopelt import load\n"
        "p = Path(sys.argv[1]); m = B.from_pretrained(p / 'model').eval(); load(m, p / 'modules')\n"
        "print(m(**torch.load(p / 'batch')).logits.flatten().tolist())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )
    values = [float(part) for part in done.stdout.strip().strip("[]").split(",")]
    assert values == pytest.approx(expected.flatten().tolist(), abs=1e-6)


def test_folding_changes_no_logit_and_leaves_the_deployed_count(model, batch):
    attach(model, seed(model, "unipelt"), random_seed=0)
    move(model)
    before, count = logits(model, batch), count_attached(model)
    assert count.trained > count.deployed
    fold(model)
    assert torch.equal(logits(model, batch), before)
    assert count_attached(model).trained == count_attached(model).deployed == count.deployed


def test_each_method_has_its_own_learning_rate_and_every_parameter_one_group(model):
    architecture = seed(model, "pt-unipelt")
    attach(model, Architecture(architecture.modules, learning_rate_multiplier=2.0), random_seed=0)
    groups = parameter_groups(model, multiplier=0.5)
    assert [g["name"] for g in groups] == [
        "lora",
        "sequential_adapter",
        "prefix",
        "prefix network",
        "prompt",
        "head",
    ]
    held = [id(p) for g in groups for p in g["params"]]
    assert len(held) == len(set(held))
    assert set(held) == {id(p) for p in model.parameters() if p.requires_grad}
    rates = {g["name"]: g["lr"] for g in groups}
    assert rates["prompt"] == pytest.approx(METHODS["prompt"].learning_rate)
    assert rates["head"] == pytest.approx(HEAD_LEARNING_RATE / 2)


def test_the_start_of_a_module_depends_on_the_random_seed_and_itself_alone(model):
    lora = Module("lora", "attention.query", 1, 4)
    starts = []
    for modules, random_seed in [((lora,), 0), ((lora, Module("prefix", "attention", 0, 2)), 0)]:
        torch.manual_seed(len(starts))
        attach(model, Architecture(modules), random_seed=random_seed)
        starts.append(model.autopelt.parts["1/attention/query/lora"].down.clone())
        detach(model)
    attach(model, Architecture((lora,)), random_seed=1)
    assert torch.equal(starts[0], starts[1])
    assert not torch.equal(starts[0], model.autopelt.parts["1/attention/query/lora"].down)


def test_nothing_below_the_lowest_module_keeps_a_graph(model, batch):
    attach(model, Architecture((Module("sequential_adapter", "ffn", 2, 4),)), random_seed=0)
    seen = {}
    for index, layer in enumerate(model.bert.encoder.layer):
        layer.register_forward_hook(
            lambda m, a, out, index=index: seen.update({index: out.requires_grad})
        )
    model(**batch)
    assert seen == {0: False, 1: False, 2: True}


def test_attaching_twice_is_refused(model):
    attach(model, Architecture(), random_seed=0)
    with pytest.raises(UsageError, match="detach it first"):
        attach(model, Architecture(), random_seed=0)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (Module("lora", "attention.query", 3, 4), "highest is 2; layer 3 does not exist"),
        (Module("loar", "attention.query", 0, 4), "did you mean 'lora'"),
        (Module("lora", "attention.qery", 0, 4), "did you mean 'attention.query'"),
        (Module("miss", "ffn.in", 0, 999), "miss at 0/ffn.in cuts inputs into pieces of 999, and"),
        (Module("prefix", "ffn", 0, 4), "no place 'ffn' for this method"),
        (Module("lora", "ffn.in", 0, 4, alpha=8.0, gate="mean"), "replaces alpha"),
        (Module("sequential_adapter", "ffn", 0, 4, mlp=8), "no option 'mlp'"),
    ],
)
def test_a_module_that_cannot_sit_there_is_refused_and_nothing_changes(
    model, batch, module, message
):
    before = logits(model, batch)
    with pytest.raises(UsageError, match=message):
        attach(model, Architecture((module,)), random_seed=0)
    assert attached(model) is None
    assert torch.equal(logits(model, batch), before)


def test_a_module_that_is_no_transformers_model_is_refused():
    with pytest.raises(UsageError, match="a Linear is not a transformers model"):
        attach(torch.nn.Linear(2, 2), Architecture(), random_seed=0)


def test_a_prefix_on_an_attention_that_cannot_carry_it_is_refused(model, batch):
    before = logits(model, batch)
    model.config._attn_implementation = "flash_attention_2"
    modules = (Module("lora", "ffn.in", 0, 2), Module("prefix", "attention", 1, 2))
    with pytest.raises(UsageError, match="'flash_attention_2'; load the model with"):
        attach(model, Architecture(modules), random_seed=0)
    model.config._attn_implementation = "sdpa"
    assert attached(model) is None
    assert torch.equal(logits(model, batch), before)


def test_a_prompt_needs_a_mask_of_tokens(model, batch):
    attach(model, seed(model, "prompt-3"), random_seed=0)
    batch["attention_mask"] = batch["attention_mask"][:, None, None, :]
    with pytest.raises(UsageError, match="2-D attention mask"):
        logits(model, batch)


def test_weights_that_do_not_match_are_refused_with_both_values(model, batch, tmp_path):
    attach(model, seed(model, "lora-r8"), random_seed=0)
    save(model, tmp_path)
    other = tiny_bert(labels=3)
    before = logits(other, batch)
    with pytest.raises(UnavailableError, match=r"shape \(2, 32\), the model needs \(3, 32\)"):
        load(other, tmp_path)
    assert attached(other) is None
    assert torch.equal(logits(other, batch), before)


def test_missing_broken_and_foreign_files_are_refused(model, tmp_path):
    with pytest.raises(UnavailableError, match=r"architecture\.yaml"):
        load(model, tmp_path)
    attach(model, seed(model, "lora-r4"), random_seed=0)
    save(model, tmp_path)
    detach(model)
    weights = (tmp_path / "weights.safetensors").read_bytes()
    (tmp_path / "weights.safetensors").write_bytes(weights[:-10])
    with pytest.raises(UnavailableError, match="not a whole safetensors file"):
        load(model, tmp_path)
    (tmp_path / "weights.safetensors").write_bytes(weights)
    (tmp_path / "architecture.yaml").write_text(Architecture().to_yaml())
    with pytest.raises(UnavailableError, match="not written together"):
        load(model, tmp_path)
    assert attached(model) is None
