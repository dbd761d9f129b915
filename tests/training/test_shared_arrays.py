"""Arrays are made once, shared, bounded, and gone in the end, whatever dies."""

import atexit
import multiprocessing
import os
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from autopelt.system.memory import available_memory
from autopelt.training.shared_arrays import (
    SharedArrays,
    private_cache,
    shared_arrays,
)
from autopelt.training.spec import Cache

FLOAT = 4


def make(arrays: SharedArrays, key: str, rows: int = 10, value: float = 1.0) -> Any:
    def fill(array: torch.Tensor) -> dict[str, Any]:
        array.fill_(value)
        return {"seconds": 0.5}

    return arrays.find_or_make(key, rows, 5, torch.float32, fill)


def test_an_entry_is_made_once_and_found_again(tmp_path: Path) -> None:
    arrays = SharedArrays(tmp_path, 2**20)
    assert arrays.find("a") is None
    first = make(arrays, "a", value=3.0)
    assert first.new
    assert torch.equal(first.array, torch.full((10, 5), 3.0))
    again = make(arrays, "a", value=4.0)
    assert not again.new
    assert torch.equal(again.array, first.array)
    assert again.facts["seconds"] == 0.5


def test_the_least_recently_used_goes_first_and_the_bound_holds(tmp_path: Path) -> None:
    size = 10 * 5 * FLOAT
    arrays = SharedArrays(tmp_path, 2 * size)
    for key in ("a", "b"):
        make(arrays, key).close()
        time.sleep(0.01)
    make(arrays, "a").close()  # used again: b is now the older one
    time.sleep(0.01)
    make(arrays, "c").close()
    assert arrays.used() <= 2 * size
    assert arrays.find("b") is None
    assert arrays.find("a") is not None


def test_what_is_in_use_stays_and_what_finds_no_room_is_refused(tmp_path: Path) -> None:
    size = 10 * 5 * FLOAT
    arrays = SharedArrays(tmp_path, 2 * size)
    held = [make(arrays, "a"), make(arrays, "b")]
    assert make(arrays, "c") is None
    assert make(arrays, "d", rows=100) is None
    assert torch.equal(held[0].array, torch.ones(10, 5))
    for entry in held:
        entry.close()
    assert make(arrays, "c") is not None


def test_a_full_disk_means_no_entry(tmp_path: Path) -> None:
    arrays = SharedArrays(tmp_path, 2**62)
    assert make(arrays, "a", rows=2**50) is None
    assert arrays.used() == 0


def test_a_failure_while_making_leaves_nothing(tmp_path: Path) -> None:
    arrays = SharedArrays(tmp_path, 2**20)

    def fail(array: torch.Tensor) -> dict[str, Any]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        arrays.find_or_make("a", 10, 5, torch.float32, fail)
    assert arrays.used() == 0
    assert make(arrays, "a").new


def _slow(folder: str, results: Any, begin: Any) -> None:
    arrays = SharedArrays(Path(folder), 2**20)

    def fill(array: torch.Tensor) -> dict[str, Any]:
        time.sleep(0.3)
        array.fill_(float(os.getpid()))
        return {}

    begin.wait()
    entry = arrays.find_or_make("a", 10, 5, torch.float32, fill)
    assert entry is not None
    results.put((entry.new, float(entry.array[0, 0])))
    begin.wait()  # both are in use at once


def test_of_two_processes_one_makes_and_both_have_it(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    results, begin = context.Queue(), context.Barrier(2)
    workers = [
        context.Process(target=_slow, args=(str(tmp_path), results, begin)) for _ in range(2)
    ]
    for worker in workers:
        worker.start()
    told = [results.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    assert sorted(made for made, _ in told) == [False, True]
    assert len({value for _, value in told}) == 1


def _die(folder: str) -> None:
    def fill(array: torch.Tensor) -> dict[str, Any]:
        os.kill(os.getpid(), signal.SIGKILL)
        return {}

    SharedArrays(Path(folder), 2**20).find_or_make("a", 10, 5, torch.float32, fill)


def test_a_process_that_dies_while_making_is_in_nobodys_way(tmp_path: Path) -> None:
    worker = multiprocessing.get_context("fork").Process(target=_die, args=(str(tmp_path),))
    worker.start()
    worker.join(60)
    assert worker.exitcode == -signal.SIGKILL
    arrays = SharedArrays(tmp_path, 10 * 5 * FLOAT)
    assert make(arrays, "a", value=2.0).new


def test_a_private_cache_goes_and_takes_orphans_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    orphan = tmp_path / "autopelt-trunk-orphan"
    orphan.mkdir()
    (orphan / "owner.lock").touch()
    with private_cache(2**20) as one, private_cache(None) as two:
        assert not orphan.exists()
        assert one is not None
        assert two is not None
        assert one.limit == 2**20
        assert 0 < two.limit < available_memory()
        assert Path(one.folder).is_dir()
        assert shared_arrays(one) is shared_arrays(Cache(one.folder, one.limit))
    assert list(tmp_path.iterdir()) == []


def test_the_cache_can_be_off() -> None:
    with private_cache(0) as cache:
        assert cache is None
    assert shared_arrays(None) is None


def _use_elsewhere(folder: str, base: str, ready: Any, done: Any) -> None:
    atexit._clear()
    tempfile.tempdir = base
    arrays = shared_arrays(Cache(folder, 2**20))
    assert arrays is not None
    make(arrays, "a")
    ready.wait()
    done.wait()
    atexit._run_exitfuncs()  # a process that multiprocessing forks leaves them out


def test_on_another_machine_the_workers_share_a_folder_that_goes_with_the_last(
    tmp_path: Path,
) -> None:
    """Workers that do not see the driver's folder: one exits, one is killed; a third cleans up."""
    context = multiprocessing.get_context("fork")

    def started(name: str, ready: Any, done: Any) -> Any:
        arguments = (f"/not/here/autopelt-trunk-{name}", str(tmp_path), ready, done)
        worker = context.Process(target=_use_elsewhere, args=arguments)
        worker.start()
        return worker

    ready, end, never = context.Barrier(3), context.Event(), context.Event()
    first, second = started("x", ready, end), started("x", ready, never)
    ready.wait(60)
    assert [p.name for p in tmp_path.iterdir()] == ["autopelt-trunk-x"]
    end.set()
    first.join(60)
    assert first.exitcode == 0
    assert (tmp_path / "autopelt-trunk-x" / "a.bin").is_file()
    second.kill()
    second.join(60)
    ready, end = context.Barrier(2), context.Event()
    third = started("y", ready, end)
    ready.wait(60)
    assert [p.name for p in tmp_path.iterdir()] == ["autopelt-trunk-y"]
    end.set()
    third.join(60)
    assert third.exitcode == 0
    assert list(tmp_path.iterdir()) == []
