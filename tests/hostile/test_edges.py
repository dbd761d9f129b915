"""What the system, a parser or a number refuses ends as one line, wherever it is met."""

import json
import shutil
from pathlib import Path

import pytest

from autopelt.cli.main import main
from autopelt.errors import OF_THE_SYSTEM, of_the_system

STUDY = Path(__file__).parents[1] / "fixtures" / "study-7d51a0e"
LONG = "x" * 300
ANSWER = {"context": "a b", "question": "what?", "answers": {"text": ["b"], "answer_start": [1e30]}}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a loop of links, a file, JSON that is too deep, and a study."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AUTOPELT_DEBUG", raising=False)
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").write_text("x")
    (tmp_path / "deep.json").write_text('{"a":' * 50_000 + "1" + "}" * 50_000)
    (tmp_path / "high.json").write_text('{"model_type": "bert", "num_hidden_layers": 1000000000}')
    names = ",".join(f"c{number}" for number in range(100_000))
    (tmp_path / "wide.csv").write_text(f"{names}\n" + f"{'1,' * 99_999}1\n" * 3)
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    (tmp_path / "chat.jsonl").write_text(f"{json.dumps({'messages': turns})}\n" * 60)
    (tmp_path / "answers.jsonl").write_text(f"{json.dumps(ANSWER)}\n" * 60)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["search", "--train", "loop", "--dry-run"], "loop"),
        (["search", "--train", "", "--dry-run"], "at least 1 character"),
        (["search", "--train", f"{LONG}.csv", "--dry-run"], "name too long"),
        (["search", "--train", "/dev/zero", "--dry-run"], "/dev/zero"),
        (["search", "--task", "demo", "--config", "/dev/zero"], "a device"),
        (["search", "--train", "answers.jsonl", "--dry-run"], "no question"),
        (["search", "--task", "demo", "--out", LONG], "name too long"),
        (["show", "lora-r8", "--model-config", "deep.json"], "deep.json"),
        (["show", "lora-r8", "--model-config", "/dev/zero"], "a device"),
        (["show", "lora-r8", "--model-config", "high.json"], "1,000,000,000 layers"),
        (["search", "--train", "wide.csv", "--dry-run"], "'label'"),
        (
            ["search", "--train", "chat.jsonl", "--chat-template", "/dev/zero", "--dry-run"],
            "device",
        ),
        (["status", LONG], "name too long"),
        (["validate", "/dev/zero"], "a device"),
        (["validate", "loop"], "loop"),
    ],
)
def test_one_line(
    words: list[str], named: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(here.iterdir())
    assert main(words) in (2, 3)
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert named.lower() in line.lower()
    assert sorted(here.iterdir()) == before


@pytest.mark.parametrize("text", ["{", "[]", "{}", "\udcff"])
def test_damaged_scores_of_the_best_are_named(
    text: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(STUDY, here / "study")
    metrics = here / "study" / "best" / "metrics.json"
    metrics.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert main(["export", "study", "--to", "peft", "--out", "out"]) == 3
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "metrics.json' is damaged" in line
    assert not (here / "out").exists()


@pytest.mark.parametrize("command", ["report", "export"])
def test_a_file_where_a_folder_should_be(
    command: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(STUDY, here / "study")
    kind = ["--to", "peft"] if command == "export" else []
    assert main([command, "study", *kind, "--out", "file/out"]) in (2, 3)
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "file" in line
    assert (here / "file").read_text() == "x"


def test_whoever_looks_for_the_place_is_shown_it(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOPELT_DEBUG", "1")
    with pytest.raises(OSError, match="too long"):
        main(["status", LONG])


def test_errors_of_the_system_in_words() -> None:
    assert str(of_the_system(OSError(28, "No space left on device", "a\tb"))) == (
        "'a\tb' cannot be used: No space left on device."
    )
    assert str(of_the_system(MemoryError())) == "there is not enough memory for this."
    for error in (OverflowError("too\nlarge"), RecursionError("too deep"), OSError("odd")):
        assert isinstance(error, OF_THE_SYSTEM)
        assert "\n" not in str(of_the_system(error))
