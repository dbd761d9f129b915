"""A search runs end to end on every kind of task: real files, a tiny model of a fitting family."""

import json
import shutil
from pathlib import Path

import pytest
from tiny_models import tiny

from autopelt.cli.main import main
from autopelt.study.storage import StudyStorage
from autopelt.tasks import make_task

KINDS = {
    "stsb": ("glue/STS-B", "roberta"),
    "wnut17": ("ner/wnut17", "bert"),
    "squad": ("squad", "bert"),
    "ntrex-en-sl": ("mt_en_sl", "t5"),
}


def beginning(data: Path, folder: Path) -> Path:
    """The same files, but only their first examples."""
    shutil.copytree(data, folder, copy_function=shutil.copyfile)
    for path in folder.rglob("*"):
        if path.suffix == ".json":
            squad = json.loads(path.read_text())
            for article in squad["data"]:
                article["paragraphs"] = article["paragraphs"][:2]
                for paragraph in article["paragraphs"]:
                    paragraph["qas"] = paragraph["qas"][:3]
            path.write_text(json.dumps(squad | {"data": squad["data"][:12]}))
        elif path.suffix in (".conll", ".annotated"):
            sentences = path.read_text().split("\n\n")[:150]
            path.write_text("\n\n".join(sentences) + "\n")
        elif path.suffix == ".tsv" or path.name.startswith("newstest"):
            path.write_text("".join(path.read_text().splitlines(keepends=True)[:100]))
    return folder


@pytest.mark.parametrize("name", KINDS)
def test_a_search_runs(name: str, real_data: Path, tmp_path: Path) -> None:
    data, family = KINDS[name]
    _, model, tokenizer = tiny(family, make_task(name))
    model.save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    arguments = [
        "search",
        "--task",
        name,
        "--data",
        str(beginning(real_data / data, tmp_path / "data")),
        "--space",
        "tiny",
    ]
    arguments += ["--model", str(tmp_path / "model"), "--budget", "4%", "--trials", "3"]
    arguments += ["--seeds", "head-only,lora-r1", "--epochs", "1", "--train-examples", "40"]
    arguments += ["--max-length", "48", "--out", str(tmp_path / "study")]
    assert main(arguments) == 0
    record = StudyStorage.open(tmp_path / "study").record()
    assert [t.state for t in record.trials] == ["complete"] * 3, [t.reason for t in record.trials]
    assert record.metric == make_task(name).metric.name
    assert record.trials[0].architecture.modules == ()
