"""GLUE (Wang et al. 2018, arXiv:1804.07461): test labels are hidden, so dev is the report split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from autopelt.data.benchmark import Benchmark, Layout
from autopelt.data.hub import HubSet
from autopelt.data.readers import PLAIN_TSV, Reader, plain_tsv
from autopelt.tasks.base import Task
from autopelt.tasks.classification import Classification, Regression

_SENTENCE = {"text": "sentence", "label": "label"}
_SENTENCES = {"text": "sentence1", "text_pair": "sentence2", "label": "label"}
_ENTAILMENT = ("entailment", "not_entailment")
_INFERENCE = ("entailment", "neutral", "contradiction")


@dataclass(frozen=True)
class Row:
    """One task of GLUE.

    Attributes:
        title: one line for a person.
        folder: names of its folder.
        labels: names of the classes in the Hub's order; empty for regression.
        columns: our column -> the files' column.
        on_hub: the same on the Hub, where it differs.
        scores: as GLUE defines them, the metric first.
        sizes: training and report examples.
        numbered: the files have the classes' numbers, not their names.
        dev: file of the report split. hub_dev: its name on the Hub.
        config: of the set on the Hub, where it is not the task's name.
        read: reader of the files.
        max_length: default limit in tokens.
    """

    title: str
    folder: tuple[str, ...]
    labels: tuple[str, ...]
    columns: Mapping[str, str]
    scores: Sequence[str]
    sizes: tuple[int, int]
    on_hub: Mapping[str, str] = field(default_factory=dict)
    numbered: bool = True
    dev: str = "dev.tsv"
    hub_dev: str = "validation"
    config: str = ""
    read: Reader = PLAIN_TSV
    max_length: int = 128


_MRPC = {"text": "#1 String", "text_pair": "#2 String", "label": "Quality"}
_QQP = {"text": "question1", "text_pair": "question2", "label": "is_duplicate"}
_QNLI = {"text": "question", "text_pair": "sentence", "label": "label"}
_MNLI = {"text": "sentence1", "text_pair": "sentence2", "label": "gold_label"}
_MNLI_HUB = {"text": "premise", "text_pair": "hypothesis", "label": "label"}

ROWS: Mapping[str, Row] = {
    "cola": Row(
        "GLUE CoLA: is a sentence acceptable English?",
        ("CoLA",),
        ("unacceptable", "acceptable"),
        _SENTENCE,
        ("matthews", "accuracy"),
        (8551, 1043),
        read=plain_tsv(("source", "label", "star", "sentence")),
    ),
    "sst2": Row(
        "GLUE SST-2: is a film review positive?",
        ("SST-2",),
        ("negative", "positive"),
        _SENTENCE,
        ("accuracy",),
        (67349, 872),
    ),
    "mrpc": Row(
        "GLUE MRPC: do two sentences of the news say the same?",
        ("MRPC",),
        ("not_equivalent", "equivalent"),
        _MRPC,
        ("accuracy_f1", "accuracy", "f1"),
        (3668, 408),
        on_hub=_SENTENCES,
    ),
    "qqp": Row(
        "GLUE QQP: do two questions ask the same?",
        ("QQP",),
        ("not_duplicate", "duplicate"),
        _QQP,
        ("accuracy_f1", "accuracy", "f1"),
        (363846, 40430),
        on_hub={**_QQP, "label": "label"},
        read=plain_tsv(skip_short=True),
    ),
    "mnli": Row(
        "GLUE MNLI, matched: does a sentence follow, contradict, or neither?",
        ("MNLI",),
        _INFERENCE,
        _MNLI,
        ("accuracy",),
        (392702, 9815),
        on_hub=_MNLI_HUB,
        numbered=False,
        dev="dev_matched.tsv",
        hub_dev="validation_matched",
    ),
    "mnli-mismatched": Row(
        "GLUE MNLI, mismatched: the same, reported on other genres",
        ("MNLI",),
        _INFERENCE,
        _MNLI,
        ("accuracy",),
        (392702, 9832),
        on_hub=_MNLI_HUB,
        numbered=False,
        dev="dev_mismatched.tsv",
        hub_dev="validation_mismatched",
        config="mnli",
    ),
    "qnli": Row(
        "GLUE QNLI: does a sentence answer a question?",
        ("QNLI",),
        _ENTAILMENT,
        _QNLI,
        ("accuracy",),
        (104743, 5463),
        numbered=False,
    ),
    "rte": Row(
        "GLUE RTE: does a sentence follow from another?",
        ("RTE",),
        _ENTAILMENT,
        _SENTENCES,
        ("accuracy",),
        (2490, 277),
        numbered=False,
        max_length=256,
    ),
    "wnli": Row(
        "GLUE WNLI: what does a pronoun refer to?",
        ("WNLI",),
        ("not_entailment", "entailment"),
        _SENTENCES,
        ("accuracy",),
        (635, 71),
    ),
    "stsb": Row(
        "GLUE STS-B: how alike are two sentences, 0 to 5?",
        ("STS-B",),
        (),
        {**_SENTENCES, "label": "score"},
        ("pearson_spearman", "pearson", "spearman"),
        (5749, 1500),
        on_hub=_SENTENCES,
    ),
}


def make(name: str) -> Task:
    """Make a task of `ROWS` by its name."""
    row = ROWS[name]
    numbers = {str(i): label for i, label in enumerate(row.labels)} if row.numbered else {}
    origin = Benchmark(
        name,
        Layout(
            row.folder,
            {"train": ("train.tsv",), "report": (row.dev,)},
            row.columns,
            row.read,
            numbers,
        ),
        HubSet(
            "nyu-mll/glue",
            row.config or name,
            {"train": "train", "report": row.hub_dev},
            row.on_hub or row.columns,
        ),
        row.labels,
        sizes=(row.sizes[0], 0, row.sizes[1]),
    )
    kind = Classification if row.labels else Regression
    return kind(
        name,
        row.title,
        origin,
        pair="text_pair" in row.columns,
        scores=row.scores,
        labels=row.labels,
        max_length=row.max_length,
    )
