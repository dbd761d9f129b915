"""Wrong files of every kind: spaces, architectures, configurations, data, trained folders, models.

A row is what the file holds, the exit code, and what the one line must name. The command of each
table is given with it.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from autopelt.cli.main import main

ROW = "modules:\n  - {method: lora, location: attention.query, sizes: [0, 2]%s}\n"
SPACES: dict[str, tuple[str, int, tuple[str, ...]]] = {
    "empty": ("", 2, ("mapping",)),
    "no-modules": ("name: mine\n", 2, ("modules",)),
    "modules-none": ("modules:\n", 2, ("modules",)),
    "modules-empty": ("modules: []\n", 2, ("modules",)),
    "modules-text": ("modules: lora\n", 2, ("modules",)),
    "row-text": ("modules: [lora]\n", 2, ("modules.0",)),
    "unknown-key": (ROW % "" + "layer_swich: true\n", 2, ("layer_swich", "layer_switch")),
    "unknown-row-key": (ROW % ", size: 3", 2, ("size", "did you mean 'sizes'")),
    "unknown-method": ((ROW % "").replace("lora", "lorra"), 2, ("lorra", "did you mean 'lora'")),
    "unknown-location": ((ROW % "").replace("query", "qery"), 2, ("qery",)),
    "wrong-location": ((ROW % "").replace("attention.query", "embeddings"), 2, ("embeddings",)),
    "sizes-text": ((ROW % "").replace("[0, 2]", "[small]"), 2, ("sizes", "small")),
    "sizes-empty": ((ROW % "").replace("[0, 2]", "[]"), 2, ("sizes",)),
    "sizes-negative": ((ROW % "").replace("[0, 2]", "[-1, 2]"), 2, ("sizes", "-1")),
    "sizes-falling": ((ROW % "").replace("[0, 2]", "[4, 2]"), 2, ("grow",)),
    "sizes-twice": ((ROW % "").replace("[0, 2]", "[2, 2]"), 2, ("grow",)),
    "sizes-fraction": ((ROW % "").replace("[0, 2]", "[0.5]"), 2, ("sizes", "0.5")),
    "sizes-many": ((ROW % "").replace("[0, 2]", str(list(range(100_000)))), 2, ("1000 items",)),
    "sizes-huge": ((ROW % "").replace("[0, 2]", "[0, 99999999999]"), 2, ("sizes", "99999999999")),
    "gate-text": (ROW % ", gate: maybe", 2, ("gate", "maybe")),
    "gate-twice": (ROW % ", gate: [true, true]", 2, ("gate",)),
    "per-unknown": (ROW % ", per: head", 2, ("per", "head")),
    "layers-beyond": (ROW % ", layers: 0-9", 2, ("layer 9", "0-1")),
    "layers-backwards": (ROW % ", layers: 3-1", 2, ("3-1",)),
    "layers-text": (ROW % ", layers: all", 2, ("all", "0-2,5")),
    "switch-alone": (ROW % "" + "layer_switch: true\n", 2, ("layer_switch", "per: model")),
    "switch-text": (ROW % "" + "layer_switch: perhaps\n", 2, ("layer_switch", "perhaps")),
    "rate-zero": (ROW % "" + "learning_rate_multiplier: [0]\n", 2, ("learning_rate_multiplier",)),
    "rate-nan": (ROW % "" + "learning_rate_multiplier: [.nan]\n", 2, ("learning_rate_multip",)),
    "rate-twice": (ROW % "" + "learning_rate_multiplier: [1, 1]\n", 2, ("repeats",)),
    "row-twice": (ROW % "" + (ROW % "").split("\n")[1] + "\n", 2, ("two rows",)),
    "alias": ("modules: &m [1]\nname: *m\n", 2, ("aliases",)),
    "tag": ("modules: !!python/object/apply:os.system ['touch pwned']\n", 2, ("YAML",)),
    "deep": ("modules: " + "[" * 500 + "]" * 500 + "\n", 2, ("deeper",)),
    "long-line": ("name: " + "a" * 10_000_000 + "\n", 2, ("10,000,00",)),
    "tab": ("modules:\n\t- x\n", 2, ("line 2",)),
    "nul": ("modules: \0\n", 2, ("YAML",)),
}
ONE = "modules:\n  - {layers: 0, method: lora, location: attention.query, size: 2%s}\n"
ARCHITECTURES: dict[str, tuple[str, int, tuple[str, ...]]] = {
    "empty": ("", 2, ("mapping",)),
    "list": ("- 1\n", 2, ("mapping",)),
    "modules-number": ("modules: 3\n", 2, ("modules", "3")),
    "row-number": ("modules: [3]\n", 2, ("3",)),
    "unknown-top": (ONE % "" + "promt: 3\n", 2, ("promt", "did you mean 'prompt'")),
    "no-method": ((ONE % "").replace("method: lora, ", ""), 2, ("method",)),
    "no-size": ((ONE % "").replace(", size: 2", ""), 2, ("size",)),
    "no-location": ((ONE % "").replace("location: attention.query, ", ""), 2, ("location",)),
    "no-layers": ((ONE % "").replace("layers: 0, ", ""), 2, ("layer",)),
    "unknown-method": ((ONE % "").replace("lora", "loar"), 2, ("loar", "lora")),
    "unknown-location": ((ONE % "").replace("query", "key2"), 2, ("key2",)),
    "layer-beyond": ((ONE % "").replace("layers: 0", "layers: 0-5"), 2, ("layer", "2 layers")),
    "layers-again": (
        (ONE % "").replace("layers: 0", f"layers: '{','.join(['0-999'] * 500)}'"),
        2,
        ("more than 1,000 layers",),
    ),
    "layers-huge": ((ONE % "").replace("layers: 0", "layers: 0-999999999"), 2, ("999999999",)),
    "layers-float": ((ONE % "").replace("layers: 0", "layers: 0.5"), 2, ("0.5",)),
    "size-negative": ((ONE % "").replace("size: 2", "size: -2"), 2, ("size", "-2")),
    "size-text": ((ONE % "").replace("size: 2", "size: two"), 2, ("size", "two")),
    "size-huge": ((ONE % "").replace("size: 2", "size: 2000000"), 2, ("size", "2000000")),
    "size-true": ((ONE % "").replace("size: 2", "size: true"), 2, ("size", "true")),
    "gate-unknown": (ONE % ", gate: open", 2, ("gate", "open")),
    "alpha-zero": (ONE % ", alpha: 0", 2, ("alpha", "0")),
    "alpha-nan": (ONE % ", alpha: .nan", 2, ("alpha", "nan")),
    "alpha-text": (ONE % ", alpha: big", 2, ("alpha", "big")),
    "mlp-lora": (ONE % ", mlp: 8", 2, ("mlp",)),
    "twice": (ONE % "" + (ONE % "").split("\n")[1] + "\n", 2, ("twice",)),
    "prompt-negative": ("prompt: -1\n", 2, ("prompt", "-1")),
    "rate-zero": ("learning_rate_multiplier: 0\n", 2, ("learning_rate_multiplier", "0")),
    "rate-inf": ("learning_rate_multiplier: .inf\n", 2, ("learning_rate_multiplier", "inf")),
    "id-wrong": (ONE % "" + "id: 00000000\n", 2, ("id", "edited")),
    "full-text": ("full: yes please\n", 2, ("full", "yes please")),
    "binary": ("\x00\x01\x02", 2, ("YAML",)),
    "merge-key": ("<<: {modules: []}\nx: 1\n", 2, ("x",)),
    "bomb": ("a: &a [x]\nb: &b [*a,*a]\nmodules: *b\n", 2, ("aliases",)),
}
GOOD = "task: demo\nmodel: {tiny}\nspace: tiny\nbudget: 4%\ntrials: 3\n"
CONFIGS: dict[str, tuple[str, int, tuple[str, ...]]] = {
    "empty": ("", 2, ("mapping",)),
    "no-task": ("budget: 1%\n", 2, ("--task",)),
    "task-number": ("task: 3\n", 2, ("task",)),
    "task-unknown": ("task: dmo\n", 2, ("dmo", "demo")),
    "space-number": (GOOD + "space: 3\n", 2, ("space",)),
    "space-missing": (GOOD + "space: none.yaml\n", 2, ("none.yaml",)),
    "budget-list": (GOOD + "budget: [1]\n", 2, ("budget",)),
    "budget-true": (GOOD + "budget: true\n", 2, ("budget",)),
    "trials-text": (GOOD + "trials: ten\n", 2, ("trials", "ten")),
    "trials-float": (GOOD + "trials: 2.5\n", 2, ("trials", "2.5")),
    "trials-huge": (GOOD + "trials: 99999999999\n", 2, ("trials",)),
    "workers-zero": (GOOD + "workers: 0\n", 2, ("workers", "0")),
    "seed-negative": (GOOD + "random_seed: -1\n", 2, ("random_seed", "-1")),
    "objectives": (GOOD + "objectives: speed\n", 2, ("speed", "params, score")),
    "sampler": (GOOD + "sampler: genetic\n", 2, ("genetic", "nsga2")),
    "timeout-text": (GOOD + "trial_timeout: soon\n", 2, ("soon", "90s")),
    "timeout-zero": (GOOD + "trial_timeout: 0\n", 2, ("trial_timeout", "0")),
    "timeout-list": (GOOD + "trial_timeout: [1]\n", 2, ("trial_timeout",)),
    "training-list": (GOOD + "training: [1]\n", 2, ("training",)),
    "training-key": (GOOD + "training: {epoch: 2}\n", 2, ("epoch", "epochs")),
    "epochs-zero": (GOOD + "training: {epochs: 0}\n", 2, ("epochs", "0")),
    "batch-zero": (GOOD + "training: {batch_size: 0}\n", 2, ("batch_size", "0")),
    "warmup-two": (GOOD + "training: {warmup: 2}\n", 2, ("warmup", "2")),
    "dropout-text": (GOOD + "training: {dropout: some}\n", 2, ("dropout", "some")),
    "clip-zero": (GOOD + "training: {clip_norm: 0}\n", 2, ("clip_norm", "0")),
    "decay-minus": (GOOD + "training: {weight_decay: -1}\n", 2, ("weight_decay", "-1")),
    "seeds-text": (GOOD + "seed_architectures: unipelt\n", 2, ("seed_architectures",)),
    "seeds-unknown": (GOOD + "seed_architectures: [unipolt]\n", 2, ("unipolt", "unipelt")),
    "twice": (GOOD + "trials: 3\ntrial: 4\n", 2, ("trial", "trials")),
    "model-number": (GOOD + "model: 7\n", 2, ("model", "7")),
    "model-list": (GOOD + "model: [a]\n", 2, ("model",)),
    "data-list": (GOOD + "data: [a]\n", 2, ("data",)),
    "remote-code": (GOOD + "trust_remote_code: true\n", 2, ("trust_remote_code",)),
}
DATA: dict[str, tuple[str, str, int, tuple[str, ...]]] = {
    "empty": ("a.csv", "", 3, ("a.csv",)),
    "header": ("a.csv", "text,label\n", 3, ("a.csv",)),
    "one-row": ("a.csv", "text,label\nhello,1\n", 3, ("one class",)),
    "one-class": ("a.csv", "text,label\n" + "hello,yes\n" * 40, 3, ("yes",)),
    "no-label": ("a.csv", "text,lable\nx,1\ny,2\n", 3, ("label", "lable")),
    "no-text": ("a.csv", "txt,label\nx,a\ny,b\n", 3, ("text", "txt")),
    "ragged": ("a.csv", "text,label\nx,a\ny,b,c\n", 3, ("a.csv",)),
    "quote": ("a.csv", 'text,label\n"x,a\ny,b\n', 3, ("a.csv",)),
    "latin": ("a.csv", "text,label\nčšž\udce9,a\n", 3, ("a.csv", "UTF-8")),
    "json-broken": ("a.json", '[{"text": "x"', 3, ("a.json",)),
    "json-number": ("a.json", "3", 3, ("a.json",)),
    "jsonl-broken": ("a.jsonl", '{"text": "x", "label": 1}\n{"text"\n', 3, ("a.jsonl", "line 2")),
    "jsonl-list": ("a.jsonl", "[1, 2]\n", 3, ("a.jsonl",)),
    "parquet": ("a.parquet", "PAR1", 3, ("a.parquet",)),
    "ending": ("a.xyz", "\x00\x01", 2, ("a.xyz", ".csv")),
    "pickle": ("a.pkl", "cos\nsystem\n(S'touch pwned'\ntR.", 2, ("a.pkl", ".csv")),
    "labels-absent": ("a.csv", "text,label\n" + "x,\n" * 30, 3, ("label",)),
    "texts-absent": ("a.csv", "text,label\n" + ",a\n,b\n" * 30, 3, ("text",)),
}


def one_line(
    words: list[str], code: int, named: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == code, capsys.readouterr().err
    captured = capsys.readouterr()
    lines = captured.err.strip().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("autopelt: ")
    assert len(lines[0]) < 1500
    for part in named:
        assert part.lower() in lines[0].lower(), lines[0]
    assert "Traceback" not in captured.out


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AUTOPELT_DATA", raising=False)
    return tmp_path


@pytest.mark.parametrize("name", SPACES)
def test_a_wrong_space(
    name: str, folder: Path, tiny_bert: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, code, named = SPACES[name]
    (folder / "bad.yaml").write_text(text)
    words = ["search", "--task", "demo", "--model", str(tiny_bert), "--space", "bad.yaml"]
    one_line([*words, "--out", "out"], code, named, capsys)
    assert [p.name for p in folder.iterdir()] == ["bad.yaml"]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_wrong_architecture(
    name: str, folder: Path, tiny_bert: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, code, named = ARCHITECTURES[name]
    (folder / "bad.yaml").write_text(text)
    one_line(["show", "bad.yaml", "--model", str(tiny_bert)], code, named, capsys)
    assert [p.name for p in folder.iterdir()] == ["bad.yaml"]


@pytest.mark.parametrize("name", CONFIGS)
def test_a_wrong_configuration(
    name: str, folder: Path, tiny_bert: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, code, named = CONFIGS[name]
    (folder / "bad.yaml").write_text(text.replace("{tiny}", str(tiny_bert)))
    one_line(["search", "--config", "bad.yaml", "--out", "out"], code, named, capsys)
    assert [p.name for p in folder.iterdir()] == ["bad.yaml"]


@pytest.mark.parametrize("name", DATA)
def test_wrong_data(
    name: str, folder: Path, tiny_bert: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, text, code, named = DATA[name]
    (folder / file).write_bytes(text.encode("utf-8", "surrogateescape"))
    words = ["search", "--train", file, "--model", str(tiny_bert), "--space", "tiny"]
    one_line([*words, "--budget", "4%", "--out", "out"], code, named, capsys)
    assert [p.name for p in folder.iterdir()] == [file]


Change = Callable[[Path], object]


def _json(name: str, **changed: object) -> Change:
    def change(folder: Path) -> None:
        values = json.loads((folder / name).read_text()) | changed
        values = {key: value for key, value in values.items() if value is not ...}
        (folder / name).write_text(json.dumps(values))

    return change


def _halve(name: str) -> Change:
    return lambda folder: (folder / name).write_bytes(
        (folder / name).read_bytes()[: (folder / name).stat().st_size // 2]
    )


TRAINED: dict[str, tuple[Change, tuple[str, ...]]] = {
    "no-weights": (lambda f: (f / "weights.safetensors").unlink(), ("weights.safetensors",)),
    "empty-weights": (
        lambda f: (f / "weights.safetensors").write_bytes(b""),
        ("weights.safetensors",),
    ),
    "half-weights": (_halve("weights.safetensors"), ("weights.safetensors",)),
    "pickled-weights": (
        lambda f: (f / "weights.safetensors").write_bytes(b"\x80\x04cos\nsystem\n."),
        ("weights.safetensors",),
    ),
    "no-architecture": (lambda f: (f / "architecture.yaml").unlink(), ("architecture.yaml",)),
    "empty-architecture": (lambda f: (f / "architecture.yaml").write_text(""), ("mapping",)),
    "edited-architecture": (
        lambda f: (f / "architecture.yaml").write_text("modules: []\n"),
        ("architecture",),
    ),
    "no-record": (lambda f: (f / "training.json").unlink(), ("training.json",)),
    "half-record": (_halve("training.json"), ("training.json",)),
    "list-record": (lambda f: (f / "training.json").write_text("[]"), ("training.json",)),
    "no-setup": (_json("training.json", setup=...), ("training.json",)),
    "no-labels": (_json("training.json", labels=...), ("training.json",)),
    "other-labels": (_json("training.json", labels=["a", "b"]), ("labels",)),
    "setup-keys": (_json("training.json", setup={"modle": "x"}), ("training.json",)),
    "other-model": (_json("training.json", setup={"model": "./gone", "task": "demo"}), ("gone",)),
}


@pytest.fixture(scope="module")
def trained(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from autopelt.architecture.architecture import Architecture
    from autopelt.methods.module import Module
    from autopelt.study.config import TrainingConfig
    from autopelt.training.final import train_model
    from autopelt.training.spec import Setup

    folder = tmp_path_factory.mktemp("trained") / "model"
    train_model(
        Setup(str(tiny_bert), "demo", train_examples=32),
        Architecture((Module("lora", "attention.query", 0, 2),)),
        TrainingConfig(epochs=1),
        0,
        folder,
        lambda result: None,
    )
    return folder


@pytest.mark.parametrize("command", ["evaluate", "export"])
@pytest.mark.parametrize("name", TRAINED)
def test_a_damaged_trained_folder(
    name: str,
    command: str,
    trained: Path,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(trained, folder / "model")
    change, named = TRAINED[name]
    change(folder / "model")
    before = {p: p.read_bytes() for p in (folder / "model").iterdir()}
    if command == "export" and name in ("other-labels", "no-record"):
        return  # an export does not read the data; a folder without its record is no folder of ours
    words = [
        command,
        "model",
        *(["--to", "autopelt", "--out", "out"] if command == "export" else []),
    ]
    code = main(words)
    captured = capsys.readouterr()
    lines = captured.err.strip().splitlines()
    assert code in (2, 3), captured
    assert len(lines) == 1, lines
    for part in named:
        assert part.lower() in lines[0].lower(), lines[0]
    assert {p: p.read_bytes() for p in (folder / "model").iterdir()} == before
    assert [p.name for p in folder.iterdir()] == ["model"]
