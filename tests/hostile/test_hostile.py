"""Files that mean harm: nothing in them is executed, and what is too much is refused at once."""

import ast
import os
import pickle
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autopelt.cli.main import main
from autopelt.workflows.settings import new_folder, resolve_config

PACKAGE = Path(__file__).resolve().parents[2] / "autopelt"


class Harm:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.path),)


@pytest.fixture
def mark(tmp_path: Path) -> Iterator[Path]:
    """What hostile code would make."""
    path = tmp_path / "pwned"
    yield path
    assert not path.exists()


def refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line of an invocation that must fail, and soon."""
    begun = time.process_time()
    assert main(words) in (2, 3)
    assert time.process_time() - begun < 10
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def test_the_pickle_would_do_harm(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Harm(tmp_path / "harm")))
    assert (tmp_path / "harm").is_dir()


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.safetensors"])
def test_no_pickled_weights_are_read(
    name: str, tiny_bert: Path, tmp_path: Path, mark: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "model"
    shutil.copytree(tiny_bert, model)
    (model / "model.safetensors").unlink()
    (model / name).write_bytes(pickle.dumps(Harm(mark)))
    words = ["search", "--task", "demo", "--model", str(model), "--space", "tiny"]
    line = refused([*words, "--budget", "4%", "--out", str(tmp_path / "out")], capsys)
    assert "safetensors" in line


@pytest.mark.parametrize("file", ["data.pkl", "data.csv", "data.parquet", "data.pt"])
def test_no_pickled_data_is_read(
    file: str, tiny_bert: Path, tmp_path: Path, mark: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / file).write_bytes(pickle.dumps(Harm(mark)))
    words = ["search", "--train", str(tmp_path / file), "--model", str(tiny_bert)]
    assert file in refused([*words, "--out", str(tmp_path / "out")], capsys)


def test_a_models_own_code_is_not_run(
    tiny_bert: Path, tmp_path: Path, mark: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import json

    model = tmp_path / "model"
    shutil.copytree(tiny_bert, model)
    (model / "modeling_mine.py").write_text(f"import os; os.mkdir({str(mark)!r})\n")
    config = json.loads((model / "config.json").read_text())
    auto = {"AutoConfig": "modeling_mine.Mine", "AutoModel": "modeling_mine.Mine"}
    config |= {"auto_map": auto, "model_type": "mine"}
    (model / "config.json").write_text(json.dumps(config))
    refused(["show", "unipelt", "--model", str(model)], capsys)


BOMBS = {
    "aliases": "a: &a [x,x,x,x,x,x,x,x,x]\n"
    + "".join(f"{c}: &{c} [{','.join(['*' + p] * 9)}]\n" for p, c in zip("abcdefgh", "bcdefghi")),
    "long-line": "name: " + "x" * 10_000_000 + "\n",
    "deep": "[" * 100_000,
    "code": "!!python/object/apply:os.mkdir [{mark}]\n",
    "new": "!!python/object/new:os.mkdir\nargs: [{mark}]\n",
}


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("option", ["--config", "--space", "--task", "show"])
def test_hostile_yaml_is_refused_at_once(
    name: str,
    option: str,
    tiny_bert: Path,
    tmp_path: Path,
    mark: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "bomb.yaml"
    file.write_text(BOMBS[name].replace("{mark}", str(mark)))
    words = {
        "--config": ["search", "--config", str(file)],
        "--space": ["search", "--task", "demo", "--model", str(tiny_bert), "--space", str(file)],
        "--task": ["search", "--task", str(file), "--model", str(tiny_bert)],
        "show": ["show", str(file), "--model", str(tiny_bert)],
    }[option]
    assert len(refused(words, capsys)) < 1000


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "json", "conll"])
def test_a_line_of_ten_megabytes_is_read_or_refused_soon(
    ending: str, tiny_bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / f"a.{ending}").write_text("text,label\n" + "x" * 10_000_000)
    words = ["search", "--train", str(tmp_path / f"a.{ending}"), "--model", str(tiny_bert)]
    assert len(refused([*words, "--out", str(tmp_path / "out")], capsys)) < 1000


@pytest.mark.parametrize("name", ["../../evil", "/etc/evil", "a/../../b", "..", "a\0b", "-rf"])
def test_the_name_of_a_task_cannot_lead_out_of_the_reports(
    name: str, tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = resolve_config(None, {"task": "demo", "model": str(tiny_bert), "space": "tiny"})
    folder = new_folder(config, name)
    assert folder.parent == Path("reports")
    assert folder.resolve().parent == tmp_path / "reports"


FORBIDDEN = {
    *("os.system", "os.popen", "subprocess.getoutput", "eval", "exec", "pickle.load"),
    *("pickle.loads", "torch.load", "yaml.load", "yaml.unsafe_load", "yaml.full_load"),
    *("numpy.load", "np.load", "shelve.open", "marshal.loads", "joblib.load"),
}


def test_no_shell_no_eval_and_no_pickle_in_the_package() -> None:
    """Of every call in the package: none of these, none with `shell=True`, no remote code."""
    found = []
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                for word in node.keywords:
                    on = isinstance(word.value, ast.Constant) and word.value.value is True
                    if word.arg in ("shell", "trust_remote_code", "allow_pickle") and on:
                        found.append(f"{path.name}:{node.lineno} {word.arg}")
                if name in FORBIDDEN:
                    found.append(f"{path.name}:{node.lineno} {name}")
    assert found == []


def test_telemetry_is_off_before_anything_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    from autopelt.execution.session import _ENVIRONMENT

    for name in ("HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    assert main(["--version"]) == 0
    assert os.environ["HF_HUB_DISABLE_TELEMETRY"] == os.environ["DO_NOT_TRACK"] == "1"
    assert _ENVIRONMENT["RAY_USAGE_STATS_ENABLED"] == "0"
