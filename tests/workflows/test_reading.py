"""The first screen shows that the data was read as it was meant."""

import json
from pathlib import Path

import pytest
from tiny_data import MAKERS
from tiny_models import tiny

from autopelt.cli.main import main
from autopelt.errors import UnavailableError
from autopelt.tasks import Source, task_from_files
from autopelt.workflows.reading import first_lines


def lines(kind: str, folder: Path, family: str = "bert") -> list[str]:
    task, source = MAKERS[kind](folder)
    splits = task.load(source, report=True)
    task, _, tokenizer = tiny(family, task)
    return first_lines(task, splits, tokenizer, 48)


def test_kind_rows_splits_labels_and_cut(tmp_path: Path) -> None:
    data, task, cut, length = lines("classification", tmp_path)
    assert data == f"data: file {tmp_path / 'pairs.csv'}, 60 examples: " + (
        "35 to train on, 12 to choose by (selection), 13 kept for the last test (report)"
    )
    assert task.startswith("task pairs: classification, scored by accuracy; labels of train: ")
    assert sum(int(part.split()[-1]) for part in task.split("train: ")[1].split(", ")) == 35
    assert cut.startswith("Report is 13 of the 60 training examples, drawn by a hash of each text")
    assert length == "train: no text is longer than 48 tokens."


def test_what_is_cut_of_the_texts(tmp_path: Path) -> None:
    _, task, _, length, _ = lines("token_classification", tmp_path)
    assert "token classification, scored by span_f1; tags of train: O " in task
    assert "train: 1 of" in length
    assert "longer than 48 tokens" in length


def test_numbers_have_a_range_and_texts_no_labels(tmp_path: Path) -> None:
    assert "; numbers of train from 0 to 2, " in lines("regression", tmp_path)[1]
    assert lines("question_answering", tmp_path)[1].endswith("scored by f1")


def test_how_chats_are_written_and_what_is_too_long_for_them(tmp_path: Path) -> None:
    *_, written, length = lines("chat", tmp_path, "gpt2")
    assert "written by a plain template" in written
    assert "conversations are too long and were cut" in length
    path = str(tmp_path / "chats.jsonl")
    task = task_from_files(path, too_long="error")
    splits = task.load(Source(), report=True)
    task, _, tokenizer = tiny("gpt2", task)
    with pytest.raises(UnavailableError, match="tokens, more than 48"):
        first_lines(task, splits, tokenizer, 48)


def test_labels_of_examples_with_any_number_are_each_counted(tmp_path: Path) -> None:
    rows = [{"text": f"t{n}", "label": ["rare"] * (n < 2) + ["often"]} for n in range(10)]
    held = [{"text": "s", "label": ["often"]}]
    for name, examples in (("a", rows), ("b", held), ("c", held)):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, examples)))
    files = {name: str(tmp_path / f"{name}.jsonl") for name in "abc"}
    task = task_from_files(files["a"], validation=files["b"], test=files["c"])
    splits = task.load(Source())
    task, _, tokenizer = tiny("bert", task)
    told = first_lines(task, splits, tokenizer, 48)[1]
    assert told.endswith("; labels of train: often 10, rare 2")


def test_many_labels_are_the_first_few_and_the_rarest(tmp_path: Path) -> None:
    names = [f"label {k}" for k in range(30) for _ in range(30 - k + 4)]
    rows = [f"the cat {n},{name}" for n, name in enumerate(names)]
    (tmp_path / "a.csv").write_text("\n".join(["text,label", *rows]) + "\n")
    task = task_from_files(str(tmp_path / "a.csv"))
    splits = task.load(Source())
    task, _, tokenizer = tiny("bert", task)
    told = first_lines(task, splits, tokenizer, 48)[1]
    assert len(told.split(", ")) == 9
    assert "… 30 in all, the rarest 'label " in told


@pytest.mark.parametrize("json_wanted", [False, True])
def test_a_dry_run_shows_them_before_anything_is_measured(
    json_wanted: bool, tiny_bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"the cat {n},{'yes' if n % 3 else 'no'}" for n in range(60)]
    (tmp_path / "own.csv").write_text("\n".join(["text,label", *rows, *rows[:4]]) + "\n")
    (tmp_path / "test.csv").write_text("\n".join(["text,label", *rows[:5]]) + "\n")
    command = ["search", "--train", str(tmp_path / "own.csv"), "--test", str(tmp_path / "test.csv")]
    command += ["--model", str(tiny_bert), "--space", "tiny", "--budget", "4%", "--dry-run"]
    assert main([*command, "--json"] if json_wanted else command) == 0
    said = capsys.readouterr()
    shown = said.err if json_wanted else said.out
    assert f"data: file {tmp_path / 'own.csv'}, 69 examples: " in shown
    assert ", 5 kept for the last test (report)\n" in shown
    assert "of the 5 report examples are in train too" in shown
    if json_wanted:
        json.loads(said.out)


WNUT, SST2 = "ner/wnut17/wnut17train.conll", "glue/SST-2/dev.tsv"


@pytest.mark.parametrize(
    ("file", "options", "said"),
    [
        (WNUT, {}, ("3,394 examples", "token classification", "tags of train: O ")),
        (SST2, {"text": "sentence"}, ("872 examples", ": classification", "labels of train: ")),
    ],
)
def test_real_files_are_read_as_they_are_meant(
    file: str, options: dict[str, str], said: tuple[str, ...], real_data: Path
) -> None:
    task = task_from_files(str(real_data / file), **options)
    splits = task.load(Source(), report=True)
    task, _, tokenizer = tiny("bert", task)
    shown = " ".join(first_lines(task, splits, tokenizer, 48))
    assert all(words in shown for words in said), shown


def test_a_label_that_only_the_test_file_has_ends_a_search_at_its_beginning(
    tiny_bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"the cat {n},{'yes' if n % 3 else 'no'}" for n in range(60)]
    (tmp_path / "own.csv").write_text("\n".join(["text,label", *rows]) + "\n")
    (tmp_path / "test.csv").write_text("text,label\nthe dog,yes\nthe mat,never\n")
    command = ["search", "--train", str(tmp_path / "own.csv"), "--test", str(tmp_path / "test.csv")]
    command += ["--model", str(tiny_bert), "--budget", "4%", "--out", str(tmp_path / "study")]
    assert main(command) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert "test.csv' line 3 has the label 'never', which no training example has" in line
    assert not (tmp_path / "study").exists()
