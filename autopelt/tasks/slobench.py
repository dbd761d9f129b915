"""Slovene tasks of SloBENCH (https://slobench.cjvt.si), and translation into Slovene on NTREX."""

from __future__ import annotations

from autopelt.data.aligned import read_aligned
from autopelt.data.benchmark import Benchmark, Columns, Layout
from autopelt.data.conll import read_conll
from autopelt.data.hub import HubSet
from autopelt.data.readers import PLAIN_TSV
from autopelt.tasks.base import Task
from autopelt.tasks.classification import Classification
from autopelt.tasks.generation import Generation
from autopelt.tasks.token_classification import TokenClassification

_CONVERTED = "refs/convert/parquet"


def si_nli() -> Task:
    """SI-NLI; the labels of its test set are hidden, so the public dev set is the report split."""
    labels = ("entailment", "neutral", "contradiction")
    columns = {"text": "premise", "text_pair": "hypothesis", "label": "label"}
    origin = Benchmark(
        "si-nli",
        Layout(
            ("SI-NLI", "si_nli", "si-nli"),
            {"train": ("train.tsv",), "report": ("dev.tsv", "validation.tsv")},
            columns,
            PLAIN_TSV,
        ),
        HubSet(
            "cjvt/si_nli",
            None,
            {"train": "train", "report": "validation"},
            columns,
            revision=_CONVERTED,
            folder="public",
        ),
        labels,
        sizes=(4392, 0, 547),
    )
    title = "SI-NLI: does a Slovene sentence follow, contradict, or neither?"
    return Classification("si-nli", title, origin, pair=True, labels=labels)


def ssj500k() -> Task:
    """Entities of ssj500k, which has one part: report and selection are cut from it."""
    origin = Benchmark(
        "ssj500k",
        Layout(
            ("ssj500k",),
            {"train": ("ssj500k*.conll", "ssj500k*.tsv", "train.conll")},
            {"words": "words", "tags": "tags"},
            read_conll,
        ),
        HubSet(
            "cjvt/ssj500k",
            None,
            {"train": "train"},
            {"words": "words", "tags": "ne_tags"},
            revision=_CONVERTED,
            folder="named_entity_recognition",
        ),
        sizes=(9489, 0, 0),
    )
    title = "ssj500k: entities in Slovene texts"
    return TokenClassification("ssj500k", title, origin)


def ntrex_en_sl() -> Task:
    """NTREX-128 (Federmann et al. 2022): one aligned set, from which all splits are cut."""
    files = {"train": ("newstest2019-src.eng.txt + newstest2019-ref.slv.txt",)}
    columns = {"source": "source", "target": "target"}
    origin = Benchmark(
        "ntrex-en-sl",
        Layout(("ntrex128", "NTREX-128"), files, columns, read_aligned),
        HubSet(
            "mteb/NTREXBitextMining",
            "eng_Latn-slv_Latn",
            {"train": "test"},
            {"source": "sentence1", "target": "sentence2"},
        ),
        prepare=_as_texts,
        sizes=(1997, 0, 0),
    )
    title = "NTREX-128: English news into Slovene"
    prefix = "translate English to Slovene: "
    return Generation("ntrex-en-sl", title, origin, score="chrf", prefix=prefix)


def _as_texts(columns: Columns) -> Columns:
    return {name: [str(text) for text in texts] for name, texts in columns.items()}
