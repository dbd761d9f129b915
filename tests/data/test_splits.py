"""Cuts: whole groups and equal texts on one side, the same whatever the file's order and length."""

import pytest
from datasets import Dataset

from autopelt.data.source import DataFacts, Parts
from autopelt.data.splits import content_hash
from autopelt.errors import UnavailableError
from autopelt.tasks import Source
from autopelt.tasks.classification import Classification


def test_the_hash_tells_examples_apart_not_how_they_are_stored():
    rows = [{"text": f"t{n}", "label": n % 2} for n in range(3000)]
    data = Dataset.from_list(rows)
    picked = Dataset.from_list([*rows, {"text": "more", "label": 0}]).select(range(3000))
    assert content_hash(data) == content_hash(picked)
    assert content_hash(data) != content_hash(data.select([*range(1, 3000), 0]))


class _Rows:
    def __init__(self, rows):
        self.rows = rows

    def find(self, source):
        return Parts({"train": lambda: Dataset.from_list(self.rows)}, DataFacts("x", ""))


def _task(rows):
    return Classification("few", "", _Rows(rows))


def _rows(examples):
    return [{"text": f"t{n}", "label": str(n % 2)} for n in range(examples)]


def test_too_few_examples_and_too_many_wanted():
    with pytest.raises(UnavailableError, match="has 3 training examples, too few"):
        _task(_rows(3)).load(Source())
    splits = _task(_rows(40)).load(Source(train_examples=1000))
    left = len(splits.train)
    assert splits.facts.notes == (f"1000 training examples were asked for; there are {left}.",)
    assert 18 <= left <= 27


def test_fewer_examples_of_one_split_move_no_other():
    whole = _task(_rows(400)).load(Source(), report=True)
    few = _task(_rows(400)).load(
        Source(train_examples=30, selection_examples=20, report_examples=10), report=True
    )
    assert few.report is not None
    assert whole.report is not None
    parts = [
        (few.train, whole.train, 30),
        (few.selection, whole.selection, 20),
        (few.report, whole.report, 10),
    ]
    for part, of, size in parts:
        assert len(part) == size
        assert set(part["text"][:]) < set(of["text"][:])
        exact = size * of["label"][:].count(0) / len(of)
        assert abs(part["label"][:].count(0) - exact) < 1  # drawn stratified
    assert few.facts.sizes == {"train": 30, "selection": 20, "report": 10}
    assert "selection: 20 of" in " ".join(few.facts.notes)
    assert "report: 10 of" in " ".join(few.facts.notes)
    one = _task(_rows(400)).load(Source(selection_examples=20), report=True)
    assert one.train["text"][:] == whole.train["text"][:]
    assert one.report is not None
    assert one.report["text"][:] == whole.report["text"][:]


def test_an_appended_row_moves_no_other():
    """Of a search before, 35 of 100 examples to report on had been trained or selected on."""

    def texts(rows):
        splits = _task(rows).load(Source(), report=True)
        return [set(part["text"][:]) for part in (splits.train, splits.selection, splits.report)]

    before, after = texts(_rows(400)), texts([*_rows(400), {"text": "new", "label": "1"}])
    assert before == [part - {"new"} for part in after]


def test_texts_that_are_repeated_stay_on_one_side():
    """Of 20 texts ten times each, 37 of 37 selection texts were in train."""
    rows = [{"text": f"{'T' if n % 3 else 't'}{n % 20}", "label": str(n % 2)} for n in range(200)]
    splits = _task(rows).load(Source(), report=True)
    parts = (splits.train, splits.selection, splits.report)
    sides = [{text.lower() for text in part["text"]} for part in parts]
    assert sum(map(len, sides)) == 20
    assert all(sides)
    assert splits.facts.notes == ()


def test_one_file_as_all_three_splits_is_said_plainly():
    class Same(_Rows):
        def find(self, source):
            parts = super().find(source)
            read = parts.readers["train"]
            readers = {"train": read, "selection": read, "report": read}
            return Parts(readers, parts.facts)

    notes = Classification("same", "", Same(_rows(40))).load(Source(), report=True).facts.notes
    assert [note.split(";")[0] for note in notes] == [
        "WARNING: all 40 selection examples are in train too",
        "WARNING: all 40 report examples are in train too",
        "WARNING: all 40 report examples are in selection too",
    ]


def test_labels_that_contradict_each_other_are_counted():
    rows = [*_rows(40), {"text": "T1 ", "label": "0"}]
    (note,) = _task(rows).load(Source()).facts.notes
    assert note.startswith("train: 2 of the 41 examples have a text that stands there with another")


def test_of_a_single_text_all_splits_have_copies_and_it_is_said():
    rows = [{"text": "Same " + " " * n, "label": str(n % 2)} for n in range(40)]
    facts = _task(rows).load(Source()).facts
    assert sum(facts.sizes.values()) == 40
    assert min(facts.sizes.values()) > 4
    assert sum("WARNING: all" in note for note in facts.notes) == 3


def test_the_report_split_that_is_cut_is_known_though_not_handed_out():
    task = _task(_rows(100))
    searched, scored = task.load(Source()).facts, task.load(Source(), report=True)
    assert searched.report_hash == scored.facts.report_hash == content_hash(scored.report)
    assert searched.cut_splits == ("report", "selection", "train")


def test_a_single_group_is_cut_within():
    class Grouped(Classification):
        def groups(self, dataset):
            return ["one article"] * len(dataset)

    splits = Grouped("one", "", _Rows(_rows(40))).load(Source())
    assert "by a hash of each text" in splits.facts.cut
