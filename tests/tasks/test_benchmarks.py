"""The table of benchmarks: every row is whole, and says what differs from its suite."""

import pytest

from autopelt.tasks.benchmarks import Row, make, rows

ROWS = rows()


@pytest.mark.parametrize("name", ROWS)
def test_a_row_is_whole(name):
    task = make(name)
    origin = task.origin
    assert task.name == name
    assert set(origin.layout.files) == set(origin.on_hub.parts)
    assert set(origin.on_hub.columns) <= set(origin.layout.columns) | {"label", "tags"}
    assert not origin.layout.values or set(origin.layout.values.values()) == set(task.labels)
    assert set(task.scores) <= set(task.known_scores)
    assert [size > 0 for size in origin.sizes[1:]] == [
        part in origin.layout.files for part in ("selection", "report")
    ]


def test_a_row_goes_before_its_suite():
    assert ROWS["rte"]["files"] == {"train": ["train.tsv"], "report": ["dev.tsv"]}
    assert ROWS["mnli"]["files"]["report"] == ["dev_matched.tsv"]
    assert make("mnli-mismatched").origin.on_hub.config == "mnli"
    assert make("rte").origin.on_hub.config == "rte"


def test_entities_become_tags_that_begin_and_go_on():
    expected = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC", "B-MISC", "I-MISC")
    assert make("conll2003").labels == expected


def test_an_unknown_key_is_refused():
    with pytest.raises(TypeError, match="colums"):
        Row(**ROWS["rte"], colums={})
