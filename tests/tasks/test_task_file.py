"""The user's own files: kinds are inferred, splits are told, mistakes get one clear line each."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from autopelt.errors import AutopeltError, UnavailableError, UsageError
from autopelt.tasks import Source, make_task, task_from_files


def _csv(folder, name, rows, header="text,label"):
    path = folder / name
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return str(path)


@pytest.fixture
def reviews(tmp_path):
    return _csv(
        tmp_path, "reviews.csv", [f"review {n},{'good' if n % 3 else 'bad'}" for n in range(60)]
    )


def _line(make):
    """The message of the one error that `make` raises: a single line."""
    with pytest.raises(AutopeltError) as info:
        make()
    assert "\n" not in str(info.value)
    return str(info.value)


def test_one_file_is_split_in_three_and_the_user_is_told(reviews):
    task = task_from_files(reviews)
    splits = task.load(Source(), report=True)
    assert splits.facts.sizes == {"train": 32, "selection": 14, "report": 14}
    assert (
        "Report is 14 of the 60 training examples, drawn by a hash of each text" in splits.facts.cut
    )
    assert "Selection is 14 of the 46 training examples" in splits.facts.cut
    assert splits.facts.notes == (
        "The task is a classification, scored by accuracy: "
        "'label' has 2 distinct values (bad, good).",
    )
    assert (task.name, task.labels) == ("reviews", ("bad", "good"))


def test_validation_selects_and_test_reports(tmp_path, reviews):
    other = _csv(tmp_path, "b.csv", ["x,good", "y,bad"])
    last = _csv(tmp_path, "c.csv", ["z,good"])
    splits = task_from_files(reviews, validation=other, test=last).load(Source(), report=True)
    assert splits.facts.sizes == {"train": 60, "selection": 2, "report": 1}
    assert splits.selection["text"][:] == ["x", "y"]
    two = task_from_files(reviews, validation=other).load(Source(), report=True)
    assert two.facts.sizes == {"train": 46, "selection": 2, "report": 14}


@pytest.mark.parametrize(
    ("labels", "kind", "why"),
    [
        (["0", "1", "2"], "classification", "3 distinct values (0, 1, 2)"),
        (["0.5", "1.25", "3"], "regression", "a decimal point"),
        (["1e-1", "2e-1"], "regression", "a decimal point"),
        ([str(n) for n in range(60)], "classification", "60 distinct whole numbers without gaps"),
        ([str(7 * n) for n in range(60)], "regression", "60 distinct whole numbers"),
        (["yes", "no"], "classification", "2 distinct values (no, yes)"),
    ],
)
def test_the_kind_is_inferred_from_the_label(tmp_path, labels, kind, why):
    path = _csv(tmp_path, "a.csv", [f"t{n},{label}" for n, label in enumerate(labels * 8)])
    task = task_from_files(path)
    assert task.kind == kind
    assert why in task.load(Source()).facts.notes[0]


def test_the_kind_may_be_said(tmp_path):
    path = _csv(tmp_path, "a.csv", [f"t{n},{n % 3}" for n in range(40)])
    task = task_from_files(path, kind="regression", score="spearman")
    assert (task.kind, task.metric.name) == ("regression", "spearman")
    assert task.load(Source()).train["label"][0] in (0.0, 1.0, 2.0)


def test_texts_for_labels_are_refused(tmp_path):
    path = _csv(tmp_path, "a.csv", [f"t{n},opinion {n}" for n in range(80)])
    assert "80 distinct values in 80 examples, too many" in _line(lambda: task_from_files(path))


def test_the_same_rows_in_every_format_are_the_same_task(tmp_path):
    rows = [{"text": f"t {n}", "label": "ab"[n % 2]} for n in range(40)]
    paths = [
        _csv(tmp_path, "a.csv", [f"{r['text']},{r['label']}" for r in rows]),
        str(tmp_path / "a.tsv"),
        str(tmp_path / "a.jsonl"),
        str(tmp_path / "a.json"),
        str(tmp_path / "a.txt"),
        str(tmp_path / "a.parquet"),
    ]
    lines = "\n".join(map(json.dumps, rows))
    (tmp_path / "a.tsv").write_text(
        "\n".join(["text\tlabel", *(f"{r['text']}\t{r['label']}" for r in rows)])
    )
    (tmp_path / "a.jsonl").write_text(lines)
    (tmp_path / "a.txt").write_text(lines)
    (tmp_path / "a.json").write_text(json.dumps(rows))
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    assert len({task_from_files(path).load(Source()).facts.hash for path in paths}) == 1


def test_tags_in_json_lines_and_any_ending_with_a_kind(tmp_path):
    rows = [{"tokens": ["the", f"cat{n}"], "ner_tags": ["O", "B-x"], "n": n} for n in range(20)]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    task = task_from_files(str(tmp_path / "a.jsonl"), kind="token_classification")
    first = task.load(Source()).train[0]
    assert first == {"words": ["the", first["words"][1]], "tags": [0, 1]}
    (tmp_path / "a.tagged").write_text("".join(f"the O\ncat{n} B-x\n\n" for n in range(20)))
    task = task_from_files(str(tmp_path / "a.tagged"), kind="token_classification")
    task.load(Source())
    assert task.labels == ("O", "B-x")


def test_summaries_are_generated_and_scored_by_rouge(tmp_path):
    path = tmp_path / "news.jsonl"
    rows = [{"article": f"the cat {n} sat", "highlights": f"cat {n}"} for n in range(20)]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    for name in ("rougeL", "rouge_l"):  # as it was called before
        task = task_from_files(str(path), score=name)
        assert (task.kind, task.metric.name) == ("generation", "rougeL")
        raw = task.origin.find(Source()).readers["train"]()
        assert raw[3] == {"source": "the cat 3 sat", "target": "cat 3"}


def test_a_table_of_sources_and_targets_is_generation(tmp_path):
    path = _csv(tmp_path, "a.csv", [f"one {n},ena {n}" for n in range(20)], "english,slovene")
    task = task_from_files(
        path, text="english", target="slovene", score="loss", prefix="translate: "
    )
    assert (task.kind, task.metric.name, task.metric.higher_is_better) == (
        "generation",
        "loss",
        False,
    )
    assert task.load(Source()).train[0]["target"].startswith("ena")


def test_a_task_file_is_read_from_its_own_folder(tmp_path, reviews, monkeypatch):
    file = tmp_path / "mine.yaml"
    file.write_text("name: mine\ntrain: reviews.csv\nscore: macro_f1\nmax_length: 32\n")
    monkeypatch.chdir("/")
    task = make_task(str(file))
    assert (task.name, task.metric.name, task.max_length) == ("mine", "macro_f1", 32)
    again = make_task(task.spec)
    assert again.spec == task.spec
    assert reviews in task.spec
    assert again.load(Source()).facts == task.load(Source()).facts


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("train: a.csv\ntextpair: x\n", "unknown key 'textpair': did you mean 'text_pair'?"),
        ("text: x\nkind: regresion\n", "train: Field required; kind: Input should be"),
        ("train: a.csv\nkind: regression\nscore: acuracy\n", "score 'acuracy': Allowed: mae"),
        ("train: a.csv\nkind: generation\ntext_pair: x\n", "text_pair would have no effect"),
        ("train: a.csv\ntest_target: b\n", "test_target needs test"),
        ("train: a.csv\ntrain_target: b\nvalidation: c\n", "must both have an aligned file"),
        ("- train\n", "not a mapping"),
        ("train: [\n", "not valid YAML"),
    ],
)
def test_a_wrong_task_file_names_everything_that_is_wrong(tmp_path, text, said):
    (tmp_path / "t.yaml").write_text(text)
    with pytest.raises(UsageError) as info:
        make_task(str(tmp_path / "t.yaml"))
    assert said in str(info.value)
    assert "\n" not in str(info.value)


@pytest.mark.parametrize(
    ("header", "options", "said"),
    [
        ("source,target", {"text_pair": "input"}, "text_pair would have no effect: a generation"),
        ("source,target", {"target": "target", "label": "nope"}, "label would have no effect"),
        ("context,question,answers", {"text": "question"}, "a question answering takes group"),
        ("text,label", {"prefix": "say: "}, "prefix would have no effect: a classification takes"),
        ("words,tags", {"kind": "token_classification", "text_pair": "x"}, "text_pair would have"),
    ],
)
def test_an_option_without_effect_is_refused(tmp_path, header, options, said):
    rows = [",".join(f"{name} {n % 2}" for name in header.split(",")) for n in range(20)]
    path = _csv(tmp_path, "a.csv", rows, header)
    with pytest.raises(UsageError) as info:
        task_from_files(path, **options)
    assert said in str(info.value)
    assert "\n" not in str(info.value)


@pytest.mark.parametrize("roles", [("text", "text_pair"), ("text", "target"), ("text", "label")])
def test_a_column_has_one_role(tmp_path, roles):
    (tmp_path / "a.csv").write_text("text,a,label\n" + "the cat,b,x\nthe dog,c,y\n" * 9)
    with pytest.raises(UsageError, match=f"{roles[0]} and {roles[1]} are both column 'a'"):
        task_from_files(str(tmp_path / "a.csv"), **dict.fromkeys(roles, "a"))


def test_a_label_that_is_named_decides_among_columns_of_other_kinds(tmp_path):
    path = _csv(tmp_path, "a.csv", [f"{n},x,{n % 2}" for n in range(20)], "source,target,good")
    assert task_from_files(path, text="source", label="good").kind == "classification"
    message = _line(lambda: task_from_files(path, label="nope"))
    assert "has no column 'nope'; it has: source, target, good" in message


def test_a_missing_task_file_and_a_missing_data_file(tmp_path):
    assert "none.yaml' cannot be read" in _line(lambda: make_task(str(tmp_path / "none.yaml")))
    with pytest.raises(UnavailableError, match="does not exist; give a file"):
        task_from_files(str(tmp_path / "none.csv"))
    with pytest.raises(UnavailableError, match="is a folder without files"):
        task_from_files(str(tmp_path))
    with pytest.raises(UsageError, match=r"the ending '\.doc' does not tell the format"):
        task_from_files(_csv(tmp_path, "a.doc", ["a b"], "words"))


@pytest.mark.parametrize(
    ("rows", "flags", "said"),
    [
        (["a,x"], {"text": "review"}, "has no column 'review'; it has: text, label."),
        (["a,x"], {"label": "gold"}, "has no column 'gold'; it has: text, label."),
        (["a,x", ",y"], {}, "line 3 has an empty text in column 'text'"),
        (["a,x", "  ,y"], {}, "line 3 has an empty text"),
        (["a,x", "b,"], {}, "line 3 has no label in column 'label'"),
        (["a,x", "b,nan"], {}, "line 3 has no label"),
        (["a,0.5", "b,nan"], {}, "line 3 has 'nan' in column 'label'; a regression needs"),
        (["a,0.5", "b,inf"], {}, "line 3 has 'inf'"),
        (["a,0.5", "b,x"], {"kind": "regression"}, "line 3 has 'x' in column 'label'"),
        (["a,x"] * 40, {}, "all 40 training examples have the label 'x'"),
        (["a,x", "b,y"], {}, "2 training examples, too few"),
        (["a,x", "b"], {}, "line 3 has 1 fields"),
    ],
)
def test_a_wrong_example_is_named_by_its_line(tmp_path, rows, flags, said):
    path = _csv(tmp_path, "a.csv", rows)

    def run():
        task_from_files(path, **flags).load(Source())

    assert said in _line(run)


def test_a_label_that_train_never_had_is_named_with_its_line(tmp_path, reviews):
    other = _csv(tmp_path, "b.csv", ["x,good", "y,odd"])
    message = _line(lambda: task_from_files(reviews, validation=other).load(Source()))
    assert "b.csv' line 3 has the label 'odd', which no training example has" in message
    assert "those have: bad, good" in message


def test_of_many_labels_five_are_named(tmp_path):
    train = _csv(tmp_path, "a.csv", [f"t{n},c{n % 9}" for n in range(45)])
    other = _csv(tmp_path, "b.csv", ["x,odd"])
    message = _line(lambda: task_from_files(train, validation=other).load(Source()))
    assert message.endswith("those have: c0, c1, c2, c3, c4 and 4 more.")
    (tmp_path / "a.conll").write_text("".join(f"w O\nw B-c{n % 9}\n\n" for n in range(45)))
    (tmp_path / "b.conll").write_text("w O\n\nw O\nw B-odd\n")
    paths = [str(tmp_path / name) for name in ("a.conll", "b.conll")]
    message = _line(lambda: task_from_files(paths[0], validation=paths[1]).load(Source()))
    assert "b.conll' line 3 has the label 'B-odd', which no training example has" in message
    assert message.endswith("those have: B-c0, B-c1, B-c2, B-c3, B-c4 and 5 more.")


def test_missing_usual_columns_name_the_flag(tmp_path):
    path = _csv(tmp_path, "a.csv", ["a,x", "b,y"] * 10, "review,label")
    assert "Name the one to use with text" in _line(lambda: task_from_files(path).load(Source()))
    path = _csv(tmp_path, "b.csv", ["a,x", "b,y"] * 10, "text,mood")
    assert "Name the one to use with label" in _line(lambda: task_from_files(path))


def test_answers_outside_their_context_are_left_out_and_told(tmp_path):
    def asked(start):
        return {"question": "?", "id": "1", "answers": [{"text": "cat", "answer_start": start}]}

    data = [
        {"title": f"t{n}", "paragraphs": [{"context": "the cat", "qas": [asked(4), asked(5)]}]}
        for n in range(12)
    ]
    path = tmp_path / "q.json"
    path.write_text(json.dumps({"data": data}))
    splits = task_from_files(str(path)).load(Source())
    assert "12 answers do not stand in their context" in splits.facts.notes[1]
    assert "12 of 24 questions are left out" in splits.facts.notes[2]
    for article in data:
        article["paragraphs"][0]["qas"] = [asked(5)]
    path.write_text(json.dumps({"data": data}))
    message = _line(lambda: task_from_files(str(path)).load(Source()))
    assert "no question of the train data has an answer in its context" in message


def test_answers_without_a_place_are_looked_up(tmp_path):
    rows = [
        {"context": f"the cat {n}", "question": "who ?", "answers": "cat" if n else "dog"}
        for n in range(20)
    ]
    path = tmp_path / "q.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    splits = task_from_files(str(path)).load(Source())
    assert splits.train[0]["starts"] == [4]
    assert "1 of 20 questions are left out" in splits.facts.notes[2]
    path.write_text(json.dumps(rows[0] | {"answers": 3}))
    assert "line 1 has no list" in _line(lambda: task_from_files(str(path)).load(Source()))


def test_a_hidden_label_of_the_hub_is_explained():
    from autopelt.data.readers import Table
    from autopelt.data.source import DataFacts
    from autopelt.tasks.own_data import OwnData

    files = OwnData(
        "classification",
        {},
        {},
        DataFacts.of_hub("owner/name", "owner/name", "0"),
        known={"0", "1"},
    )
    table = Table({"text": ["a"], "label": [-1]}, "owner/name")
    with pytest.raises(UnavailableError, match="report split hides its label"):
        files.dataset("report", table)


def test_aligned_files_of_different_length_and_empty_sides(tmp_path):
    (tmp_path / "a.en").write_text("one\n" * 20)
    (tmp_path / "a.sl").write_text("ena\n" * 19)
    train, target = str(tmp_path / "a.en"), str(tmp_path / "a.sl")
    assert "20 lines, but" in _line(lambda: task_from_files(train, train_target=target))
    assert "known are" in _line(lambda: task_from_files(train))


def test_tags_that_do_not_fit_their_words(tmp_path):
    rows = [{"words": ["a", "b"], "tags": ["O"]}] * 10
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    message = _line(lambda: task_from_files(str(tmp_path / "a.jsonl")).load(Source()))
    assert "line 1 has 2 words, but 1 tags" in message


def test_nothing_is_written_beside_the_users_files(tmp_path, reviews):
    before = sorted(tmp_path.rglob("*"))
    task_from_files(reviews).load(Source(), report=True)
    assert sorted(tmp_path.rglob("*")) == before
