"""What is checked before model and data are read."""

from pathlib import Path

import numpy as np
import pytest
from families import config_of
from safetensors.numpy import save_file

from autopelt.errors import InfeasibleError, UnavailableError, UsageError
from autopelt.study.config import StudyConfig
from autopelt.workflows.plan import bind, make_plan
from autopelt.workflows.settings import resolve_config


def config(**given: object) -> StudyConfig:
    return StudyConfig.build({"task": "demo"} | given, "test")


def test_a_plan_is_bound_once(tiny_bert) -> None:
    asked = config(model=str(tiny_bert), space="tiny", budget="4%", training={"train_examples": 8})
    bound = bind(asked)
    plan = make_plan(asked, "", bound=bound)
    assert plan.space is bound.space
    assert plan.seeds is bound.seeds
    assert plan.facts.backbone.parameters == bound.sizes.shapes.backbone_parameters
    assert (plan.facts.head, plan.limit) == (3 * 16 + 3, bound.limit)


@pytest.mark.parametrize(
    ("given", "kind", "said"),
    [
        ({"sampler": "plet"}, UsageError, "sampler 'plet' is unknown: did you mean 'pelt'"),
        ({"budget": "10"}, InfeasibleError, "the smallest architecture"),
        ({"task": "rte", "data": "nowhere"}, UnavailableError, "nowhere' does not exist"),
        ({"model": "./nowhere"}, UnavailableError, "'./nowhere' does not exist"),
        ({"warm_start": "nowhere"}, UsageError, "'nowhere' does not exist"),
    ],
)
def test_what_does_not_fit_is_refused(given, kind, said) -> None:
    with pytest.raises(kind, match=said):
        bind(config(**given))


def test_a_decoder_that_learns_to_write_is_offered_higher_rates(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("text,target\n" + "a,b\n" * 40)
    asked = {"train": str(tmp_path / "own.csv"), "kind": "generation", "space": "lora"}
    config_of("llama").save_pretrained(tmp_path / "model")
    save_file({"x": np.zeros(1)}, tmp_path / "model" / "model.safetensors")  # none of it is read
    bound = bind(resolve_config(None, asked | {"model": str(tmp_path / "model"), "budget": "4%"}))
    assert max(bound.config.space.rates) == max(bound.space.space.rates) == 64
    encoder = bind(resolve_config(None, {"task": "demo", "space": "lora", "budget": "1%"}))
    assert max(encoder.config.space.rates) == 8
