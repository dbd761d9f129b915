"""GLUE (Wang et al. 2018, arXiv:1804.07461): test labels are hidden, so dev is the report split."""

from __future__ import annotations

from autopelt.tasks.base import Task
from autopelt.tasks.benchmarks import Benchmark, Layout
from autopelt.tasks.classification import Classification
from autopelt.tasks.hub import HubSet

HUB = "nyu-mll/glue"

_ENTAILMENT = ("entailment", "not_entailment")


def rte() -> Task:
    """Recognising Textual Entailment."""
    pair = {"text": "sentence1", "text_pair": "sentence2", "label": "label"}
    origin = Benchmark(
        "rte",
        Layout(("RTE",), {"train": "train.tsv", "report": "dev.tsv"}, pair),
        HubSet(HUB, "rte", {"train": "train", "report": "validation"}, pair),
        _ENTAILMENT,
    )
    title = "GLUE RTE: does a sentence follow from another?"
    return Classification("rte", title, origin, pair=True, labels=_ENTAILMENT, max_length=256)
