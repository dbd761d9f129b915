"""The eight domain tasks of "Don't Stop Pretraining" (Gururangan et al. 2020, arXiv:2004.10964).

Each has three public parts. Macro-F1 is the metric, micro-F1 for ChemProt and RCT, as there in
table 2. The original files are JSON lines at
https://allennlp.s3-us-west-2.amazonaws.com/dont_stop_pretraining/data/{folder}/{train,dev,test}.jsonl
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from autopelt.data.benchmark import Benchmark, Layout
from autopelt.data.hub import HubSet
from autopelt.data.readers import read_jsonl
from autopelt.tasks.base import Task
from autopelt.tasks.classification import Classification

_COLUMNS = {"text": "text", "label": "label"}


@dataclass(frozen=True)
class Row:
    """One domain task: title, names of its folder, Hub set, examples, length limit, metric."""

    title: str
    folder: tuple[str, ...]
    hub: str
    sizes: tuple[int, int, int]
    max_length: int = 256
    score: str = "macro_f1"


ROWS: Mapping[str, Row] = {
    "chemprot": Row(
        "ChemProt: how a chemical acts on a protein",
        ("chemprot",),
        "zapsdcn/chemprot",
        (4169, 2427, 3469),
        score="micro_f1",
    ),
    "rct": Row(
        "RCT-20k: role of a sentence in a medical abstract",
        ("rct-20k", "rct"),
        "armanc/pubmed-rct20k",
        (180040, 30212, 30135),
        128,
        score="micro_f1",
    ),
    "acl-arc": Row(
        "ACL-ARC: why a paper cites another",
        ("citation_intent", "acl-arc"),
        "zapsdcn/citation_intent",
        (1688, 114, 139),
    ),
    "scierc": Row(
        "SciERC: relation of two terms in a scientific abstract",
        ("sciie", "scierc"),
        "zapsdcn/sciie",
        (3219, 455, 974),
    ),
    "hyperpartisan": Row(
        "HyperPartisan: is a news article extremely one-sided?",
        ("hyperpartisan_news", "hyperpartisan"),
        "zapsdcn/hyperpartisan_news",
        (515, 65, 65),
        512,
    ),
    "agnews": Row(
        "AG News: topic of a news item",
        ("ag", "agnews"),
        "zapsdcn/ag",
        (115000, 5000, 7600),
        128,
    ),
    "helpfulness": Row(
        "Helpfulness: did readers find a product review helpful?",
        ("amazon", "helpfulness"),
        "vannacute/AmazonReviewHelpfulness",
        (115251, 5000, 25000),
    ),
    "imdb": Row(
        "IMDB: is a film review positive?",
        ("imdb",),
        "zapsdcn/imdb",
        (20000, 5000, 25000),
        512,
    ),
}


def make(name: str) -> Task:
    """Make a task of `ROWS` by its name. Its classes are those of train."""
    row = ROWS[name]
    stems = {"train": "train", "selection": "dev", "report": "test"}
    files = {part: (f"{stem}.jsonl", f"{stem}.txt") for part, stem in stems.items()}
    layout = Layout(row.folder, files, _COLUMNS, read_jsonl)
    parts = {"train": "train", "selection": "validation", "report": "test"}
    origin = Benchmark(name, layout, HubSet(row.hub, None, parts, _COLUMNS), sizes=row.sizes)
    scores = [row.score, *(s for s in ("macro_f1", "accuracy") if s != row.score)]
    return Classification(
        name, row.title, origin, pair=False, scores=scores, max_length=row.max_length
    )
