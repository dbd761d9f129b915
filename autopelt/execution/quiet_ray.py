"""Ray without its dashboard, telemetry, log flood and change of working directory."""

import importlib
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_TQDM_PATCH_PRINT": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_AUTO_CALLBACK_SYNCER": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    "TUNE_WARN_THRESHOLD_S": "1000000",
}


@contextmanager
def ray_session(workers: int, threads: int, address: str | None = None) -> Iterator[Path]:
    """A Ray of our own, ended and cleaned up afterwards; gives a scratch folder for Ray Tune.

    Args:
        workers: trials at once.
        threads: CPU threads of a worker.
        address: a running cluster to join instead, ``auto`` or ``host:port``.
    """
    os.environ.update(_ENVIRONMENT)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import ray

    for name in ("ray", "ray.tune", "ray.train", "ray.data", "ray.air"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    # Sockets below the folder have paths of at most 107 characters, so it has a short name.
    scratch = Path(tempfile.mkdtemp(prefix="apelt", dir=_short_folder()))
    try:
        if address is None:
            ray.init(
                address="local",
                num_cpus=workers,
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.CRITICAL + 1,
                object_store_memory=128 * 2**20,
                _node_ip_address="127.0.0.1",
                _temp_dir=str(scratch),
                runtime_env={"env_vars": {"OMP_NUM_THREADS": str(threads), **_ENVIRONMENT}},
            )
        else:
            ray.init(address=address, log_to_driver=False, logging_level=logging.CRITICAL + 1)
        _silence_worker_messages()
        yield scratch
    finally:
        ray.shutdown()
        shutil.rmtree(scratch, ignore_errors=True)


def _short_folder() -> str | None:
    folder = tempfile.gettempdir()
    return "/tmp" if len(folder) > 30 and os.access("/tmp", os.W_OK) else folder  # noqa: S108


def _silence_worker_messages() -> None:
    """Ray prints a paragraph when a worker dies; the study records the cause in one line."""
    logs: Any = importlib.import_module("ray._private.ray_logging")
    dispatcher = getattr(logs, "global_worker_stdstream_dispatcher", None)
    if dispatcher is not None:
        dispatcher.handlers = []
