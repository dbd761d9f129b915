"""Ray without its dashboard, telemetry, log flood, open ports and change of working directory."""

import importlib
import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import ray

from autopelt.errors import UnavailableError
from autopelt.execution.cluster import join
from autopelt.execution.watch import STARTING, STUCK, RayGoneError, Watch, way_on
from autopelt.system.environment import environment
from autopelt.system.held_folder import held_folder
from autopelt.system.keeper import end_members, kept, marked
from autopelt.system.memory import check_address_space
from autopelt.system.openmp import short_waits
from autopelt.system.signals import own_signals
from autopelt.training.shared_arrays import cache_folders

_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DEDUP_LOGS": "0",
    # Its own watch over memory ends the whole search; the kernel takes a worker, and so a trial.
    "RAY_memory_monitor_refresh_ms": "0",
    "RAY_TQDM_PATCH_PRINT": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_AUTO_CALLBACK_SYNCER": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    "TUNE_WARN_THRESHOLD_S": "1000000",
}

_PRELOADED = "autopelt.execution.trainable"
"""What workers import as soon as they are there, PyTorch with it, while the driver gets ready."""

_QUIET = ("HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK", "TOKENIZERS_PARALLELISM")
_STARTS = 3
_SCRATCH = "apelt"
"""How the name of a session's scratch folder begins."""

_TITLE = "ray::"
"""How Ray's processes in Python call themselves, and so hide their environment."""

_NEEDED = ("gcs_server", "raylet")

_ADDRESSES = 1_300_000_000
"""Bytes of addresses that Ray takes at least in a driver, as measured."""


@dataclass(frozen=True)
class Session:
    """A Ray that runs.

    Attributes:
        scratch: a folder for Ray Tune.
        check: to be called often; raises where Ray is gone, which this session makes an error.
    """

    scratch: Path
    check: Callable[[], None]


@contextmanager
def ray_session(
    workers: int,
    threads: int,
    address: str | None = None,
    folder: Path | None = None,
) -> Iterator[Session]:
    """A Ray of our own, ended and cleaned up afterwards.

    Args:
        workers: trials at once.
        threads: CPU threads of a worker.
        address: a running cluster to join instead, ``auto`` or ``host:port``.
        folder: of the study that runs, if one does: named in errors as soon as it is there.

    A Ray of our own listens on the loopback interface only, and its processes end with this one,
    however it ends. No other user reads or writes what it keeps.

    Raises:
        UnavailableError: Ray does not start, has no room to, or was killed later on.
    """
    check_address_space(_ADDRESSES, "a search with its workers")
    os.environ.update(_ENVIRONMENT)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    for name in ("ray", "ray.tune", "ray.train", "ray.data", "ray.air"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    # Sockets below the folder have paths of at most 107 characters, so it has a short name.
    with (
        held_folder(Path(_short_folder()) / f"{_SCRATCH}{uuid4().hex[:8]}", _SCRATCH) as scratch,
        kept(scratch, _TITLE, (scratch.parent, _SCRATCH), cache_folders()),
    ):
        watch = Watch(folder)
        try:
            with own_signals():
                if address is None:
                    watch = _start(workers, threads, scratch, folder)
                else:
                    join(address, _of_workers(threads))
                    host, _, port = ray.get_runtime_context().gcs_address.rpartition(":")
                    watch.cluster(host, int(port))
            _silence_worker_messages()
            with _started_workers_first():
                yield Session(scratch, watch.check)
        except (RayGoneError, Exception) as error:
            if not watch.words:
                raise
            # Ray's own errors of that come as many kinds, sooner or later than ours.
            raise UnavailableError(watch.words) from (
                None if isinstance(error, RayGoneError) else error
            )
        finally:
            watch.leave()
            if watch.words:  # else it would wait for the dead
                end_members(scratch, _TITLE)
            ray.shutdown()


def _start(workers: int, threads: int, scratch: Path, folder: Path | None) -> Watch:
    """Start Ray's processes, and watch them.

    Ray gives them 30 s, too little on a machine that is very busy, so it is tried again.

    Ray lets everybody write into its folders, and into the one that it is given; a folder around
    that one is ours alone.

    Raises:
        UnavailableError: they did not come up several times.
    """
    for attempt in count(1):
        watch = Watch(folder)
        watch.patience = STARTING
        watch.children(_NEEDED, scratch)
        try:
            own = _of_workers(threads) | {"RAY_preload_python_modules": _PRELOADED}
            with _loopback_only(), _private_token(), marked(scratch), environment(own):
                ray.init(
                    address="local",
                    num_cpus=workers,
                    include_dashboard=False,
                    log_to_driver=False,
                    logging_level=logging.CRITICAL + 1,
                    object_store_memory=128 * 2**20,
                    _node_ip_address="127.0.0.1",
                    _temp_dir=str(scratch / "r"),
                )
            watch.patience = STUCK
            return watch
        except BaseException as error:
            watch.leave()
            if not isinstance(error, Exception):  # Ray raises bare ones
                raise
            end_members(scratch, _TITLE)
            ray.shutdown()
            if attempt == _STARTS:
                raise UnavailableError(
                    f"Ray's processes did not start ({str(error).splitlines()[0]}); is the machine "
                    "too busy or short of memory? What had ended is kept. Go on with: "
                    f"{way_on(folder)}"
                ) from None
    raise AssertionError


def _of_workers(threads: int) -> dict[str, str]:
    """Environment of the workers, also of those on machines that know nothing of ours."""
    own = {k: os.environ[k] for k in _QUIET if k in os.environ}
    return {"OMP_NUM_THREADS": str(threads)} | short_waits() | own | _ENVIRONMENT


@contextmanager
def _loopback_only() -> Iterator[None]:
    """Let `ray.init` believe that this machine is in no cluster.

    Told to be 127.0.0.1, Ray turns that into the machine's real address and listens on all
    interfaces, on Linux. Where it takes clusters to be unsupported (its default on macOS and
    Windows) it stays on the loopback interface; `RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER=0` would say the
    same, but is read only when ray is imported, and would hold for a real cluster as well.
    """
    constants: Any = importlib.import_module("ray._private.ray_constants")
    before = constants.ENABLE_RAY_CLUSTER
    constants.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        constants.ENABLE_RAY_CLUSTER = before


@contextmanager
def _private_token() -> Iterator[None]:
    """Keep the token that opens a cluster to ourselves; Ray makes it as readable as any file."""
    folder = Path.home() / ".ray"
    with suppress(OSError):  # a home that cannot be written
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
    try:
        yield
    finally:
        with suppress(OSError):
            (folder / "auth_token").chmod(0o600)


def _short_folder() -> str:
    folder = tempfile.gettempdir()
    return "/tmp" if len(folder) > 30 and os.access("/tmp", os.W_OK) else folder  # noqa: S108


@contextmanager
def _started_workers_first() -> Iterator[None]:
    """Let Ray Tune give trials to the workers that Ray has started at once, one for each CPU.

    It asks for workers with an environment of their own (variables that are ours anyway), and Ray
    then starts others beside those.
    """
    module: Any = importlib.import_module("ray.tune.execution.class_cache")
    classes = module._ActorClassCache
    before = classes.get

    def get(self: Any, trainable: type) -> Any:
        if trainable not in self._cache:
            self._cache[trainable] = ray.remote(trainable)
        return self._cache[trainable]

    classes.get = get
    try:
        yield
    finally:
        classes.get = before


def _silence_worker_messages() -> None:
    """Ray prints paragraphs when a worker or a machine dies; the study says it in one line."""
    logs: Any = importlib.import_module("ray._private.ray_logging")
    dispatcher = getattr(logs, "global_worker_stdstream_dispatcher", None)
    if dispatcher is not None:
        dispatcher.handlers = []
    worker: Any = importlib.import_module("ray._private.worker")
    if hasattr(worker, "print_to_stdstream"):
        worker.print_to_stdstream = lambda *_, **__: None
