"""docs/python.md: its programs run as printed, the one about modules on MiniLM, others on a tiny
model with a tiny search in place of the page's."""

import inspect
import re
from pathlib import Path

import pytest
import torch
from own_loop import IDS, LABELS, own_model
from own_loop import accuracy as accuracy_of

import autopelt
from autopelt.backbones.source import resolve
from autopelt.study.table import COLUMNS
from autopelt.workflows import search

GUIDE = (Path(__file__).parents[2] / "docs" / "python.md").read_text("utf-8")
SMALL = 'space="tiny", seeds="lora-r1", sampler="random"'


def programs(part):
    """Code blocks of a part of the page."""
    text = GUIDE.split(f"\n## {part}\n")[1].split("\n## ")[0]
    return re.findall(r"```py(?:thon)?\n(.*?)```", text, re.DOTALL)


@pytest.fixture(scope="module")
def names(tmp_path_factory, tiny_bert):
    """What the programs share, in a folder of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("guide"))
        patch.setattr(search, "REPORT_SECONDS", float("inf"))  # a report at a search's end only
        yield {"torch": torch, "autopelt": autopelt, "tiny": str(tiny_bert)}


def run(program, names, **smaller):
    for printed, small in smaller.items():
        assert printed in program
        program = program.replace(printed, small)
    exec(compile(program, "python.md", "exec"), names)


@pytest.fixture(scope="module")
def searched(names):
    """The names once the first program has made its study."""
    tiny = (
        f"model={names['tiny']!r}, epochs=1, train_examples=64, workers=1, confirm_seeds=1, {SMALL}"
    )
    (program,) = programs("A search and its result")
    swaps = {'model="minilm"': tiny, '"1%"': '"4%"', "trials=60": "trials=3", "61": "4"}
    own = dict(names)
    run(program, own, **swaps)
    return own


def test_a_search_and_its_result(searched):
    assert len(searched["study"].trials()) == 4
    assert any(c.scored for c in searched["study"].record.confirmed)


def test_a_loop_of_ones_own(names):
    loop, with_trainer = programs("Your own model and training loop")
    assert len(loop.strip().splitlines()) - loop.count("\n\n") <= 10
    names |= {
        "my_model": own_model(),
        "batches": [{"input_ids": IDS, "labels": LABELS}],
        "evaluate": accuracy_of,
    }
    run(loop, names, **{'"1%"': f'"4%", trials=3, {SMALL}'})
    assert autopelt.attached(names["best"]) == names["study"].best.architecture
    assert autopelt.attached(names["my_model"]) is None

    pytest.importorskip("accelerate", reason="transformers.Trainer needs it")
    from transformers import TrainingArguments

    rows = [{"input_ids": ids, "labels": label} for ids, label in zip(IDS, LABELS, strict=True)]
    names |= {
        "arguments": TrainingArguments(
            "out", num_train_epochs=2, eval_strategy="epoch", report_to=[], use_cpu=True,
            save_strategy="no", logging_strategy="no", disable_tqdm=True,
        ),
        "examples": rows,
        "held_out": rows,
        "accuracy": lambda told: {
            "accuracy": float((told.predictions.argmax(-1) == told.label_ids).mean())
        },
    }  # fmt: skip
    run(with_trainer, names, **{'"1%"': f'"4%", trials=2, {SMALL}'})
    trial = autopelt.open_study("reports/trainer").best
    assert len(trial.scores) == 2


def test_figures(searched):
    (program,) = programs("Figures")
    run(program, searched)
    assert "Pareto front" in Path("front.html").read_text("utf-8")


def test_a_model_to_keep(searched):
    (program,) = programs("A model to keep")
    run(program, searched)
    assert Path("models/lora/weights.safetensors").is_file()
    assert Path("trials.parquet").is_file()


def test_modules_without_a_search(tmp_path, capsys):
    (program,) = programs("Using the modules without a search")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        names = {"name": resolve("minilm").path_or_name, "folder": tmp_path}
        exec(program, names)
    finally:
        torch.set_num_threads(threads)
    assert "Count(trained=" in capsys.readouterr().out
    model = names["model"]
    assert autopelt.attached(model) == names["architecture"]
    assert autopelt.count_attached(model).deployed == (
        6 * 4 * 2 * 384 + 2 * (2 * 384 * 16 + 16 + 384 + 385) + 2 * 2 * 8 * 384 + 5 * 384
    )


@pytest.mark.parametrize(
    "function", [autopelt.search, autopelt.train, autopelt.open_study, autopelt.Trial.report]
)
def test_help_names_arguments_units_and_errors(function):
    told = inspect.getdoc(function)
    for name, argument in inspect.signature(function).parameters.items():
        if name == "self":
            continue
        assert argument.annotation is not inspect.Parameter.empty, name
        if name != "folder":
            assert re.search(rf"\b{name}\b[^:]*:", told), name
    assert inspect.signature(function).return_annotation is not inspect.Signature.empty
    assert "Raises" in told


def test_help_of_a_search_and_of_a_table_tell_units():
    told = " ".join(inspect.getdoc(autopelt.search).split())
    assert '``"1%"``, ``"300k"``' in told
    assert "seconds" in told
    for error in ("UsageError", "UnavailableError", "InfeasibleError", "UnexpectedEndError"):
        assert error in told
    front = inspect.getdoc(autopelt.Study.front)
    assert "0.01 is 1 %" in front
    assert "time of the trial, s" in front
    assert set(re.findall(r"^- ``(\w+)``", front, re.MULTILINE)) <= set(COLUMNS)
