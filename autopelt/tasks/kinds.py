"""The kinds of tasks, by name."""

from __future__ import annotations

from collections.abc import Mapping

from autopelt.tasks.base import Task
from autopelt.tasks.chat import Chat
from autopelt.tasks.classification import Classification
from autopelt.tasks.generation import Generation
from autopelt.tasks.media_classification import AudioClassification, ImageClassification
from autopelt.tasks.multi_label import MultiLabel
from autopelt.tasks.multiple_choice import MultipleChoice
from autopelt.tasks.ordinal import Ordinal
from autopelt.tasks.question_answering import QuestionAnswering
from autopelt.tasks.regression import Regression
from autopelt.tasks.retrieval import Retrieval
from autopelt.tasks.token_classification import TokenClassification

KINDS: Mapping[str, type[Task]] = {
    kind.kind: kind
    for kind in (
        Classification,
        Ordinal,
        Regression,
        MultiLabel,
        TokenClassification,
        QuestionAnswering,
        Generation,
        Chat,
        MultipleChoice,
        Retrieval,
        ImageClassification,
        AudioClassification,
    )
}
"""Name of a kind -> its class, which takes a name, a title, an origin and the kind's options."""
