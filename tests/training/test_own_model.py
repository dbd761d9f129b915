"""A user's own model: the object stays as it was, whatever a training does with its copies."""

import pytest
import torch
from torch import nn
from transformers import BertConfig, BertForSequenceClassification, BertModel, BertPreTrainedModel

import autopelt
from autopelt.architecture.architecture import Architecture
from autopelt.errors import UnavailableError, UsageError
from autopelt.training.own_model import OwnModel

CONFIG = BertConfig(
    vocab_size=30,
    hidden_size=16,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=32,
    max_position_embeddings=16,
)
IDS = torch.arange(24).reshape(3, 8)
LORA = Architecture.from_yaml(
    "modules: [{layers: 0-1, method: lora, location: attention.query, size: 2}]"
)


class Wrapped(nn.Module):
    """A module of the user's own around a transformers model, with buffers in its head."""

    def __init__(self):
        super().__init__()
        self.encoder = BertModel(CONFIG, add_pooling_layer=False)
        self.norm = nn.BatchNorm1d(16)
        self.out = nn.Linear(16, 3)

    def forward(self, input_ids):
        return self.out(self.norm(self.encoder(input_ids=input_ids).last_hidden_state[:, 0]))


class Subclass(BertPreTrainedModel):
    """A subclass that keeps its backbone under a name that transformers does not expect."""

    def __init__(self, config):
        super().__init__(config)
        self.body = BertModel(config, add_pooling_layer=False)
        self.scorer = nn.Linear(16, 3)
        self.post_init()

    def forward(self, input_ids):
        return self.scorer(self.body(input_ids=input_ids).last_hidden_state[:, 0])


class Plain(BertForSequenceClassification):
    def forward(self, input_ids):
        return super().forward(input_ids=input_ids).logits


def made(kind):
    torch.manual_seed(0)
    return (kind() if kind is Wrapped else kind(CONFIG)).eval()


def state(model):
    flags = {name: (p.requires_grad, p.grad is None) for name, p in model.named_parameters()}
    hooks = sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())
    return {k: v.clone() for k, v in model.state_dict().items()}, flags, model.training, hooks


def trained(model, steps=3):
    model.train()
    optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.1)
    for _ in range(steps):
        model(IDS).square().sum().backward()
        optimiser.step()
    return model.eval()


@pytest.mark.parametrize("kind", [Plain, Subclass, Wrapped])
@pytest.mark.parametrize("architecture", [LORA, Architecture(full=True)], ids=["lora", "full"])
def test_the_users_object_is_as_before_and_what_was_learnt_comes_back(kind, architecture, tmp_path):
    model = made(kind)
    before, out = state(model), model(IDS)
    own = OwnModel(model)
    copy = trained(own.with_modules(architecture, 1))
    after = state(model)
    assert all(torch.equal(before[0][name], after[0][name]) for name in before[0])
    assert before[1:] == after[1:]
    assert torch.equal(model(IDS), out)
    assert not torch.allclose(copy(IDS), out)

    own.save(copy, tmp_path)
    again = OwnModel(made(kind)).load(tmp_path).eval()
    torch.testing.assert_close(again(IDS), copy(IDS))


@pytest.mark.parametrize("kind", [Plain, Subclass, Wrapped])
def test_modules_and_head_are_trained_and_nothing_else(kind):
    own = OwnModel(made(kind))
    copy = own.with_modules(LORA, 1)
    free = {name for name, p in copy.named_parameters() if p.requires_grad}
    head = {n for n in free if "autopelt." not in n}
    assert len(free - head) == 2 * 2  # two matrices in each of two layers
    assert all(n.split(".")[0] in ("classifier", "norm", "out", "scorer") for n in head)
    assert sum(dict(copy.named_parameters())[n].numel() for n in head) == own.head


def test_frozen_weights_are_not_there_twice():
    model = made(Plain)
    copy = OwnModel(model).with_modules(LORA, 1)
    name = "bert.encoder.layer.0.attention.self.query.weight"
    assert copy.get_parameter(name).data_ptr() == model.get_parameter(name).data_ptr()
    copy.half()
    assert model.get_parameter(name).dtype == torch.float32


def test_a_frozen_head_stays_frozen_and_what_is_named_trains():
    model = made(Plain)
    model.classifier.requires_grad_(False)
    own = OwnModel(model, trainable=["bert.pooler", "*LayerNorm.bias"])
    copy = own.with_modules(LORA, 1)
    free = [n for n, p in copy.named_parameters() if p.requires_grad and "autopelt." not in n]
    assert "classifier.weight" not in free
    assert "bert.pooler.dense.weight" in free
    assert len(free) == 2 + 5  # pooler; the embeddings' norm and two in each layer
    assert own.head == 16 * 16 + 16 + 5 * 16
    trained(copy)
    assert torch.equal(model.bert.pooler.dense.weight, made(Plain).bert.pooler.dense.weight)


def test_writing_into_frozen_weights_is_noticed():
    own = OwnModel(made(Plain))
    before = own.written()
    copy = own.with_modules(LORA, 1)
    assert own.written() == before
    with torch.no_grad():
        copy.bert.embeddings.word_embeddings.weight.mul_(2)
    changed = [n for n, times in own.written().items() if times != before[n]]
    assert changed == ["bert.embeddings.word_embeddings.weight"]


def two():
    pair = nn.Module()
    pair.left, pair.right = BertModel(CONFIG), BertModel(CONFIG)
    return pair


def with_lock():
    import threading

    model = made(Plain)
    model.lock = threading.Lock()
    return model


def carrying():
    model = made(Plain)
    autopelt.attach(model, LORA)
    return model


@pytest.mark.parametrize(
    ("model", "more", "told"),
    [
        (lambda: "minilm", {}, "model is a str; give a torch.nn.Module that is, or holds"),
        (lambda: nn.Linear(2, 2), {}, "a Linear, is no transformers model .* and holds none"),
        (two, {}, r"holds several \(left, right\); name one: backbone='left'"),
        (two, {"backbone": "middle"}, "backbone='middle' is no .*there are: 'left', 'right'"),
        (lambda: made(Plain), {"trainable": ["bert.poler"]}, "trainable='bert.poler' names no"),
        (carrying, {}, "carries an architecture already; autopelt.detach it first"),
    ],
)
def test_a_model_that_cannot_be_searched_says_why(model, more, told):
    with pytest.raises(UsageError, match=told):
        OwnModel(model(), **more)


def test_a_model_that_cannot_be_copied_says_what_is_in_the_way():
    with pytest.raises(UsageError, match=r"cannot be copied \(TypeError: .*lock"):
        OwnModel(with_lock()).copy()


def test_one_of_several_can_be_named():
    own = OwnModel(two(), backbone="right")
    copy = own.with_modules(LORA, 0)
    assert autopelt.attached(copy.right) == LORA
    assert autopelt.attached(copy.left) is None


def test_weights_of_another_model_are_refused(tmp_path):
    own = OwnModel(made(Wrapped))
    own.save(own.with_modules(LORA, 0), tmp_path)
    with pytest.raises(UnavailableError, match=r"has 'norm\.|has 'out\."):
        OwnModel(made(Subclass).body).load(tmp_path)
