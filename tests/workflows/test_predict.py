"""`autopelt predict`: file in, file out, for every kind of task, without its training data."""

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import tiny_data
import torch
from tiny_models import tiny

from autopelt.backbones.shapes import shapes_of_config
from autopelt.cli.main import main
from autopelt.export import export, find_trained, load_trained
from autopelt.study.config import TrainingConfig
from autopelt.study.lookup import find_architecture
from autopelt.training.final import train_model
from autopelt.training.spec import Setup

FAMILIES = {"generation": "t5", "chat": "gpt2"}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory):
    """Folder of a model of a kind of task, trained once; its training data is gone."""
    made: dict[str, Path] = {}

    def get(kind: str) -> Path:
        if kind not in made:
            root = tmp_path_factory.mktemp(kind)
            (root / "data").mkdir()
            task, source = getattr(tiny_data, kind)(root / "data")
            _, model, tokenizer = tiny(FAMILIES.get(kind, "bert"), task)
            for part in (model, tokenizer):
                part.save_pretrained(root / "model")
            shapes = shapes_of_config(model.config)
            lora = find_architecture("lora-r2", shapes).architecture
            data = None if source.data is None else str(source.data)
            setup = Setup(str(root / "model"), task.spec, data, max_length=task.max_length)
            training = TrainingConfig(epochs=1)
            train_model(setup, lora, training, 0, root / "trained", lambda result: None)
            (root / "data").rename(root / "gone")
            made[kind] = root / "trained"
        return made[kind]

    return get


def write(path: Path, rows: list[dict]) -> str:
    path.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    return str(path)


def predicted(folder: Path, tmp_path: Path, rows: list[dict], *more: str) -> list[dict]:
    out = tmp_path / "out.jsonl"
    new = write(tmp_path / "new.jsonl", rows)
    assert main(["predict", str(folder), new, "--out", str(out), *more]) == 0
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]


PAIRS = [
    {"id": n, "premise": f"the cat {'sat ' * n}near", "hypothesis": "nobody knows"}
    for n in range(1, 8)
]


def test_classes_have_the_probabilities_that_the_model_gives_one_by_one(trained, tmp_path) -> None:
    folder = trained("classification")
    rows = predicted(folder, tmp_path, PAIRS)
    model, tokenizer = load_trained(find_trained(folder))
    for asked, got in zip(PAIRS, rows, strict=True):
        assert {key: got[key] for key in asked} == asked
        batch = tokenizer(asked["premise"], asked["hypothesis"], return_tensors="pt")
        with torch.no_grad():
            expected = model(**batch).logits.softmax(-1)[0]
        assert list(got["probabilities"]) == ["other", "same"]
        assert list(got["probabilities"].values()) == pytest.approx(expected.tolist(), abs=1e-5)
        assert got["prediction"] == ["other", "same"][int(expected.argmax())]
        assert got["probability"] == max(got["probabilities"].values())


def test_an_export_predicts_the_same(trained, tmp_path) -> None:
    folder = trained("classification")
    shipped = export(folder, "autopelt", tmp_path / "shipped")
    assert predicted(shipped, tmp_path, PAIRS) == predicted(folder, tmp_path, PAIRS)


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".parquet"])
def test_formats_hold_the_same(ending: str, trained, tmp_path) -> None:
    folder = trained("classification")
    rows = predicted(folder, tmp_path, PAIRS)
    out = tmp_path / f"out{ending}"
    new = str(tmp_path / "new.jsonl")
    assert main(["predict", str(folder), new, "--out", str(out)]) == 0
    if ending == ".parquet":
        read = pq.read_table(out).to_pylist()
        assert read == rows
        return
    with out.open(encoding="utf-8", newline="") as file:
        read = list(csv.DictReader(file, delimiter="\t" if ending == ".tsv" else ","))
    for line, row in zip(read, rows, strict=True):
        assert line["prediction"] == row["prediction"]
        assert float(line["probability_same"]) == pytest.approx(
            row["probabilities"]["same"], abs=1e-5
        )
    again = tmp_path / "again.jsonl"
    if ending == ".csv":  # what is written can be read in
        assert main(["predict", str(folder), str(out)]) == 2
        plain = tmp_path / "plain.csv"
        plain.write_text("premise,hypothesis\na,b\n")
        assert main(["predict", str(folder), str(plain), "--out", str(again)]) == 0


def test_numbers(trained, tmp_path) -> None:
    rows = predicted(trained("regression"), tmp_path, [{"text": "the cat"}, {"text": "the the"}])
    assert all(isinstance(row["prediction"], float) for row in rows)
    assert "probability" not in rows[0]


def test_tags_for_each_word(trained, tmp_path) -> None:
    asked = [{"text": "Anna Novak sat"}, {"text": "the " * 300 + "end"}]
    rows = predicted(trained("token_classification"), tmp_path, asked)
    for got, row in zip(rows, asked, strict=True):
        assert len(got["prediction"]) == len(got["probability"]) == len(row["text"].split())
        assert set(got["prediction"]) <= {"O", "B-name", "I-name"}
    assert rows[1]["probability"][-1] == 0.0  # too long for the model
    assert 1 / 3 <= rows[0]["probability"][0] <= 1


def test_a_text_is_cut_into_words_that_are_told(trained, tmp_path) -> None:
    (row,) = predicted(trained("token_classification"), tmp_path, [{"text": "Anna, sat."}])
    assert row["words"] == ["Anna", ",", "sat", "."]
    assert len(row["prediction"]) == 4
    tokens = [{"tokens": "Anna, sat."}]
    (row,) = predicted(trained("token_classification"), tmp_path, tokens)
    assert row["words"] == ["Anna,", "sat."]


@pytest.mark.parametrize("ending", [".conll", ".txt"])
def test_words_alone_are_tagged_where_they_stand(ending: str, trained, tmp_path) -> None:
    new, out = tmp_path / f"new{ending}", tmp_path / "out.bio"
    new.write_text("-DOCSTART-\n\n# of Anna\nAnna\nsat\n\n\n\nBerlin\n", encoding="utf-8")
    folder = str(trained("token_classification"))
    assert main(["predict", folder, str(new), "--out", str(out)]) == 0
    lines = out.read_text(encoding="utf-8").split("\n")
    assert [line.split("\t")[0] for line in lines] == [
        *("-DOCSTART-", "", "# of Anna", "Anna", "sat", "", "", "", "Berlin", ""),
    ]
    tags = {line.split("\t")[1] for line in lines if "\t" in line}
    assert tags <= {"O", "B-name", "I-name"}
    again = tmp_path / "again.conll"
    assert main(["predict", folder, str(out), "--out", str(again)]) == 0
    assert again.read_text(encoding="utf-8") == out.read_text(encoding="utf-8")


def test_rows_of_words_are_tagged_by_sentence(trained, tmp_path) -> None:
    new, out = tmp_path / "new.csv", tmp_path / "out.conll"
    new.write_text("sentence;form\n1;Anna\n1;sat\n2;Berlin\n", encoding="utf-8")
    folder = str(trained("token_classification"))
    assert main(["predict", folder, str(new), "--text", "form", "--out", str(out)]) == 0
    words = [line.split("\t")[0] for line in out.read_text(encoding="utf-8").split("\n")]
    assert words == ["Anna", "sat", "", "Berlin", "", ""]


def test_only_tags_are_written_as_conll(trained, tmp_path, capsys) -> None:
    new = write(tmp_path / "new.jsonl", PAIRS)
    out = str(tmp_path / "out.conll")
    assert main(["predict", str(trained("classification")), new, "--out", out]) == 2
    assert "only tags of words are written as .conll" in capsys.readouterr().err


def test_a_file_without_a_header_is_said_to_have_none(trained, tmp_path) -> None:
    folder, new = str(trained("classification")), tmp_path / "new.csv"
    new.write_text("a;b\nc;d\n", encoding="cp1252")
    out = tmp_path / "out.jsonl"
    said = ["--columns", "premise,hypothesis", "--delimiter", ";", "--encoding", "cp1252"]
    assert main(["predict", folder, str(new), *said, "--out", str(out)]) == 0
    assert [json.loads(line)["premise"] for line in out.read_text().splitlines()] == ["a", "c"]


def test_answers_stand_in_their_context(trained, tmp_path) -> None:
    asked = [
        {"question": "where ?", "context": "Anna works for Acme in Berlin since 1999 . " * n}
        for n in (1, 9)
    ]
    for got in predicted(trained("question_answering"), tmp_path, asked):
        assert got["prediction"]
        assert got["prediction"] in got["context"]


def test_a_question_has_no_answer_above_the_threshold_that_was_chosen(trained, tmp_path) -> None:
    folder = trained("squad2")
    record = json.loads((folder / "training.json").read_text())
    assert 0 <= record["selection"]["best_f1_thresh"] <= 1
    assert record["selection"]["f1"] == pytest.approx(record["selection"]["best_f1"])
    asked = [{"question": "where ?", "context": "Anna works for Acme in Berlin ."}]
    for threshold, nothing in ((-1, True), (1, False)):  # of a share of doubt
        record["selection"]["best_f1_thresh"] = threshold
        (folder / "training.json").write_text(json.dumps(record))
        (got,) = predicted(folder, tmp_path, asked)
        assert (got["prediction"] == "") == nothing


def test_texts(trained, tmp_path) -> None:
    rows = predicted(trained("generation"), tmp_path, [{"source": "the cat 1"}, {"source": "the"}])
    assert all(isinstance(row["prediction"], str) for row in rows)


def test_chats_are_answered_with_or_without_their_last_answer(trained, tmp_path) -> None:
    asked = {"role": "user", "content": "where is the cat 1 ?"}
    answered = [asked, {"role": "assistant", "content": "on the mat"}]
    rows = predicted(trained("chat"), tmp_path, [{"messages": [asked]}, {"messages": answered}])
    assert isinstance(rows[0]["prediction"], str)
    assert rows[0]["prediction"] == rows[1]["prediction"]
    assert rows[1]["messages"] == answered
    (row,) = predicted(trained("chat"), tmp_path, [{"prompt": asked["content"]}])
    assert row["prediction"] == rows[0]["prediction"]
    (row,) = predicted(trained("chat"), tmp_path, [{"talk": [asked]}], "--text", "talk")
    assert row["prediction"] == rows[0]["prediction"]


def test_choices(trained, tmp_path) -> None:
    asked = [{"text": "it rained", "choices": ["the game was lost", "a flute"]}]
    (row,) = predicted(trained("multiple_choice"), tmp_path, asked)
    assert sum(row["probabilities"].values()) == pytest.approx(1)
    assert row["prediction"] in row["probabilities"]


def test_embeddings_are_of_length_one_and_like_the_models_own(trained, tmp_path) -> None:
    folder = trained("retrieval")
    asked = [
        {"query": "where is the cat 1 ?"},
        {"query": "the cat sat on the mat and the dog " * 9},
    ]
    rows = predicted(folder, tmp_path, asked)
    model, tokenizer = load_trained(find_trained(folder))
    for text, row in zip(asked, rows, strict=True):
        batch = tokenizer(text["query"], return_tensors="pt", truncation=True, max_length=128)
        with torch.no_grad():
            mean = model(**batch).last_hidden_state[0].mean(0)
        assert row["prediction"] == pytest.approx((mean / mean.norm()).tolist(), abs=1e-5)
    out = tmp_path / "out.parquet"
    assert main(["predict", str(folder), str(tmp_path / "new.jsonl"), "--out", str(out)]) == 0
    assert pq.read_table(out).to_pylist() == rows


def test_a_column_may_be_named(trained, tmp_path) -> None:
    folder = trained("classification")
    other = [{"a": row["premise"], "b": row["hypothesis"]} for row in PAIRS]
    named = predicted(folder, tmp_path, other, "--text", "a", "--text-pair", "b")
    assert [r["prediction"] for r in named] == [
        r["prediction"] for r in predicted(folder, tmp_path, PAIRS)
    ]


@pytest.mark.parametrize(
    ("rows", "more", "code", "named"),
    [
        ([{"premise": "a"}], (), 3, "hypothesis"),
        ([{"premise": "a", "hypothesis": " "}], (), 3, "empty text"),
        ([{"premise": "a", "hypothesis": "b"}], ("--text", "x"), 3, "no column 'x'"),
        ([{"premise": "a", "hypothesis": "b"}], ("--out", "x.xlsx"), 2, ".parquet"),
        ([{"premise": "a", "hypothesis": "b", "prediction": 1}], (), 2, "rename"),
    ],
)
def test_what_cannot_be_predicted_is_said(
    rows, more, code: int, named: str, trained, tmp_path, capsys
) -> None:
    new = write(tmp_path / "new.jsonl", rows)
    assert main(["predict", str(trained("classification")), new, *more]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert named in captured.err.strip().splitlines()[-1]
