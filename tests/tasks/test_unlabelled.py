"""Examples without labels: the columns are found as in training, and labels are filled in."""

import pytest
from tiny_data import MAKERS

from autopelt.data.readers import Table
from autopelt.errors import UnavailableError, UsageError
from autopelt.tasks import make_task
from autopelt.tasks.unlabelled import trained_task, unlabelled


def test_the_columns_of_training_are_looked_up_first(tmp_path):
    task, _ = MAKERS["classification"](tmp_path)
    again = trained_task(task.spec, task.kind, ("other", "same"))
    table = Table({"premise": ["a"], "hypothesis": ["b"], "text": ["c"]}, "a")
    assert unlabelled(again, table, {}).to_list() == [{"text": "a", "text_pair": "b", "label": 0}]
    named = unlabelled(again, table, {"text": "text"})
    assert named["text"][:] == ["c"]
    assert unlabelled(make_task("si-nli"), table, {})["text"][:] == ["a"]


def test_every_kind_gets_what_encode_reads():
    words = Table({"tokens": [["a", "b"]]}, "a")
    assert unlabelled(make_task("wnut17"), words, {}).to_list() == [
        {"words": ["a", "b"], "tags": [0, 0]}
    ]
    plain = Table({"text": ["a b"]}, "a")
    assert unlabelled(make_task("wnut17"), plain, {})["words"][:] == [["a", "b"]]
    assert unlabelled(make_task("ntrex-en-sl"), plain, {}).column_names == ["source", "target"]
    instruction = Table({"instruction": ["a"], "input": ["b"]}, "a")
    (row,) = unlabelled(
        trained_task("train: x\nkind: generation\n", "generation", ()), instruction, {}
    )
    assert row == {"source": "a\n\nb", "target": "-"}
    asked = Table({"question": ["q"], "context": ["c"]}, "a")
    (row,) = unlabelled(make_task("squad"), asked, {}).to_list()
    assert row == {"question": "q", "context": "c", "answers": [""], "starts": [0]}


def test_unknown_columns_and_missing_texts_are_named():
    table = Table({"text": ["a", ""], "choices": [["x"], ["y"]]}, "a")
    with pytest.raises(UsageError, match="reads no column 'nope'; it reads: text"):
        unlabelled(make_task("sst2"), table, {"nope": "text"})
    with pytest.raises(UnavailableError, match="example 2 has an empty text in column 'text'"):
        unlabelled(make_task("sst2"), table, {"text": "text"})
    with pytest.raises(UnavailableError, match="no two texts or more"):
        unlabelled(make_task("copa"), Table({"text": ["a"], "choices": [["x"]]}, "a"), {})
    with pytest.raises(UnavailableError, match="has no column 'question1'"):
        unlabelled(make_task("qqp"), Table({"other": ["a"]}, "a"), {})
