"""SuperGLUE (arXiv:1905.00537): test labels are hidden, so dev is the report split."""

from __future__ import annotations

from autopelt.data.benchmark import Benchmark, Columns, Layout
from autopelt.data.hub import HubSet
from autopelt.data.readers import read_jsonl
from autopelt.tasks.base import Task
from autopelt.tasks.classification import Classification
from autopelt.tasks.multiple_choice import MultipleChoice

HUB = "aps/super_glue"
_FILES = {"train": ("train.jsonl",), "report": ("val.jsonl", "dev.jsonl")}
_PARTS = {"train": "train", "report": "validation"}
_YES_NO = {"false": "False", "true": "True"}


def cb() -> Task:
    """CommitmentBank. 250 training examples: few of the class neutral."""
    columns = {"text": "premise", "text_pair": "hypothesis", "label": "label"}
    labels = ("entailment", "contradiction", "neutral")
    origin = Benchmark(
        "cb",
        Layout(("CB",), _FILES, columns, read_jsonl),
        HubSet(HUB, "cb", _PARTS, columns),
        labels,
        sizes=(250, 0, 56),
    )
    title = "SuperGLUE CB: does the author of a text commit to a clause?"
    scores = ("accuracy_macro_f1", "accuracy", "macro_f1")
    return Classification(
        "cb", title, origin, pair=True, scores=scores, labels=labels, max_length=256
    )


def boolq() -> Task:
    """Yes-or-no questions on a passage."""
    columns = {"text": "question", "text_pair": "passage", "label": "label"}
    labels = ("False", "True")
    origin = Benchmark(
        "boolq",
        Layout(("BoolQ",), _FILES, columns, read_jsonl, _YES_NO),
        HubSet(HUB, "boolq", _PARTS, columns),
        labels,
        sizes=(9427, 0, 3270),
    )
    title = "SuperGLUE BoolQ: does a passage answer a question with yes?"
    return Classification("boolq", title, origin, pair=True, labels=labels, max_length=256)


def wic() -> Task:
    """Words in context; the word stands in front of the first sentence."""
    columns = {"word": "word", "text": "sentence1", "text_pair": "sentence2", "label": "label"}
    labels = ("False", "True")
    origin = Benchmark(
        "wic",
        Layout(("WiC",), _FILES, columns, read_jsonl, _YES_NO),
        HubSet(HUB, "wic", _PARTS, columns),
        labels,
        prepare=_with_word,
        sizes=(5428, 0, 638),
    )
    title = "SuperGLUE WiC: does a word mean the same in two sentences?"
    return Classification("wic", title, origin, pair=True, labels=labels)


def copa() -> Task:
    """Choice of plausible alternatives."""
    names = ("premise", "choice1", "choice2", "question", "label")
    columns = {name: name for name in names}
    origin = Benchmark(
        "copa",
        Layout(("COPA",), _FILES, columns, read_jsonl, {"0": "choice1", "1": "choice2"}),
        HubSet(HUB, "copa", _PARTS, columns),
        ("choice1", "choice2"),
        prepare=_with_choices,
        sizes=(400, 0, 100),
    )
    title = "SuperGLUE COPA: which of two sentences is the cause or the effect?"
    return MultipleChoice("copa", title, origin, labels=("choice1", "choice2"))


def _with_word(columns: Columns) -> Columns:
    words = columns["word"]
    texts = [f"{word}: {text}" for word, text in zip(words, columns["text"], strict=True)]
    return {"text": texts, "text_pair": columns["text_pair"], "label": columns["label"]}


_QUESTIONS = {"cause": "What was the cause?", "effect": "What happened as a result?"}


def _with_choices(columns: Columns) -> Columns:
    asked = zip(columns["premise"], columns["question"], strict=True)
    choices = zip(columns["choice1"], columns["choice2"], strict=True)
    return {
        "text": [f"{premise} {_QUESTIONS.get(asks, asks)}" for premise, asks in asked],
        "choices": [list(pair) for pair in choices],
        "label": columns["label"],
    }
