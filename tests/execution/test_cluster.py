"""Two real Ray nodes on this machine: a search runs on both, one is killed, nothing is lost."""

import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from process_tree import descendants

from autopelt.study.storage import StudyStorage

HEAD, OTHER = "127.0.0.2", "127.0.0.3"
"""Loopback addresses; Ray takes 127.0.0.1 for a machine without a cluster."""
TRIALS, EPOCHS = 5, 30
RAY = Path(sys.executable).with_name("ray")
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Node:
    """The processes of one `ray start --block`."""

    process: subprocess.Popen[bytes]
    seen: set[int] = field(default_factory=set)

    def pids(self) -> dict[int, str]:
        """Process id -> command line; `seen` keeps those that end."""
        found = descendants(self.process.pid)
        self.seen |= set(found)
        return found

    def kill(self) -> None:
        """SIGKILL to all, as a power cut would.

        The raylet comes first: with it dead, nobody tells the cluster how the others end.
        """
        found = self.pids()
        for pid in sorted(found, key=lambda pid: "raylet/raylet" not in found[pid]):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait(60)


def free_port() -> int:
    with socket.create_server((HEAD, 0)) as server:
        return int(server.getsockname()[1])


MAY_MOUNT = shutil.which("unshare") is not None and not subprocess.call(
    ["unshare", "--mount", "true"], stderr=subprocess.DEVNULL
)
HIDE = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs none "$0" && exec "$@"')
"""Runs a command that sees an empty folder where the others see ours: as on another machine."""


@contextmanager
def node(ip: str, folder: Path, *how: str, blind: Path | None = None) -> Iterator[Node]:
    """A node with one CPU slot, in a directory of its own; `blind`: a folder it does not see."""
    folder.mkdir()
    words = [
        *([*HIDE, str(blind)] if blind is not None else []),
        *(str(RAY), "start", "--block", "--node-ip-address", ip, "--num-cpus", "1"),
        *("--temp-dir", str(folder), "--object-store-memory", "80000000", *how),
    ]
    with (folder / "said.txt").open("wb") as said:
        started = Node(
            subprocess.Popen(words, stdout=said, stderr=said, cwd=folder, start_new_session=True)
        )
    try:
        yield started
    finally:
        started.kill()


@contextmanager
def cluster(short: Path, blind: Path | None) -> Iterator[tuple[str, Node, Node]]:
    """Address, first node and second node; `blind`: a folder that the second one can't see."""
    address = f"{HEAD}:{free_port()}"
    port = address.rpartition(":")[2]
    with node(HEAD, short / "1", "--head", "--port", port, "--include-dashboard", "false") as head:
        until(lambda: b"Ray runtime started" in (short / "1" / "said.txt").read_bytes(), 120)
        with node(OTHER, short / "2", "--address", address, blind=blind) as other:
            until(lambda: b"Ray runtime started" in (short / "2" / "said.txt").read_bytes(), 120)
            yield address, head, other


def until(holds: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.2)


def half_way(folder: Path) -> bool:
    """Two trials have ended (one a machine) and two are in the middle."""
    if not (folder / "config.yaml").is_file():
        return False
    trials = StudyStorage.open(folder).record().trials
    running = [len(t.scores) for t in trials if t.state == "running"]
    return len(trials) == 4 and len(running) == 2 and min(running) >= 3


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Ray's sockets need short paths; nothing of the user's Ray is used."""
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)
    folder = Path(tempfile.mkdtemp(prefix="two"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def command(model: str, folder: Path, address: str) -> list[str]:
    return [
        *(sys.executable, "-m", "autopelt", "search", "--task", "demo", "--model", model),
        *("--space", "tiny", "--budget", "4%", "--trials", str(TRIALS), "--epochs", str(EPOCHS)),
        *("--train-examples", "64", "--workers", "2", "--seeds", "head-only,lora-r1"),
        *("--out", str(folder), "--ray-address", address),
    ]


@pytest.mark.cluster
@pytest.mark.timeout(900)
def test_a_machine_that_dies_costs_no_trial_and_one_without_the_folder_is_named(
    tiny_bert: Path, tmp_path: Path, short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One test, as the cluster takes long to start."""
    monkeypatch.chdir(tiny_bert.parent)  # a model by a relative path: the workers stand elsewhere
    folder, hidden = tmp_path / "study", tmp_path / "hidden"
    hidden.mkdir()
    said = tmp_path / "said.txt"
    with cluster(short, hidden if MAY_MOUNT else None) as (address, head, other):
        if MAY_MOUNT:
            refused = subprocess.run(
                command(tiny_bert.name, hidden / "study", address),
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
            )
            assert refused.returncode == 2, refused.stderr
            assert (
                f"1 of 2 machines of the cluster cannot run this study ({OTHER}: it does not"
                in (refused.stderr)
            )
            assert refused.stderr.count("\n") == 1
            assert StudyStorage.open(hidden / "study").record().trials == ()
        with said.open("w") as file:
            search = subprocess.Popen(
                command(tiny_bert.name, folder, address), stdout=file, stderr=file
            )
        try:
            until(lambda: half_way(folder), 300)
            before = StudyStorage.open(folder).record()
            other.kill()
            until(lambda: bool(head.pids()) and search.poll() is not None, 300)
        finally:
            search.kill()
            search.wait(60)
    out = said.read_text()
    assert search.returncode == 0, out
    again = re.findall(r"the machine of trial (\d+) left the cluster; the trial runs again", out)
    assert len(again) == 1, out
    lost = int(again[0])
    assert "(raylet)" not in out
    assert next(t for t in before.trials if t.number == lost).state == "running"
    record = StudyStorage.open(folder).record()
    assert [t.number for t in record.trials] == list(range(TRIALS))
    assert {t.state for t in record.trials} == {"complete"}
    assert {len(t.scores) for t in record.trials} == {EPOCHS}
    assert len({t.architecture.id for t in record.trials}) == TRIALS
    done = {t.number: t for t in before.complete}
    assert [t for t in record.trials if t.number in done] == list(done.values())
    ran_on = {t.number: int(t.worker) for t in record.trials}
    assert set(ran_on.values()) <= head.seen | other.seen
    assert ran_on[lost] in head.seen
    assert other.seen & {ran_on[n] for n in done}, "nothing ran on the second machine"
    assert (folder / "best" / "weights.safetensors").is_file()
