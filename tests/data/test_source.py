"""What a study stores of its data."""

from autopelt.data.draw import RULE
from autopelt.data.source import DataFacts


def test_a_study_stores_sizes_and_texts_but_no_notes_and_nothing_empty():
    facts = DataFacts("folder", "folder /d", path="/d", sizes={"train": 3}, notes=("odd",))
    expected = {"train": 3, "rule": RULE, "origin": "folder", "source": "folder /d", "path": "/d"}
    assert facts.stored() == expected


def test_a_set_of_the_hub_is_shown_with_its_commit():
    facts = DataFacts.of_hub("a/b", "a/b (c)", "0123456789abcdef")
    assert facts.source == "Hub a/b (c) at 0123456789ab"
    assert (facts.hub, facts.revision) == ("a/b", "0123456789abcdef")
