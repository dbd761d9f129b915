"""`autopelt doctor`: what is looked at, what is wrong, what is loaded ahead."""

import json
import socket
from pathlib import Path

import pytest

from autopelt.cli.main import main
from autopelt.execution import check
from autopelt.workflows import doctor


def test_everything_is_looked_at(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--no-ray", "--json"]) == 0
    found = {each["name"]: each for each in json.loads(capsys.readouterr().out)["findings"]}
    assert {"versions", "CPU", "GPU", "memory", "disk", "Hub", "Hub cache"} <= set(found)
    assert {f"extra {name}" for name in doctor.EXTRAS} <= set(found)
    assert "torch 2." in found["versions"]["words"]
    assert "offline mode" in found["Hub"]["words"]  # the tests run so


def test_the_extras_are_those_of_the_package() -> None:
    import tomllib

    text = (Path(__file__).resolve().parents[2] / "pyproject.toml").read_text()
    extras = tomllib.loads(text)["project"]["optional-dependencies"]
    assert set(doctor.EXTRAS) == set(extras) - {"docs", "test"}


def test_a_ray_that_does_not_start_is_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_session(**_: object) -> object:
        raise RuntimeError("no room in /tmp\nand more")

    monkeypatch.setattr(check, "ray_session", no_session)
    assert main(["doctor"]) == 3
    captured = capsys.readouterr()
    assert "WRONG Ray: does not start: no room in /tmp" in captured.out
    assert captured.err.startswith("autopelt: no search can run here: Ray")


@pytest.mark.slow
def test_ray_starts_here() -> None:
    assert check.ray_answers() == ""


def test_a_server_that_answers_and_one_that_does_not() -> None:
    with socket.socket() as taken:  # bound, not listening: refused at once
        taken.bind(("127.0.0.1", 0))
        assert not doctor.reachable(f"http://127.0.0.1:{taken.getsockname()[1]}", seconds=1.0)


def test_what_is_at_hand_is_fetched(
    tiny_bert: Path, capsys: pytest.CaptureFixture[str], real_data: Path
) -> None:
    names = ["--fetch", str(tiny_bert), "--fetch", "demo"]
    assert main(["doctor", *names, "--json"]) == 0
    model, task = json.loads(capsys.readouterr().out)["findings"]
    assert "bert" in model["words"]
    assert task["words"].startswith("600 / 400 / 400 examples")


def test_what_is_not_to_be_had_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--fetch", "nobody/nothing"]) == 3
    assert "nobody/nothing" in capsys.readouterr().err
