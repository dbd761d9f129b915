"""Multiple choice as people publish it, in small files made here: read as it was meant."""

import json

import pytest

from autopelt.data.readers import Table
from autopelt.errors import UnavailableError
from autopelt.tasks import Source, task_from_files
from autopelt.tasks.choices import columns_of_choices
from autopelt.tasks.unlabelled import trained_task, unlabelled

WORDS = ["red", "blue", "green", "black"]


def jsonl(rows):
    return "x.jsonl", "\n".join(map(json.dumps, rows))


def rows(make, count=12):
    return [make(n, WORDS[: 2 + n % 3], n % 2) for n in range(count)]


def csv(header, lines):
    return "x.csv", "\n".join([header, *lines]) + "\n"


SHAPES = {
    "hellaswag": (
        jsonl(rows(lambda n, c, r: {"ind": n, "ctx": f"q {n}", "endings": c, "label": str(r)})),
        {},
        ("0", "1", "2", "3"),
    ),
    "commonsense_qa": (
        jsonl(
            rows(
                lambda n, c, r: {
                    "question": f"q {n}",
                    "choices": {"text": c, "label": list("ABCD"[: len(c)])},
                    "answerKey": "AB"[r],
                }
            )
        ),
        {},
        ("A", "B", "C", "D"),
    ),
    "arc": (  # some of its questions number their choices
        jsonl(
            rows(
                lambda n, c, r: {
                    "question": f"q {n}",
                    "choices": [{"text": t, "label": "1234"[i]} for i, t in enumerate(c)],
                    "answerKey": "12"[r],
                }
            )
        ),
        {},
        ("A", "B", "C", "D"),
    ),
    "mmlu": (
        csv(
            "question,A,B,C,D,answer",
            [
                f"q {n},{','.join(c)}{',' * (4 - len(c))},{'AB'[r]}"
                for n, c, r in rows(lambda *a: a)
            ],
        ),
        {},
        ("A", "B", "C", "D"),
    ),
    "winogrande": (
        csv("sentence,option1,option2,answer", [f"q {n},red,blue,{n % 2 + 1}" for n in range(12)]),
        {},
        ("1", "2"),
    ),
    "named": (
        csv("goal,sol1,sol2,which", [f"q {n},red,blue,{n % 2}" for n in range(12)]),
        {"choices": "sol1, sol2", "label": "which"},
        ("0", "1"),
    ),
    "texts": (
        jsonl(rows(lambda n, c, r: {"q": f"q {n}", "options": json.dumps(c), "right": c[r]})),
        {"text": "q", "label": "right"},
        (),
    ),
}


@pytest.mark.parametrize("shape", list(SHAPES))
def test_files_are_read_as_they_were_meant(shape, tmp_path):
    (name, content), options, labels = SHAPES[shape]
    (tmp_path / name).write_text(content, encoding="utf-8")
    task = task_from_files(str(tmp_path / name), **options)
    assert task.kind == "multiple_choice"
    raw = task.origin.find(Source()).readers["train"]()
    task.learn_labels(raw)
    read = task.finish(raw, "train", [])
    assert task.labels == labels
    assert read["text"][:] == [f"q {n}" for n in range(12)]
    assert read["label"][:] == [n % 2 for n in range(12)]
    lengths = [2] * 12 if shape in ("winogrande", "named") else [2 + n % 3 for n in range(12)]
    assert [len(choices) for choices in read["choices"]] == lengths
    assert all(choices == WORDS[: len(choices)] for choices in read["choices"])
    # To predict, the same columns are read, without labels.
    again = trained_task(task.spec, task.kind, task.labels)
    table = task.origin.tables["train"]()
    assert unlabelled(again, table, {})["choices"][:] == read["choices"][:]
    assert again.names(WORDS[:2]) == (list(labels[:2]) or ["red", "blue"])


def test_a_context_and_a_question_are_one_text(tmp_path):
    path = tmp_path / "x.jsonl"
    row = {"context": "It rained.", "question": "Why?", "answerA": "a b", "answerB": "c d"}
    path.write_text("\n".join(json.dumps(row | {"label": "AB"[n % 2]}) for n in range(12)))
    task = task_from_files(str(path))
    assert task.origin.find(Source()).readers["train"]()["text"][0] == "It rained. Why?"


@pytest.mark.parametrize(
    ("row", "labels", "said"),
    [
        ({"choices": ["a", "b"]}, ["1"], "cannot be told from the training examples"),
        ({"choices": ["1", "2", "3"]}, ["1", "2"], "cannot be told"),
        ({"choices": ["a", "b"]}, ["A", "C"], "label 'C', which is none of its choices A, B"),
        ({"choices": ["a"]}, ["0"], "line 1 has no two texts or more in choices"),
        ({"choices": ["a", " "]}, ["0"], "no two texts or more"),
        ({"choices": "a or b"}, ["0"], "no two texts or more"),
        ({"choices": ["a", "b"]}, [None], "no label in column 'label'"),
        ({"choices": ["a", "b"], "text": ""}, ["0"], "empty text"),
    ],
)
def test_what_could_mean_anything_is_refused(row, labels, said, tmp_path):
    path = tmp_path / "x.jsonl"
    lines = [
        json.dumps({"text": "t"} | row | {"label": labels[n % len(labels)]}) for n in range(16)
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(UnavailableError) as error:
        task_from_files(str(path)).load(Source())
    assert said in str(error.value)


def test_a_choice_that_is_missing_between_two_is_refused(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("text,choice1,choice2,choice3,label\nt,a,,c,0\n")
    with pytest.raises(UnavailableError, match="no two texts or more in choice1, choice2, choice3"):
        task_from_files(str(path)).load(Source())


def test_columns_that_are_texts_are_no_choices(tmp_path):
    assert columns_of_choices(Table({"text": [], "A": [], "B": []}, "a")) == ["A", "B"]
    assert columns_of_choices(Table({"A": [], "B": [], "label": []}, "a")) == []
    path = tmp_path / "x.csv"
    path.write_text("answer1,answer2,label\n" + "one,two,x\none,three,y\n" * 8)
    task = task_from_files(str(path), text="answer1", text_pair="answer2", label="label")
    assert task.kind == "classification"


def test_a_label_of_the_selection_split_must_be_a_choice():
    task = trained_task("copa", "multiple_choice", ("0", "1"))
    table = Table({"text": ["t"], "choices": [["a", "b"]]}, "a")
    read = unlabelled(task, table, {}).remove_columns("label").add_column("label", ["2"])
    with pytest.raises(UnavailableError, match="label '2'"):
        task.finish(read, "selection", [])
