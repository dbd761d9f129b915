"""What must hold on every family that is found: one architecture with a bit of everything."""

import copy
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import transformers
import yaml
from families import FOUND, config_of
from transformers import AutoModel
from zoo import batch_of

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.counter import ShapeCounter
from autopelt.backbones.backbone import Backbone
from autopelt.backbones.boundary import has_boundaries, starting_at, states_at
from autopelt.backbones.head import HEADS, head_of, head_size
from autopelt.backbones.shapes import shapes_of_config, shapes_of_model
from autopelt.errors import UsageError
from autopelt.methods import METHODS, check
from autopelt.methods.module import Module
from autopelt.modules.attachment import (
    attach,
    attachment,
    count_attached,
    detach,
    frozen_parameters,
)
from autopelt.modules.checkpoint import load, save
from autopelt.modules.rows import Rows, RowwiseSites
from autopelt.training.population import alone_because

families = pytest.mark.parametrize("family", FOUND)
GOLDEN = yaml.safe_load((Path(__file__).parents[1] / "backbones/places.yaml").read_text("utf-8"))
EXPERTS = ("mixtral", "qwen3_moe", "llama4_text")
"""Their experts are multiplied in groups, which torch does not do in float64."""
LINEAR = METHODS["lora"].locations


@lru_cache
def _warm(family):
    torch.manual_seed(0)
    model = AutoModel.from_config(config_of(family)).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() > 1 and "embed" not in name:
                parameter.mul_(3.0)
    return model.float() if family in EXPERTS else model.double()


@pytest.fixture
def model(family):
    warm = _warm(family)
    yield warm
    detach(warm)
    warm.zero_grad()


def everything(model):
    """Every method of the first hour, wherever the family has a place for it."""
    shapes = shapes_of_model(model)
    wanted = [Module("lora", at, layer, 2) for at in LINEAR for layer in range(shapes.layers)]
    for layer in range(shapes.layers):
        wanted += [
            Module("sequential_adapter", "attention", layer, 2, "auto"),
            Module("sequential_adapter", "ffn", layer, 3),
            Module("parallel_adapter", "ffn", layer, 2, "auto"),
            Module("prefix", "attention", layer, 1 + layer, "auto"),
        ]
    wanted.append(Module("prompt", "embeddings", None, 3))
    return Architecture(tuple(module for module in wanted if _fits(module, shapes)))


def _fits(module, shapes):
    try:
        check(module, shapes)
    except UsageError:
        return False
    return True


def put(model, architecture):
    attach(model, architecture, random_seed=3)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for name, parameter in model.autopelt.named_parameters():
            parameter += torch.empty(parameter.shape).normal_(0, 0.3, generator=generator)
            if name.endswith("down_bias"):
                parameter += 1.0  # so that no unit of a bottleneck is dead


def inputs_for(model, padding=0):
    batch = batch_of("bert", padding=padding)
    if model.config.is_encoder_decoder:
        batch["decoder_input_ids"] = batch_of("t5")["decoder_input_ids"]
    return batch


def states_of(model, batch):
    """The last states of real tokens, in one row."""
    with torch.no_grad():
        states = model(**batch).last_hidden_state
    if model.config.is_encoder_decoder:
        return states.flatten(0, 1)
    return states[batch["attention_mask"].bool()]


@families
def test_what_is_attached_works_counts_and_goes_again(model, family, tmp_path):
    architecture, batch = everything(model), inputs_for(model)
    before, state = states_of(model, batch), copy.deepcopy(model.state_dict())
    for module in architecture.modules:
        # One alone, so that no other hides that it does nothing.
        if module.layer in (None, 0):
            put(model, Architecture((module,)))
            assert not torch.allclose(states_of(model, batch), before, atol=1e-5), module.site
            detach(model)

    put(model, architecture)
    assert count_attached(model) == ShapeCounter(shapes_of_model(model)).count(architecture)
    changed = states_of(model, batch)

    model(**batch).last_hidden_state.square().mean().backward()
    for name, parameter in model.autopelt.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name
    assert all(p.grad is None for p in frozen_parameters(model).values())

    padded = states_of(model, inputs_for(model, padding=6))
    # Some attentions compute in float32 whatever the model is in.
    assert torch.allclose(padded, changed, atol=2e-5 * changed.abs().max().item())

    save(model, tmp_path)
    detach(model)
    assert torch.equal(states_of(model, batch), before)
    assert list(model.state_dict()) == list(state)
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())
    load(model, tmp_path)
    assert torch.equal(states_of(model, batch), changed)


def test_what_a_family_lacks_is_named():
    shapes = shapes_of_config(config_of("bloom"))
    with pytest.raises(UsageError, match=r"a bloom backbone attention\.keys are out of reach\."):
        check(Module("prefix", "attention", 0, 2), shapes)
    with pytest.raises(UsageError, match=r"no place 'attention\.query'.*attention\.qkv"):
        check(Module("lora", "attention.query", 0, 2), shapes)


SHARED = ("phi3", "phi", "gemma3_text", "mixtral", "opt", "starcoder2", "eurobert")
"""A fused map, one branch beside the other, norms round both, experts, tokens in one row, causal or
not."""


@pytest.mark.parametrize("family", SHARED)
def test_architectures_that_share_a_pass_are_as_if_alone(model, family):
    whole, batch = everything(model), inputs_for(model)
    shares = [m for m in whole.modules if m.layer is not None]
    both = [Architecture(tuple(shares[::2])), Architecture(tuple(shares[1::2]))]
    rows = Rows()
    shared = RowwiseSites(Backbone(model), rows)
    alone, made = [], []
    for architecture in both:
        put(model, architecture)
        alone.append(states_of(model, batch))
        made.append(attachment(model))
        detach(model)
    for number, attached in enumerate(made):
        for pelt in attached.pelts():
            pelt.install(shared.of(number))
    try:
        rows.members = (0, 1)
        wide = {key: value.repeat(2, 1) for key, value in batch.items()}
        parts = states_of(model, wide).chunk(2)
    finally:
        for attached in made:
            attached.remove()
        shared.remove()
    for part, own in zip(parts, alone, strict=True):
        torch.testing.assert_close(part, own, atol=2e-5, rtol=2e-4)


@pytest.mark.parametrize(("family", "shares"), [("gemma3_text", True), ("xlnet", False)])
def test_only_rows_that_are_texts_are_shared(family, shares):
    """XLNet's first axis is that of tokens."""
    kind = transformers.AutoModelForSequenceClassification
    context = SimpleNamespace(
        model=kind.from_config(config_of(family)), task=SimpleNamespace(one_pass=True)
    )
    architecture = Architecture((Module("lora", "ffn.in", 0, 2),))
    assert (not alone_because(architecture, context)) == shares


@families
def test_every_head_is_known(family):
    for kind, outputs in heads_of(family).items():
        config = config_of(family)
        config.num_labels = outputs
        with torch.device("meta"):
            model = getattr(transformers, HEADS[kind]).from_config(config)
        head = head_of(model)
        assert len(Backbone(model).layers) == shapes_of_model(model).layers > 0
        assert sum(p.numel() for p in head.values()) == head_size(config_of(family), kind, outputs)
        assert bool(head) == ("classification" in kind or kind == "question_answering")


@pytest.mark.parametrize("family", [f for f in FOUND if "boundaries" not in GOLDEN[f]])
def test_a_pass_may_start_at_a_layer(model, family):
    backbone = Backbone(model)
    assert has_boundaries(backbone) != model.config.is_encoder_decoder
    if model.config.is_encoder_decoder:
        return
    batch = inputs_for(model)
    before = states_of(model, batch)
    with torch.no_grad():
        states = states_at(backbone, 1, lambda: model(**batch))
    with starting_at(backbone, 1) as feed:
        feed.states = states
        assert torch.equal(states_of(model, batch), before)


def heads_of(family):
    """The task heads of a family in transformers, and a number of outputs."""
    outputs = {"sequence_classification": 3, "token_classification": 3, "question_answering": 2}
    mapped = {kind: getattr(transformers, auto)._model_mapping for kind, auto in HEADS.items()}
    config = type(config_of(family))
    return {kind: outputs.get(kind, 2) for kind, known in mapped.items() if config in known}
