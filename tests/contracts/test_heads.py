"""What the fresh classification head of every family must hold."""

import pytest
import torch
from transformers import AutoConfig, AutoModelForSequenceClassification
from zoo import CONFIGS, DECODERS, EOS, PAD

from autopelt.backbones.head import head_of, reset_head

PRIOR = [0.5, -1.0, 3.0]


@pytest.fixture(params=list(CONFIGS))
def model(request):
    config = AutoConfig.for_model(
        request.param, **CONFIGS[request.param], pad_token_id=PAD, eos_token_id=EOS, bos_token_id=0
    )
    config.num_labels = len(PRIOR)
    return AutoModelForSequenceClassification.from_config(config).eval()


def test_a_fresh_head_predicts_about_the_prior(model):
    reset_head(model, 3, PRIOR)
    ids = torch.tensor([[5, 6, 7, EOS], [8, 9, 10, EOS]])
    with torch.no_grad():
        found = model(input_ids=ids).logits
    biased = model.config.model_type not in DECODERS  # transformers' decoders score without a bias
    assert torch.allclose(found, torch.tensor([PRIOR]), atol=0.5) == biased


def test_the_seed_and_the_prior_decide_how_a_head_begins(model):
    def begun(*how):
        reset_head(model, *how)
        return {name: p.detach().clone() for name, p in head_of(model).items()}

    first, other, plain = begun(3, PRIOR), begun(4, PRIOR), begun(3)
    again = begun(3, PRIOR)
    assert all(torch.equal(p, again[name]) for name, p in first.items())
    assert any(not torch.equal(p, other[name]) for name, p in first.items())
    assert {n for n, p in first.items() if not torch.equal(p, plain[n])} <= {list(first)[-1]}
