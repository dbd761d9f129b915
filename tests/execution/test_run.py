"""Real Ray and workers: trials run warm, failures are recorded, a killed worker is replaced."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from process_tree import descendants, listening
from ray.tune.execution.class_cache import _ActorClassCache

from autopelt.architecture.architecture import Architecture
from autopelt.execution import Outcome, run_trials, started
from autopelt.execution.session import _of_workers, _started_workers_first
from autopelt.execution.trainable import TrialTrainable
from autopelt.methods.module import Module
from autopelt.study.config import TrainingConfig
from autopelt.training.spec import Setup, TrialSpec

EPOCHS = 3


class Source:
    """2 names a layer that does not exist, 3 is killed, 4 never ends, 5 is stopped early.

    7 goes on until 8 and 9 have ended: if a worker that is free waited for it, it would never end.
    """

    def __init__(self, model: Path, folder: Path) -> None:
        self.model, self.folder = model, folder
        self.started = 0
        self.epochs: dict[int, list[dict[str, Any]]] = {}
        self.outcomes: dict[int, Outcome] = {}
        self.busy: dict[int, list[str]] = {}
        self.killed = ""
        self.listening: list[tuple[str, int]] = []
        self.seen_by_others: list[str] = []

    def next(self) -> TrialSpec | None:
        if self.started == 9:
            return None
        self.started += 1
        layer = 9 if self.started == 2 else 0
        architecture = Architecture((Module("lora", "attention.value", layer, self.started),))
        return TrialSpec(
            self.started,
            architecture.to_json(),
            random_seed=1,
            setup=Setup(str(self.model), "demo", train_examples=64),
            training=TrainingConfig(epochs=10_000 if self.started in (4, 7) else EPOCHS),
            weights=str(self.folder / str(self.started)),
            timeout=5.0 if self.started == 4 else 300.0,
            log=str(self.folder / f"log-{self.started}" / "log.txt"),
        )

    def doing(self, number: int, text: str) -> None:
        assert number not in self.epochs
        self.busy.setdefault(number, []).append(text)

    def progressed(self, number: int, result: dict[str, Any]) -> None:
        self.epochs.setdefault(number, []).append(result)
        if number >= 7:
            return
        self.listening += listening(set(descendants(os.getpid())))
        self.seen_by_others += seen_by_others(os.getpid())
        if number == 3 and not self.killed:
            self.killed = result["worker"]
            os.kill(int(self.killed), signal.SIGKILL)

    def stops(self, number: int) -> str:
        if number == 7:
            return "the others have ended" if {8, 9} <= self.outcomes.keys() else ""
        epoch = self.epochs[number][-1]["epoch"]
        assert number == 4 or epoch < EPOCHS
        return "it is behind" if (number, epoch) == (5, 2) else ""

    def finished(self, number: int, outcome: Outcome) -> None:
        assert number not in self.outcomes
        self.outcomes[number] = outcome


def seen_by_others(driver: int) -> list[str]:
    """What another user can list of the folders that a driver's processes have files open in."""
    held: set[str] = set()
    for process in descendants(driver):
        for handle in Path(f"/proc/{process}/fd").glob("*"):
            with suppress(OSError):
                held.add(os.path.dirname(os.readlink(handle)))
    ours = sorted(folder for folder in held if "/apelt" in folder)
    assert ours
    command = ["ls", "-d", *(f"{folder}/." for folder in ours)]
    other = {"user": 65534, "group": 65534, "extra_groups": []} if os.getuid() == 0 else {}
    if not other:
        return [f for f in ours if not any(p.stat().st_mode & 0o77 == 0 for p in Path(f).parents)]
    return subprocess.run(command, capture_output=True, text=True, **other).stdout.split()


@pytest.fixture(scope="module")
def source(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Source:
    made = Source(tiny_bert, tmp_path_factory.mktemp("weights"))
    before = os.getcwd()
    with started(2, 1) as session:
        run_trials(made, workers=2, threads=1, session=session)
    assert os.getcwd() == before
    return made


def test_every_trial_ends_once(source: Source) -> None:
    assert sorted(source.outcomes) == [1, 2, 3, 4, 5, 6, 7, 8, 9]


def test_no_other_user_comes_near_what_a_search_keeps(source: Source) -> None:
    assert source.seen_by_others == []
    token = Path.home() / ".ray" / "auth_token"
    assert not token.exists() or token.stat().st_mode & 0o77 == 0


def test_sound_trials_tell_every_epoch_and_keep_weights(source: Source) -> None:
    for number in (1, 6):
        assert source.outcomes[number] == Outcome()
        assert [r["epoch"] for r in source.epochs[number]] == [1, 2, 3]
        assert source.epochs[number][0]["metrics"]["accuracy"] == source.epochs[number][0]["score"]
        assert (source.folder / str(number) / "weights.safetensors").is_file()


def test_what_comes_before_the_first_epoch_is_told(source: Source) -> None:
    cold = ["loading the model and the data", "in its first epoch"]
    assert cold in source.busy.values()  # of the first trial of a worker, whichever that is
    assert source.busy[1] in (cold, cold[1:])
    assert source.busy[6][-1] == "in its first epoch"


def test_a_trial_that_raises_is_recorded_with_its_reason(source: Source) -> None:
    assert "layer 9 does not exist" in source.outcomes[2].failed
    assert not (source.folder / "2").exists()
    log = (source.folder / "log-2" / "log.txt").read_text()
    assert log.startswith("Traceback")
    assert "layer 9 does not exist" in log


def test_a_killed_worker_costs_its_trial_and_is_replaced(source: Source) -> None:
    assert "died" in source.outcomes[3].failed
    later = {r["worker"] for n in (5, 6) for r in source.epochs[n]}
    assert source.killed not in later


def test_a_trial_that_takes_too_long_costs_its_worker_too(source: Source) -> None:
    assert source.outcomes[4].failed == (
        "it took longer than 5.0 s (trial_timeout); its worker was replaced"
    )
    assert not (source.folder / "4" / "weights.safetensors").exists()


def test_a_hang_in_compiled_code_is_ended_too() -> None:
    """PyDLL keeps Python's lock during the call: no Python thread could do anything about it."""
    code = (
        "import ctypes; from autopelt.execution.trainable import _die_after\n"
        "_die_after(60); _die_after(1); ctypes.PyDLL(None).sleep(250)"
    )
    begun = time.monotonic()
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True)
    assert ended.returncode == -signal.SIGALRM
    assert time.monotonic() - begun < 120


def test_a_stopped_trial_ends_there_and_leaves_no_weights(source: Source) -> None:
    assert source.outcomes[5] == Outcome(stopped="it is behind")
    assert [r["epoch"] for r in source.epochs[5]] == [1, 2]
    assert not (source.folder / "5").exists()


def test_workers_stay_warm(source: Source) -> None:
    """A second trial in the same process does not load the model or the data again."""
    seen: set[str] = set()
    warm = 0
    for number in sorted(source.epochs):
        first = source.epochs[number][0]
        if first["worker"] in seen:
            warm += 1
            assert first["seconds"]["load"] < 0.05
        seen.add(first["worker"])
    assert warm >= 1


def test_nothing_listens_to_other_machines(source: Source) -> None:
    """Driver, gcs_server, raylet, agent and workers: all on the loopback interface."""
    assert len({port for _, port in source.listening}) >= 5
    assert {a for a, _ in source.listening if not ip_address(a).is_loopback} == set()


def test_a_listener_on_all_interfaces_would_be_seen() -> None:
    with socket.create_server(("", 0)) as server:
        assert ("0.0.0.0", server.getsockname()[1]) in listening({os.getpid()})


def test_no_process_is_left(source: Source) -> None:
    listing = subprocess.run(["ps", "-eo", "ppid,args"], capture_output=True, text=True).stdout
    mine = [line for line in listing.splitlines() if line.split()[0] == str(os.getpid())]
    assert not [line for line in mine if "ray" in line and "ps -eo" not in line]


def test_an_error_of_the_source_comes_out(tiny_bert: Path, tmp_path: Path) -> None:
    class Broken(Source):
        def progressed(self, number: int, result: dict[str, Any]) -> None:
            raise ZeroDivisionError("a bug in the driver")

    with pytest.raises(ZeroDivisionError, match="a bug in the driver"):
        run_trials(Broken(tiny_bert, tmp_path), workers=1, threads=1)


def test_trials_ask_for_workers_like_those_that_ray_starts_at_once() -> None:
    """Whether these are ready when the first trial comes is a matter of time, so not tested."""
    made = _ActorClassCache().get(TrialTrainable)
    assert made._default_options["runtime_env"]
    with _started_workers_first():
        made = _ActorClassCache().get(TrialTrainable)
        assert "runtime_env" not in made._default_options
    assert _ActorClassCache().get(TrialTrainable)._default_options["runtime_env"]


def test_a_free_worker_does_not_wait_for_a_slow_one(source: Source) -> None:
    assert source.outcomes[7] == Outcome(stopped="the others have ended")
    assert (source.outcomes[8], source.outcomes[9]) == (Outcome(), Outcome())


def test_threads_of_a_worker_wait_for_one_another_a_short_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    assert _of_workers(2).items() >= {"OMP_NUM_THREADS": "2", "GOMP_SPINCOUNT": "2000"}.items()
    monkeypatch.setenv("GOMP_SPINCOUNT", "5")
    assert _of_workers(2)["GOMP_SPINCOUNT"] == "5"
