"""Named tasks: made without torch, read from the benchmarks' own files, or refused in one line."""

import json
import subprocess
import sys

import pytest

from autopelt.data.benchmark import Benchmark
from autopelt.data.readers import with_class_names
from autopelt.errors import UnavailableError, UsageError
from autopelt.tasks import TASKS, Source, make_task

REAL = {
    "rte": (2262, 228, 277),
    "cola": (7695, 856, 1043),
    "sst2": (65266, 2083, 872),
    "stsb": (5215, 534, 1500),
    "wnli": (475, 160, 71),
    "cb": (186, 64, 56),
    "acl-arc": (1688, 114, 139),
    "chemprot": (4169, 2427, 3469),
    "wnut17": (3394, 1009, 1287),
    "ntrex-en-sl": (1570, 212, 215),
}
"""Examples of the splits from the original files."""


def test_every_task_is_made_without_torch_or_data():
    script = (
        "import sys; from autopelt.tasks import TASKS, make_task\n"
        "from autopelt.tasks.catalogue import catalogue; catalogue(None)\n"
        "assert all(make_task(n).name == make_task(n).spec == n for n in TASKS)\n"
        "print([m for m in ('torch', 'datasets', 'transformers', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_tasks_of_the_field_are_there():
    glue = {"cola", "sst2", "mrpc", "qqp", "mnli", "mnli-mismatched", "qnli", "rte", "wnli", "stsb"}
    superglue = {"cb", "boolq", "wic", "copa"}
    domains = {
        "chemprot",
        "rct",
        "acl-arc",
        "scierc",
        "hyperpartisan",
        "agnews",
        "helpfulness",
        "imdb",
    }
    others = {"demo", "wnut17", "conll2003", "squad", "si-nli", "ssj500k", "ntrex-en-sl"}
    assert set(TASKS) == glue | superglue | domains | others


def test_an_unknown_task_is_refused_with_what_was_meant():
    with pytest.raises(UsageError, match="unknown task 'sst-2': did you mean 'sst2'"):
        make_task("sst-2")


@pytest.mark.parametrize("name", REAL)
def test_original_files_give_the_published_examples(real_data, name):
    task = make_task(name)
    splits = task.load(Source(data=real_data), report=True)
    sizes = (len(splits.train), len(splits.selection), len(splits.report))
    assert sizes == REAL[name]
    assert splits.facts.origin == "folder"
    assert isinstance(task.origin, Benchmark)
    published = task.origin.sizes
    assert sum(sizes) == sum(published)
    if published[2]:
        assert sizes[2] == published[2]


def test_squad_is_read_whole(real_data):
    task = make_task("squad")
    splits = task.load(Source(data=real_data), report=True)
    assert len(splits.report) == 10570
    # The training file at hand has the first twelve articles.
    assert splits.facts.notes[0].startswith("WARNING: the train part of 'squad' has ")
    assert set(splits.train["title"]).isdisjoint(splits.selection["title"])


@pytest.mark.parametrize(
    ("name", "text", "label"),
    [
        (
            "cola",
            "Our friends won't buy this analysis, let alone the next one we propose.",
            "acceptable",
        ),
        ("cola", "They drank the pub.", "unacceptable"),
        ("sst2", "hide new secretions from the parental units ", "negative"),
        ("rte", "No Weapons of Mass Destruction Found in Iraq Yet.", "not_entailment"),
        (
            "wnli",
            "I stuck a pin through a carrot. When I pulled the pin out, it had a hole.",
            "entailment",
        ),
    ],
)
def test_labels_of_the_original_files_get_their_names(real_data, name, text, label):
    task = make_task(name)
    splits = task.load(Source(data=real_data))
    found = set()
    for part in (splits.train, splits.selection):
        pairs = zip(part["text"][:], part["label"][:], strict=True)
        found |= {task.labels[number] for read, number in pairs if read == text}
    assert label in found


@pytest.mark.parametrize("place", ["glue/RTE", "glue", "."])
def test_a_folder_may_be_the_set_its_parent_or_a_level_above(real_data, place):
    facts = make_task("rte").load(Source(data=real_data / place)).facts
    assert facts.path.endswith("glue/RTE")


def _tsv(folder, files):
    folder.mkdir(parents=True)
    for name, (header, line) in files.items():
        lines = [header, *(line.format(n=n, label=n % 2) for n in range(40))]
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


MRPC = ("\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String", '{label}\t1\t2\t"one {n}\ttwo')
QQP = ("id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate", "{n}\t1\t2\tone\ttwo {n}\t{label}")
QNLI = ("index\tquestion\tsentence\tlabel", "{n}\twhy {n}\tso\tentailment")


def test_glue_sets_that_are_not_at_hand_are_read_in_their_layout(tmp_path):
    _tsv(tmp_path / "MRPC", {"train.tsv": MRPC, "dev.tsv": MRPC})
    _tsv(tmp_path / "QQP", {"train.tsv": QQP, "dev.tsv": QQP})
    with (tmp_path / "QQP" / "train.tsv").open("a") as file:
        file.write("99\tbroken\n99\t1\t2\tone\t\t1\n")
    header = "index\tsentence1\tsentence2\tlabel1\tgold_label"
    line = "{n}\tone {n}\ttwo\tneutral\tneutral\n0\tx{n}\ty\tentailment\tentailment"
    files = dict.fromkeys(("train.tsv", "dev_matched.tsv", "dev_mismatched.tsv"), (header, line))
    _tsv(tmp_path / "MNLI", files)
    source = Source(data=tmp_path)
    assert make_task("mrpc").load(source).train[0]["text"].startswith('"one')
    notes = make_task("qqp").load(source).facts.notes
    assert "1 lines with too few fields" in notes[0]
    assert notes[1:3] == (
        "WARNING: the train part of 'qqp' has 41 examples; published are 363,846.",
        "train: 1 of 41 texts are empty.",
    )
    for name in ("mnli", "mnli-mismatched"):
        assert len(make_task(name).load(source, report=True).report) == 80


@pytest.mark.parametrize(("examples", "said"), [(3668, 0), (3667, 1)])
def test_a_part_that_is_not_as_large_as_published_is_said(tmp_path, examples, said):
    """BoolQ from a folder of few-shot examples was trained on 24 of 9,427 without a word."""
    lines = [MRPC[0], *(MRPC[1].format(n=n, label=n % 2) for n in range(examples))]
    (tmp_path / "MRPC").mkdir()
    for name, kept in (("train.tsv", lines), ("dev.tsv", lines[:409])):
        (tmp_path / "MRPC" / name).write_text("\n".join(kept) + "\n")
    notes = make_task("mrpc").load(Source(data=tmp_path), report=True).facts.notes
    told = [note for note in notes if "published" in note]
    assert (
        told
        == ["WARNING: the train part of 'mrpc' has 3,667 examples; published are 3,668."][:said]
    )


def test_superglue_sets_that_are_not_at_hand_are_read_in_their_layout(tmp_path):
    def write(name, row, differs):
        (tmp_path / name).mkdir()
        rows = [row | {"idx": n, "label": n % 2 == 0, differs: f"It is {n}."} for n in range(40)]
        for file in ("train.jsonl", "val.jsonl"):
            (tmp_path / name / file).write_text("\n".join(map(json.dumps, rows)))

    write("BoolQ", {"question": "is it"}, "passage")
    write("WiC", {"word": "bank", "sentence1": "The bank.", "start1": 4}, "sentence2")
    source = Source(data=tmp_path)
    boolq, wic = make_task("boolq"), make_task("wic")
    assert {row["label"] for row in boolq.load(source).train} == {0, 1}
    assert wic.load(source).train[0]["text"] == "bank: The bank."


def test_a_folder_without_the_files_says_which_and_both_ways(tmp_path):
    with pytest.raises(UnavailableError) as info:
        make_task("rte").load(Source(data=tmp_path))
    message = str(info.value)
    assert f"'{tmp_path}' has no RTE/train.tsv and RTE/dev.tsv" in message
    assert "nyu-mll/glue (rte)" in message
    assert "\n" not in message
    with pytest.raises(UnavailableError, match="does not exist"):
        make_task("squad").load(Source(data=tmp_path / "none"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", r"empty \(0 bytes\)"),
        (
            b"index\tsentence1\tlabel\n0\ta\tentailment\n",
            "has no column 'sentence2'; it has: index",
        ),
        (b"index\tsentence1\tsentence2\tlabel\n0\ta\tb\n", "line 2 has 3 fields"),
        (b"index\tsentence1\tsentence2\tlabel\n0\ta\tb\tmaybe\n", "label 'maybe'"),
    ],
)
def test_wrong_original_files_are_refused(tmp_path, content, said):
    (tmp_path / "RTE").mkdir()
    for name in ("train.tsv", "dev.tsv"):
        (tmp_path / "RTE" / name).write_bytes(content)
    with pytest.raises(UnavailableError, match=said):
        make_task("rte").load(Source(data=tmp_path))


def test_class_numbers_of_the_hub_become_names():
    from datasets import ClassLabel, Sequence, Value

    assert with_class_names([1, 0, -1], ClassLabel(names=["no", "yes"]), ()) == ["yes", "no", -1]
    assert with_class_names([1, 0], Value("int64"), ("no", "yes")) == ["yes", "no"]
    assert with_class_names([[0, 1]], Sequence(ClassLabel(names=["O", "B-x"])), ()) == [
        ["O", "B-x"]
    ]
    assert with_class_names(["a", 1.5, True], Value("string"), ()) == ["a", 1.5, True]
