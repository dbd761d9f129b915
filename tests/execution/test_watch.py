"""That Ray is gone is noticed at once: plain processes and a socket stand for it."""

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autopelt.errors import COMMAND, typed
from autopelt.execution import watch as module
from autopelt.execution.watch import RayGoneError, Watch, way_on


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What would be said before this process ended."""
    said: list[str] = []
    monkeypatch.setattr(module, "_end", said.append)
    return said


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    monkeypatch.chdir(tmp_path)
    made = Watch(Path("here"))
    made.patience = 1
    yield made
    made.leave()


def soon(holds: Callable[[], object]) -> bool:
    end = time.monotonic() + 30
    while not holds() and time.monotonic() < end:
        time.sleep(0.02)
    return bool(holds())


def test_a_killed_process_is_told_with_what_to_do(watch: Watch, ended: list[str]) -> None:
    watch.children(["sleep"], Path("600.25"))
    Path("here").mkdir()  # a study that began after Ray did
    Path("here/config.yaml").write_text("")
    with subprocess.Popen(["sleep", "600.25"]) as needed:
        watch.check()
        time.sleep(0.6)  # until it is found
        needed.kill()
        assert soon(lambda: watch.words)
    with pytest.raises(RayGoneError) as caught:
        watch.check()
    assert COMMAND.sub(typed, str(caught.value)) == (
        "Ray's sleep was killed (SIGKILL), and with it what ran; what had ended is kept. "
        "Go on with: autopelt resume here"
    )


def test_no_exception_of_a_trial_looks_like_it() -> None:
    assert not issubclass(RayGoneError, Exception)


def test_what_ends_after_the_session_is_no_fault(watch: Watch) -> None:
    watch.children(["sleep"], Path("600.5"))
    with subprocess.Popen(["sleep", "600.5"]) as needed:
        time.sleep(0.6)
        watch.leave()
        needed.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    watch.check()


def within(package: str, call: Callable[[], object]) -> None:
    """Call something as a module of a package would."""
    namespace = {"__name__": f"{package}.module", "call": call}
    exec("def calls(): call()\ncalls()", namespace)


def test_a_call_that_hangs_in_ray_ends_the_process(watch: Watch, ended: list[str]) -> None:
    watch.children(["sleep"], Path("600.75"))
    with subprocess.Popen(["sleep", "600.75"]) as needed:
        time.sleep(0.6)
        needed.kill()
        within("autopelt", lambda: within("ray", lambda: soon(lambda: ended)))
    assert ended[0].startswith("Ray's sleep was killed")


def test_our_own_work_is_let_come_to_its_end(watch: Watch, ended: list[str]) -> None:
    watch.children(["sleep"], Path("600.875"))
    with subprocess.Popen(["sleep", "600.875"]) as needed:
        time.sleep(0.6)
        needed.kill()
        within("ray", lambda: within("autopelt", lambda: time.sleep(2.5)))
    assert watch.words
    assert ended == []


def test_a_cluster_that_does_not_answer(
    watch: Watch, ended: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PAUSE", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as server:
        host, port = server.getsockname()
        watch.cluster(host, port)
        time.sleep(0.4)
        assert watch.words == ""
    assert soon(lambda: watch.words)
    assert watch.words.startswith(f"the Ray cluster at {host}:{port} does not answer any more; ")


def test_before_there_is_a_study_the_same_command_begins_it(tmp_path: Path) -> None:
    assert way_on(None) == way_on(tmp_path) == "the same command"
    (tmp_path / "config.yaml").write_text("")
    assert COMMAND.sub(typed, way_on(tmp_path)) == f"autopelt resume {tmp_path}"
