"""The guide's method is whole: attached, counted, described, saved, and exported nowhere."""

import re
from pathlib import Path

import pytest
import torch
from zoo import batch_of, labels_of, logits_of, make

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.counter import ShapeCounter
from autopelt.architecture.difference import differences
from autopelt.backbones.shapes import shapes_of_model
from autopelt.cards.wording import method as in_words
from autopelt.errors import UsageError
from autopelt.export.adapters_folder import write_model as write_adapters
from autopelt.export.merged_folder import merge
from autopelt.export.peft_folder import write_model as write_peft
from autopelt.methods import METHODS
from autopelt.methods.module import Module
from autopelt.modules import PELTS
from autopelt.modules.attachment import attach, attached, count_attached, detach
from autopelt.modules.checkpoint import load, save
from autopelt.modules.parameter_groups import parameter_groups

GUIDE = Path(__file__).parents[2] / "docs" / "adding-a-method.md"


@pytest.fixture
def architecture(monkeypatch):
    """Two modules of the guide's method, which is known meanwhile."""
    names = {}
    for code in re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)[:2]:
        assert len(code.splitlines()) < 30
        exec(code, names)
    method = names["LowRankAdapter"]()
    monkeypatch.setitem(METHODS, method.name, method)
    monkeypatch.setitem(PELTS, method.name, names["LowRankAdapterModule"])
    return Architecture(
        (Module(method.name, "ffn", 1, 2), Module(method.name, "ffn", 2, 3, gate="auto"))
    )


@pytest.mark.parametrize("family", ["bert", "llama"])
def test_the_guide_adds_a_method(architecture, family, tmp_path):
    model, batch = make(family).double(), batch_of(family)
    before = logits_of(model, batch)
    attach(model, architecture, random_seed=1)
    assert torch.equal(logits_of(model, batch), before)
    assert count_attached(model) == ShapeCounter(shapes_of_model(model)).count(architecture)
    assert parameter_groups(model)[0]["name"] == "low_rank_adapter"
    with torch.no_grad():
        for parameter in model.autopelt.parameters():
            parameter.normal_(0, 0.3, generator=torch.Generator().manual_seed(parameter.numel()))
    model(**batch, labels=labels_of(family, batch)).loss.backward()
    assert all(parameter.grad is not None for parameter in model.autopelt.parameters())
    expected = logits_of(model, batch)
    assert not torch.allclose(expected, before)
    save(model, tmp_path)
    for export in (merge, lambda m: write_adapters(m, tmp_path), _to_peft(tmp_path)):
        with pytest.raises(UsageError, match="low_rank_adapter at 1/ffn"):
            export(model)
        assert attached(model) == architecture, "a refused export leaves it attached"
        if family != "bert":
            break  # adapters refuses the family first
    detach(model)
    assert torch.equal(logits_of(model, batch), before)
    load(model, tmp_path)
    assert torch.equal(logits_of(model, batch), expected)


def _to_peft(folder):
    return lambda model: write_peft(model, folder, "sequence_classification", "tiny")


def test_it_is_spoken_of_like_the_others(architecture):
    assert architecture.describe() == "low-rank 2 at 1 · low-rank 3 gated at 2"
    assert in_words("low_rank_adapter") == "low-rank adapter"
    one = Architecture(architecture.modules[:1])
    assert differences(one, architecture) == ["low-rank: new in layer 2 (rank 3, gated)."]
