"""Architectures that share a batch compute what each computes alone, on every family that can."""

import pytest
import torch
from zoo import CONFIGS, SEQ2SEQ, batch_of, logits_of, make

from autopelt.architecture.architecture import Architecture
from autopelt.backbones.backbone import Backbone
from autopelt.errors import UsageError
from autopelt.methods.module import Module
from autopelt.modules.attachment import attach, attachment, detach
from autopelt.modules.rows import Rows, RowwiseSites
from autopelt.training.population import ALONE

FAMILIES = sorted(set(CONFIGS) - set(SEQ2SEQ) - set(ALONE))
GATED = Architecture(
    (
        Module("prefix", "attention", 1, 3, gate="auto"),
        Module("lora", "attention.query", 1, 2, gate="auto"),
        Module("dora", "attention.query", 1, 2),
        Module("hira", "ffn.out", 0, 2, gate="auto"),
        Module("lokr", "ffn.in", 1, 2, gate="auto"),
        Module("sequential_adapter", "ffn", 1, 4, gate="auto"),
        Module("parallel_adapter", "ffn", 2, 4, gate="auto"),
    )
)
PLAIN = Architecture(
    (
        Module("prefix", "attention", 1, 5),
        Module("lora", "attention.value", 0, 2),
        Module("dora", "attention.value", 0, 2),
        Module("miss", "attention.query", 1, 3),
        Module("vera", "attention.query", 1, 3),
        Module("parallel_adapter", "ffn", 0, 4),
        Module("sequential_adapter", "ffn", 0, 4),
        Module("sequential_adapter", "attention", 2, 4),
        Module("ia3", "attention.value", 0, 1),
        Module("ia3", "ffn.out", 2, 1),
        Module("layer_norm", "norms", 1, 1),
        Module("loreft", "layer", 1, 2),
    )
)
NOTHING = Architecture(())


def stirred(model, architecture, random_seed):
    """Attach with random values everywhere, so that no module adds nothing."""
    attach(model, architecture, random_seed=random_seed)
    generator = torch.Generator().manual_seed(random_seed)
    with torch.no_grad():
        for parameter in attachment(model).parameters():
            parameter.normal_(0.0, 0.3, generator=generator)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("family", FAMILIES)
def test_shared_equals_alone(family, attention):
    model = make(family, attention=attention)
    batch = batch_of(family)
    before = logits_of(model, batch)
    rows = Rows()
    shared = RowwiseSites(Backbone(model), rows)
    alone, made = [], []
    for seed, architecture in enumerate((GATED, NOTHING, PLAIN)):
        stirred(model, architecture, seed)
        alone.append(logits_of(model, batch))
        made.append(attachment(model))
        detach(model)
    for number, attached in enumerate(made):
        for pelt in attached.pelts():
            pelt.install(shared.of(number))
    for members in ((0, 1, 2), (2, 0), (1,)):
        rows.members = members
        wide = {key: value.repeat(len(members), 1) for key, value in batch.items()}
        parts = logits_of(model, wide).chunk(len(members))
        for member, part in zip(members, parts, strict=True):
            torch.testing.assert_close(part, alone[member], atol=2e-5, rtol=2e-4)
    for attached in made:
        for pelt in reversed(attached.pelts()):
            pelt.remove()
    shared.remove()
    assert torch.equal(logits_of(model, batch), before)
    assert not torch.allclose(alone[0], alone[2], atol=1e-3)


def test_a_prompt_cannot_share():
    model = make("bert")
    attach(model, Architecture((Module("prompt", "embeddings", None, 2),)), random_seed=0)
    pelt = attachment(model).pelts()[0]
    detach(model)
    with pytest.raises(UsageError, match="train it alone"):
        pelt.install(RowwiseSites(Backbone(model), Rows((0,))).of(0))
