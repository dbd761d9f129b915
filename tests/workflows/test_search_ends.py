"""From the command line: spaces that are used up or too large, and what is kept of a proposal."""

from pathlib import Path

import pytest

from autopelt.cli.main import main
from autopelt.study.storage import StudyStorage

SINGLE = "modules:\n  - {method: prefix, location: attention, sizes: [0, 2], layers: '0'}\n"


def search(model: Path, folder: Path, **flags: object) -> int:
    wanted = {
        "task": "demo",
        "model": model,
        "space": "tiny",
        "budget": "4%",
        "epochs": 1,
        "workers": 1,
        "train_examples": 32,
        "seeds": "none",
        "out": folder,
    } | flags
    words = [w for k, v in wanted.items() for w in (f"--{k.replace('_', '-')}", str(v))]
    return main(["search", *words])


@pytest.mark.parametrize("sampler", ["pelt", "random"])
def test_a_space_of_one_architecture_ends_the_search_well(
    sampler: str, tiny_bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "single.yaml").write_text(SINGLE)
    folder, space = tmp_path / "study", tmp_path / "single.yaml"
    assert search(tiny_bert, folder, space=space, trials=5, sampler=sampler) == 0
    printed = capsys.readouterr().out
    assert "every architecture of space" in printed
    assert "is in the study" in printed
    record = StudyStorage.open(folder).record()
    assert [t.state for t in record.trials] == ["complete"]
    assert (folder / "index.html").is_file()


def test_a_budget_below_the_smallest_architecture_names_its_size(
    tiny_bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "single.yaml").write_text(SINGLE)
    assert search(tiny_bert, tmp_path / "study", space=tmp_path / "single.yaml", budget="20") == 4
    error = capsys.readouterr().err
    assert "allows 20 parameters" in error
    assert "has 64" in error  # keys and values of two positions of width 16
    assert "at least 64" in error
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize("sampler", ["pelt", "random"])
def test_what_the_search_believed_is_kept_and_rivals_believe_nothing(
    sampler: str, tiny_bert: Path, tmp_path: Path
) -> None:
    assert search(tiny_bert, tmp_path / "study", trials=7, sampler=sampler) == 0
    trials = StudyStorage.open(tmp_path / "study").record().trials
    modelled = [t for t in trials if t.origin == "model"]
    assert bool(modelled) == (sampler == "pelt")
    for t in (t for t in trials if t.repeats is None):
        assert t.believed["seconds"] >= 0
        expected = {"seconds", "mean", "sd", "acquisition"} if t in modelled else {"seconds"}
        assert set(t.believed) == expected
