"""What kind of task a table is."""

import pytest

from autopelt.data.readers import Table
from autopelt.errors import UnavailableError, UsageError
from autopelt.tasks.infer_kind import MOST_CLASSES, infer_kind

MANY = 2 * MOST_CLASSES


@pytest.mark.parametrize(
    ("columns", "kind"),
    [
        ({"source": [], "target": []}, "generation"),
        ({"id": [], "article": [], "highlights": []}, "generation"),
        ({"dialogue": [], "summary": []}, "generation"),
        ({"summary": ["a", "b"], "label": ["x", "y"]}, "classification"),
        ({"text": [], "choices": [], "label": []}, "multiple_choice"),
        ({"context": [], "question": [], "answers": []}, "question_answering"),
        ({"words": [], "ner_tags": [["O"]]}, "token_classification"),
        ({"label": ["a", "b", None, ""]}, "classification"),
        ({"label": [0, 1, 1]}, "classification"),
        ({"label": [True, False]}, "classification"),
        ({"label": ["1", "2.5"]}, "regression"),
        ({"label": [0.5, 1.0]}, "regression"),
        ({"label": [str(n) for n in range(MANY)]}, "regression"),
        ({"label": [f"c{n % MANY}" for n in range(10 * MANY)]}, "classification"),
    ],
)
def test_the_kind_of_a_table(columns, kind):
    inferred, why = infer_kind(Table(columns, "a"), {}, False)
    assert inferred == kind
    assert why


def test_named_targets_and_labels_decide():
    table = Table({"text": ["a"], "gold": ["0.5"], "label": ["x"]}, "a")
    assert infer_kind(table, {"label": "gold"}, False)[0] == "regression"
    assert infer_kind(table, {}, True)[0] == "generation"


def test_what_could_be_either_and_what_is_missing():
    with pytest.raises(UsageError, match=f"{MANY} distinct values in {MANY} examples"):
        infer_kind(Table({"label": [f"c{n}" for n in range(MANY)]}, "a"), {}, False)
    with pytest.raises(UnavailableError, match="has no column 'label'"):
        infer_kind(Table({"text": []}, "a"), {}, False)
