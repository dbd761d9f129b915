"""A Ray cluster that runs already: join it, find out what would fail there, and who has left it."""

import logging
import os
import socket
from pathlib import Path

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from autopelt.errors import UnavailableError, UsageError

_ANSWER_SECONDS = 120.0
_KNOCK_SECONDS = 10.0


def join(address: str, environment: dict[str, str]) -> None:
    """Connect to a running cluster.

    Args:
        address: ``auto`` or ``host:port``.
        environment: environment variables of the workers.

    Raises:
        UnavailableError: nobody answers there, or not to us.
    """
    try:
        ray.init(
            address=address,
            log_to_driver=False,
            logging_level=logging.CRITICAL + 1,
            runtime_env={"env_vars": environment},
        )
    except Exception as error:  # Ray raises many kinds
        ray.shutdown()
        line = next((part for part in str(error).splitlines() if part.strip()), "no answer")
        raise UnavailableError(
            f"no Ray cluster at '{address}' takes this search ({line[:160].rstrip('.')}); look "
            f"with 'ray status --address {address}'. A cluster that wants a token needs "
            "RAY_AUTH_MODE=token and the same ~/.ray/auth_token here."
        ) from None


def check_machines(folder: Path) -> None:
    """Ask every machine of the cluster whether it can run trials of the study in `folder`.

    Raises:
        UsageError: machines that can't are named with the reason: a trial there would fail at once,
            so such a machine would eat up the study's trials.
    """
    ask = ray.remote(_objection)
    answers = {}
    for node in ray.nodes():
        if node["Alive"] and node["Resources"].get("CPU"):
            there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            asked = ask.options(num_cpus=0, max_retries=0, scheduling_strategy=there)
            answers[node["NodeManagerAddress"]] = asked.remote(str(folder.resolve()))
    wrong = []
    for machine, answer in answers.items():
        try:
            objection = ray.get(answer, timeout=_ANSWER_SECONDS)
        except Exception as error:  # no autopelt there, another Python, no answer
            lines = [part.strip() for part in str(error).splitlines() if part.strip()]
            objection = f"it cannot run autopelt ({lines[-1][:160] if lines else 'no answer'})"
        if objection:
            wrong.append(f"{machine}: {objection}")
    if wrong:
        raise UsageError(
            f"{len(wrong)} of {len(answers)} machines of the cluster cannot run this study "
            f"({'; '.join(wrong)}). See docs/cluster.md; then run the same command again."
        )


def _objection(folder: str) -> str:
    """Runs on another machine: why a trial would fail there, or ""."""
    if not (Path(folder) / "config.yaml").is_file():
        return (
            f"it does not see '{folder}'; a study must be on a file system that all machines share"
        )
    if not os.access(folder, os.W_OK):
        return f"it may not write to '{folder}'"
    return ""


class Machines:
    """The machines of a cluster, and whether one of them is gone.

    Ray needs about 15 s to find out that a machine is gone; a trial that ran there ends long
    before, and its worker is then only "unavailable".
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, int]] = {}
        self._alive()

    def lost(self, words: str) -> bool:
        """Whether a worker ended with its machine.

        Args:
            words: Ray's, of the worker's end.
        """
        if "its node has died" in words:
            return True
        if "is unavailable" not in words:
            return False
        alive = self._alive()
        return any(node not in alive or not listens(*at) for node, at in self._known.items())

    def _alive(self) -> set[str]:
        alive = {
            node["NodeID"]: (node["NodeManagerAddress"], node["NodeManagerPort"])
            for node in ray.nodes()
            if node["Alive"]
        }
        self._known |= alive
        return set(alive)


def listens(host: str, port: int) -> bool:
    """Whether somebody listens there."""
    try:
        socket.create_connection((host, port), timeout=_KNOCK_SECONDS).close()
    except OSError:
        return False
    return True
