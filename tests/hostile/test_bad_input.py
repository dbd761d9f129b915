"""Wrong input of every kind: the right exit code, one line with the value and the way out."""

from pathlib import Path

import pytest

from autopelt.cli.main import main

TINY = "search --task demo --model {tiny} --space tiny --budget 4% --trials 3 --out {out}"

# (arguments, exit code, what the line must name)
CASES: list[tuple[str, int, tuple[str, ...]]] = [
    # commands and options
    ("serch", 2, ("serch", "did you mean 'search'")),
    ("search --tsk demo", 2, ("--tsk", "--task")),
    ("search --trials many --task demo", 2, ("many", "--trials")),
    ("search", 2, ("--task", "list tasks")),
    ("show", 2, ("ARCHITECTURE",)),
    ("list", 2, ("WHAT",)),
    ("list taks", 2, ("taks", "did you mean 'tasks'")),
    # names
    ("search --task ret", 2, ("ret", "did you mean 'rte'")),
    ("search --task demo --space pelts", 2, ("pelts", "did you mean 'pelt'")),
    ("search --task demo --space {out}/none.yaml", 2, ("none.yaml",)),
    ("search --task demo --sampler tp", 2, ("tp", "tpe")),
    ("search --task demo --objectives params", 2, ("params", "score,params")),
    ("search --task demo --objectives score,latency2", 2, ("latency2",)),
    ("search --task demo --model minilmm", 2, ("minilmm", "minilm")),
    ("search --task demo --model ./none", 3, ("none", "does not exist")),
    ("search --task demo --model nobody/nothing", 3, ("nobody/nothing",)),
    ("search --task demo --model {tiny} --seeds unipeltt", 2, ("unipeltt", "unipelt")),
    ("show unipeltt", 2, ("unipeltt", "unipelt")),
    ("show lora-r0", 2, ("size",)),
    ("show ./none", 2, ("none",)),
    ("show unipelt --model-config {out}/none.json", 3, ("none.json",)),
    # budgets
    ("search --task demo --model {tiny} --budget much", 2, ("much", "300k")),
    ("search --task demo --model {tiny} --budget 0", 2, ("zero",)),
    ("search --task demo --model {tiny} --budget 0%", 2, ("zero",)),
    ("search --task demo --model {tiny} --budget -1%", 2, ("-1%",)),
    ("search --task demo --model {tiny} --budget 200%", 2, ("200%",)),
    ("search --task demo --model {tiny} --budget 0.01", 2, ("0.01", "1%")),
    ("search --task demo --model {tiny} --budget 3 --out {out}", 4, ("3", "raise --budget")),
    ("search --task demo --model {tiny} --budget 1% --min-budget 9%", 2, ("--min-budget",)),
    # numbers
    (TINY.replace("3 ", "0 "), 2, ("trials", "0")),
    (TINY + " --epochs 0", 2, ("epochs", "0")),
    (TINY + " --batch-size 0", 2, ("--batch-size", "0")),
    (TINY + " --max-length 1", 2, ("--max-length", "1")),
    (TINY + " --workers 0", 2, ("workers", "0")),
    (TINY + " --random-seed -1", 2, ("--random-seed", "-1")),
    (TINY + " --learning-rate-factor 0", 2, ("--learning-rate-factor", "0")),
    (TINY + " --train-examples 0", 2, ("--train-examples", "0")),
    # data
    ("search --task rte --model {tiny} --data {out}/nowhere", 3, ("nowhere",)),
    ("search --task rte --model {tiny} --data {empty}", 3, ("RTE", "--data")),
    ("search --task rte --model {tiny} --data {wrong}", 3, ("sentence2",)),
    ("search --task rte --model {tiny} --data {blank}", 3, ("train.tsv",)),
    ("search --train {out}/none.csv --model {tiny}", 3, ("none.csv",)),
    ("search --text a --model {tiny}", 2, ("--text", "--train")),
    ("search --task demo --train x.csv --model {tiny}", 2, ("not both",)),
    # folders
    ("search --task demo --model {tiny} --space tiny --budget 4% --out {occupied}", 2, ("thesis",)),
    ("resume {out}/none", 2, ("none", "does not exist")),
    ("resume {empty}", 2, ("not a study",)),
    ("report {empty}", 2, ("not a study",)),
    ("train {empty}", 2, ("not a study",)),
    ("evaluate {empty}", 3, ("training.json", "autopelt train")),
    ("export {empty} --to autopelt --out {out}", 3, ("empty",)),
    ("export {empty} --to onnx --out {out}", 2, ("onnx", "merged")),
    # configuration files
    ("search --config {out}/none.yaml", 2, ("none.yaml",)),
    ("search --config {keys}", 2, ("budgte", "did you mean 'budget'")),
    ("search --config {list}", 2, ("mapping",)),
    ("search --config {broken}", 2, ("line",)),
    ("show {archkeys}", 2, ("methd",)),
    ("show {gate}", 2, ("gate on nothing",)),
    ("show {layer} --model {tiny}", 2, ("layer 9", "2 layers")),
]


@pytest.fixture(scope="module")
def places(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("bad")
    made = {"tiny": tiny_bert, "out": root / "out"}
    for name in ("empty", "occupied", "wrong", "blank"):
        made[name] = root / name
        made[name].mkdir()
    (made["occupied"] / "thesis.txt").write_text("mine")
    for name in ("wrong", "blank"):
        (made[name] / "RTE").mkdir()
    for part in ("train", "dev"):
        (made["wrong"] / "RTE" / f"{part}.tsv").write_text(
            "index\tsentence1\tlabel\n0\ta\tentailment\n"
        )
        (made["blank"] / "RTE" / f"{part}.tsv").write_text("")
    row = "modules:\n  - {layers: 0, location: ffn, method: sequential_adapter, size: 2"
    texts = {
        "keys": "task: demo\nspace: tiny\nbudgte: 1%\n",
        "list": "- task\n",
        "broken": "task: [demo\n",
        "archkeys": "modules:\n  - {layers: 0, location: ffn, methd: lora, size: 2}\n",
        "gate": row.replace("size: 2", "size: 0, gate: true}\n"),
        "layer": row.replace("layers: 0", "layers: 9") + "}\n",
    }
    for name, text in texts.items():
        made[name] = root / f"{name}.yaml"
        made[name].write_text(text)
    return made


@pytest.mark.parametrize(("arguments", "code", "named"), CASES, ids=[c[0][:60] for c in CASES])
def test_wrong_input_is_one_line_and_leaves_nothing(
    arguments: str,
    code: int,
    named: tuple[str, ...],
    places: dict[str, Path],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AUTOPELT_DATA", raising=False)
    before = sorted(places["empty"].parent.rglob("*"))
    words = [word.format(**places) for word in arguments.split()]
    assert main(words) == code, capsys.readouterr().err
    captured = capsys.readouterr()
    lines = captured.err.strip().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("autopelt: ")
    for part in named:
        assert part.lower() in lines[0].lower(), lines[0]
    assert "Traceback" not in captured.out
    assert sorted(places["empty"].parent.rglob("*")) == before
    assert list(tmp_path.iterdir()) == []
