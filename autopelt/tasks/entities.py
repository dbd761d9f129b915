"""Named entities: WNUT-17 and CoNLL-2003."""

from __future__ import annotations

from autopelt.data.benchmark import Benchmark, Layout
from autopelt.data.conll import read_conll
from autopelt.data.hub import HubSet
from autopelt.tasks.base import Task
from autopelt.tasks.token_classification import TokenClassification

_COLUMNS = {"words": "words", "tags": "tags"}
_PARTS = {"train": "train", "selection": "validation", "report": "test"}
_WNUT = ("corporation", "creative-work", "group", "location", "person", "product")
_CONLL = ("PER", "ORG", "LOC", "MISC")


def bio(types: tuple[str, ...]) -> tuple[str, ...]:
    """Tags of the BIO scheme: ``O``, then ``B-`` and ``I-`` of each type."""
    return ("O", *(f"{prefix}-{name}" for name in types for prefix in "BI"))


def wnut17() -> Task:
    """Emerging entities (Derczynski et al. 2017, W17-4418)."""
    files = {
        "train": ("wnut17train.conll",),
        "selection": ("emerging.dev.conll",),
        "report": ("emerging.test.annotated",),
    }
    origin = Benchmark(
        "wnut17",
        Layout(("wnut17",), files, _COLUMNS, read_conll),
        HubSet(
            "leondz/wnut_17",
            None,
            _PARTS,
            {"words": "tokens", "tags": "ner_tags"},
            revision="refs/convert/parquet",
            folder="wnut_17",
        ),
        bio(_WNUT),
        sizes=(3394, 1009, 1287),
    )
    title = "WNUT-17: rare and new entities in social media, 6 types"
    return TokenClassification("wnut17", title, origin, labels=bio(_WNUT))


def conll2003() -> Task:
    """Entities in news (Tjong Kim Sang & De Meulder 2003, W03-0419)."""
    files = {
        "train": ("eng.train", "train.txt"),
        "selection": ("eng.testa", "valid.txt", "dev.txt"),
        "report": ("eng.testb", "test.txt"),
    }
    origin = Benchmark(
        "conll2003",
        Layout(("conll2003",), files, _COLUMNS, read_conll),
        HubSet("lhoestq/conll2003", None, _PARTS, {"words": "tokens", "tags": "ner_tags"}),
        bio(_CONLL),
        sizes=(14041, 3250, 3453),
    )
    title = "CoNLL-2003: entities in English news, 4 types"
    return TokenClassification("conll2003", title, origin, labels=bio(_CONLL))
