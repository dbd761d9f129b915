"""A damaged file and mixed-up columns are refused in one line that names the place."""

import json
from pathlib import Path

import pytest

from autopelt.errors import UnavailableError
from autopelt.tasks import Source, task_from_files

ROWS = [("text", "label"), *((f"text {n}", "ab"[n % 2]) for n in range(40))]


def loaded(folder: Path, rows: list[tuple[str, str]], **options: str) -> str:
    path = folder / "own.csv"
    path.write_text("\n".join(map(",".join, rows)) + "\n")
    with pytest.raises(UnavailableError) as info:
        task_from_files(str(path), **options).load(Source(), report=True)
    message = str(info.value)
    assert len(message) < 300
    assert "\n" not in message
    assert "\0" not in message
    return message


def test_a_nul_character(tmp_path: Path) -> None:
    rows = [{"text": f"te{chr(0) if n == 3 else n}xt", "label": "ab"[n % 2]} for n in range(40)]
    (tmp_path / "own.jsonl").write_text("\n".join(map(json.dumps, rows)))
    task = task_from_files(str(tmp_path / "own.jsonl"))
    with pytest.raises(UnavailableError, match=r"line 4 has a NUL character in what is taken as"):
        task.load(Source())


def test_a_label_as_long_as_a_text(tmp_path: Path) -> None:
    rows = [*ROWS[:3], ("text", "x" * 900_000), *ROWS[4:]]
    assert "line 4 has a label of 900,000 characters" in loaded(
        tmp_path, rows, kind="classification"
    )


@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_labels_that_are_the_texts(tmp_path: Path, kind: str) -> None:
    rows = [("text", "label"), *((f"{n}.5", str(n % 2)) for n in range(40))]
    said = loaded(tmp_path, rows, label="text", kind=kind)
    assert "own.csv' are its texts, so there is nothing to learn" in said


@pytest.mark.parametrize(("label", "kind"), [("a", "classification"), ("2.5", "regression")])
def test_labels_that_are_all_the_same(tmp_path: Path, label: str, kind: str) -> None:
    rows = [("text", "label"), *((f"text {n}", label) for n in range(40))]
    said = loaded(tmp_path, rows, kind=kind)
    assert "all 40 training examples have the " in said
    assert label in said.split("training examples have the ")[1]


def test_a_label_that_only_the_test_file_has(tmp_path: Path) -> None:
    test = tmp_path / "test.csv"
    test.write_text("text,label\none,a\ntwo,c\n")
    said = loaded(tmp_path, ROWS, test=str(test))
    assert "test.csv' line 3 has the label 'c', which no training example has" in said
