"""What a word is that stands in another place: a task, a study, a file, an architecture."""

from pathlib import Path

import pytest

from autopelt.errors import UsageError
from autopelt.study.meaning import meaning, meant_study, studies_in


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a study, a trained folder, a model, and files."""
    monkeypatch.chdir(tmp_path)
    for name in ("rte-minilm-1pct", "demo-minilm-1pct"):
        (tmp_path / "reports" / name / "best").mkdir(parents=True)
        (tmp_path / "reports" / name / "config.yaml").write_text("task: demo\n")
    for folder, file in (("lora", "training.json"), ("bert", "config.json")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / file).write_text("{}")
    for file in ("reviews.csv", "Chats.jsonl.gz", "words.conll", "mine.yaml"):
        (tmp_path / file).write_text("")
    return tmp_path


WORDS = {
    "rte": ("'rte' is a task", "autopelt search --task rte"),
    "RTE": ("'rte' is a task", "autopelt search --task rte"),
    "unipelt": ("is an architecture", "autopelt show unipelt"),
    "lora-r16": ("is an architecture", "autopelt show lora-r16"),
    "minilm": ("is a model", "autopelt search --task demo --model minilm"),
    "modern": ("is a search space", "autopelt search --task demo --space modern"),
    "sequential_adapter": ("is a method", "autopelt list architectures"),
    "reviews.csv": ("is a file of examples", "autopelt search --train reviews.csv"),
    "Chats.jsonl.gz": ("is a file of examples", "autopelt search --train Chats.jsonl.gz"),
    "words.conll": ("is a file of examples", "autopelt search --train words.conll"),
    "nowhere.csv": ("there is no file", "autopelt search --train nowhere.csv"),
    "mine.yaml": ("is a file", "autopelt validate mine.yaml"),
    "lora/": ("is a trained model", "autopelt evaluate lora/"),
    "bert": ("is a model", "autopelt search --task demo --model bert"),
    "demo-minilm-1pct": ("is a study", "autopelt status reports/demo-minilm-1pct"),
    "demo-minlm-1pct": ("did you mean study", "autopelt status reports/demo-minilm-1pct"),
    "https://huggingface.co/google-bert/bert-base-uncased/": (
        "'google-bert/bert-base-uncased'",
        "autopelt search --model google-bert/bert-base-uncased",
    ),
    "hf.co/datasets/nyu-mll/glue": ("'nyu-mll/glue'", "autopelt search --train nyu-mll/glue"),
    "https://somewhere.org/a.csv": ("nothing is read from an address", None),
    "nonsense": ("", None),
    "": ("", None),
}


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("word", WORDS)
def test_a_word_says_what_it_is_and_which_command_takes_it(word: str) -> None:
    words, following = WORDS[word]
    error = UsageError(meaning(word))
    assert words in str(error)
    assert error.next == following


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    "word",
    [
        *("demo-minilm-1pct", "demo-minilm-1pct:7", "reports/demo-minilm-1pct/", "demo-minlm-1pct"),
        *("reports/demo-minilm-1pct:best", "reports/demo-minilm-1pct/study.db"),
        *("reports/demo-minilm-1pct/best/architecture.yaml", "demo"),
    ],
)
def test_a_study_is_meant_by_its_name_by_what_lies_in_it_and_by_its_trials(word: str) -> None:
    assert meant_study(word) == Path("reports/demo-minilm-1pct")


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("word", ["", "x", "unipelt", ".", "/", "reports", "lora", "a:b:c"])
def test_other_words_mean_no_study(word: str) -> None:
    assert meant_study(word) is None


def test_a_folder_of_studies_names_them(place: Path) -> None:
    assert studies_in(place / "reports").endswith("-minilm-1pct.")
    assert "demo" in str(UsageError(studies_in(place)))
