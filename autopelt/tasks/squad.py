"""SQuAD 1.1 (Rajpurkar et al. 2016, arXiv:1606.05250)."""

from __future__ import annotations

from autopelt.data.benchmark import Benchmark, Layout
from autopelt.data.hub import HubSet
from autopelt.data.squad import read_squad, split_answers
from autopelt.tasks.base import Task
from autopelt.tasks.question_answering import QuestionAnswering


def squad() -> Task:
    """SQuAD 1.1; its dev set is the report split."""
    names = ("title", "context", "question", "answers")
    on_hub = {name: name for name in names}
    origin = Benchmark(
        "squad",
        Layout(
            ("squad", "SQuAD"),
            {"train": ("train-v1.1*.json",), "report": ("dev-v1.1*.json",)},
            {**on_hub, "starts": "starts"},
            read_squad,
        ),
        HubSet("rajpurkar/squad", None, {"train": "train", "report": "validation"}, on_hub),
        prepare=split_answers,
        sizes=(87599, 0, 10570),
    )
    title = "SQuAD 1.1: the words of a passage that answer a question"
    return QuestionAnswering("squad", title, origin)
