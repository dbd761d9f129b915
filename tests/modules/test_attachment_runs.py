"""An attached model in the ways people run it: Trainer, bf16 autocast, torch.compile."""

import copy

import pytest
import torch
from torch.utils.data import Dataset
from transformers import (
    BartConfig,
    BartModel,
    BertConfig,
    BertForSequenceClassification,
    GPT2Config,
    GPT2LMHeadModel,
    Trainer,
    TrainingArguments,
)

import autopelt
from autopelt.architecture.architecture import Architecture
from autopelt.architecture.seeds import seed_architecture
from autopelt.backbones.shapes import shapes_of_model
from autopelt.errors import UsageError
from autopelt.methods.module import Module
from autopelt.modules.attachment import frozen_parameters

SMALL = {"vocab_size": 50, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def tiny_bert():
    torch.manual_seed(0)
    config = BertConfig(**SMALL, intermediate_size=64, max_position_embeddings=64, num_labels=2)
    return BertForSequenceClassification(config)


def put(model, name):
    autopelt.attach(model, seed_architecture(name, shapes_of_model(model)), random_seed=0)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.autopelt.parameters():
            parameter += torch.empty(parameter.shape).normal_(0, 0.1, generator=generator)
    return model


class Parity(Dataset):
    """Does token 7 occur? Learnable by any module that moves attention or the FFN."""

    def __len__(self):
        return 64

    def __getitem__(self, index):
        generator = torch.Generator().manual_seed(index)
        ids = torch.randint(10, 50, (8,), generator=generator)
        if index % 2:
            ids[::2] = 7
        return {
            "input_ids": ids,
            "attention_mask": torch.ones_like(ids),
            "labels": torch.tensor(index % 2),
        }


def test_the_real_trainer_trains_only_what_is_attached_and_the_head(tmp_path):
    model = tiny_bert()
    autopelt.attach(model, seed_architecture("pt-unipelt", shapes_of_model(model)), random_seed=0)
    frozen = {n: p.clone() for n, p in frozen_parameters(model).items()}
    trained = {n: p.clone() for n, p in model.named_parameters() if p.requires_grad}
    arguments = TrainingArguments(
        output_dir=str(tmp_path),
        max_steps=40,
        per_device_train_batch_size=16,
        learning_rate=1e-2,
        report_to=[],
        disable_tqdm=True,
        use_cpu=True,
        save_strategy="steps",
        save_steps=40,
        logging_strategy="no",
        dataloader_pin_memory=False,
    )
    trainer = Trainer(model=model, args=arguments, train_dataset=Parity(), eval_dataset=Parity())
    before = trainer.evaluate()["eval_loss"]
    trainer.train()
    assert trainer.evaluate()["eval_loss"] < before - 0.05
    assert all(torch.equal(p, frozen[n]) for n, p in frozen_parameters(model).items())
    now = dict(model.named_parameters())
    assert [n for n, p in trained.items() if torch.equal(p, now[n])] == []
    autopelt.save(model, tmp_path / "saved")
    expected = trainer.evaluate()["eval_loss"]
    other = tiny_bert().eval()
    autopelt.load(other, tmp_path / "saved")
    again = Trainer(model=other, args=arguments, eval_dataset=Parity()).evaluate()["eval_loss"]
    assert again == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", ["pt-unipelt", "mam", "sapa", "lora-r4", "p-tuning-3"])
def test_bf16_autocast_trains_and_stays_close_to_fp32(name):
    model = put(tiny_bert().eval(), name)
    ids = torch.randint(5, 50, (3, 9), generator=torch.Generator().manual_seed(1))
    mask = torch.ones_like(ids)
    mask[1, 6:] = 0
    batch = {"input_ids": ids, "attention_mask": mask, "labels": torch.tensor([0, 1, 0])}
    plain = model(**batch)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast = model(**batch)
    assert cast.logits.dtype == torch.bfloat16
    assert torch.allclose(cast.logits.float(), plain.logits, atol=0.05)
    cast.loss.backward()
    assert all(p.grad is not None for p in model.autopelt.parameters())
    assert all(p.dtype == p.grad.dtype == torch.float32 for p in model.autopelt.parameters())


def _causal():
    torch.manual_seed(0)
    return GPT2LMHeadModel(GPT2Config(vocab_size=50, n_embd=32, n_layer=2, n_head=4))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "name"), [(tiny_bert, "pt-unipelt"), (tiny_bert, "sapa"), (_causal, "unipelt")]
)
def test_torch_compile_makes_one_graph_without_breaks(kind, name):
    model = put(kind().eval(), name)
    ids = torch.randint(5, 50, (3, 9), generator=torch.Generator().manual_seed(1))
    mask = torch.ones_like(ids)
    mask[1, 6:] = 0
    expected = model(ids, attention_mask=mask).logits
    torch._dynamo.reset()
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    assert torch.allclose(compiled(ids, attention_mask=mask).logits, expected, atol=1e-5)
    again = copy.deepcopy(model)
    assert torch.allclose(again(ids, attention_mask=mask).logits, expected, atol=1e-6)


@pytest.mark.parametrize("family", ["gpt2", "bart"])
def test_a_prompt_that_leaves_the_table_of_positions_is_one_line(family: str) -> None:
    """Without the check torch says `index out of range in self`, and a GPU dies of it."""
    if family == "gpt2":
        model = GPT2LMHeadModel(
            GPT2Config(vocab_size=50, n_positions=16, n_embd=32, n_layer=2, n_head=4)
        )
    else:
        sizes = {"encoder_layers": 2, "decoder_layers": 2, "d_model": 32, "vocab_size": 50}
        heads = {"encoder_attention_heads": 4, "decoder_attention_heads": 4}
        widths = {"encoder_ffn_dim": 64, "decoder_ffn_dim": 64}
        model = BartModel(BartConfig(**sizes, **heads, **widths, max_position_embeddings=16))
    model.eval()
    prompt = Module("prompt", "embeddings", None, 4)
    autopelt.attach(model, Architecture((prompt,)), random_seed=0)
    model(input_ids=torch.full((1, 12), 7))
    with pytest.raises(UsageError, match=r"prompt 4 and 13 tokens .* 16 positions; .*length=12 or"):
        model(input_ids=torch.full((1, 13), 7))
