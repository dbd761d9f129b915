"""The size of a head is known without weights: it is that of the head of a real model."""

import pytest
from zoo import CONFIGS, make

from autopelt.backbones.head import head_of, head_size


@pytest.mark.parametrize("family", [f for f in CONFIGS if f not in ("t5", "bart")])
@pytest.mark.parametrize("classes", [1, 2, 7])
def test_it_is_what_a_model_has(family: str, classes: int) -> None:
    model = make(family, labels=classes)
    real = sum(p.numel() for p in head_of(model).values())
    assert head_size(model.config, "sequence_classification", classes) == real


def test_the_configuration_stays_as_it_was() -> None:
    config = make("bert").config
    before = config.to_dict()
    head_size(config, "token_classification", 9)
    assert config.to_dict() == before
