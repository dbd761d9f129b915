"""Notices at once that Ray is gone under a search.

Ray itself says nothing for a minute, in which every call may hang in compiled code, and then ends
the process.
"""

import math
import os
import signal
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil

from autopelt.errors import COMMAND, UnavailableError, command, typed
from autopelt.execution.cluster import listens
from autopelt.system.printable import printable

_LOOK = 0.25
"""Seconds between looks for processes that are to begin."""

STUCK, STARTING = 5, 45
"""Seconds within Ray after which it does not come back; while it starts, it gives up in less."""

_KNOCKS, _PAUSE = 3, 5.0
"""Knocks without an answer after which a cluster is gone, and seconds between them."""


def way_on(folder: Path | None) -> str:
    """What a user does to go on after an error."""
    begun = folder is not None and (folder / "config.yaml").is_file()
    return command("resume", folder) if begun else "the same command"


class RayGoneError(BaseException):
    """Ray is gone, said in the words of the error that users get.

    No `Exception`, for which Ray Tune would ask its workers to end: they cannot hear of it.
    """


class Watch:
    """Knows whether Ray is there yet.

    Args:
        folder: of the study that runs, which may not be there yet.

    Attributes:
        patience: seconds that a call of Ray's may take after its end.
        words: how it has ended, or "".
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self.patience = STUCK
        self._driver = threading.get_ident()
        self._left = threading.Event()
        self.words = ""

    def children(self, names: Iterable[str], folder: Path) -> None:
        """Watch children of this process from when they begin; Ray can do without none of them.

        Args:
            names: of their programs.
            folder: that their command lines speak of.
        """
        threading.Thread(target=self._find, args=(set(names), str(folder)), daemon=True).start()

    def cluster(self, host: str, port: int) -> None:
        """Watch a cluster's first machine."""
        threading.Thread(target=self._knock_at, args=(host, port), daemon=True).start()

    def check(self) -> None:
        """Raise RayGoneError where Ray is gone. Called as often as possible."""
        if self.words:
            raise RayGoneError(self.words)

    def leave(self) -> None:
        """From now on Ray may end."""
        self._left.set()

    def _find(self, missing: set[str], folder: str) -> None:
        this = psutil.Process()
        while missing and not self._left.wait(_LOOK):
            for child in this.children():
                with suppress(psutil.Error):
                    if child.name() in missing and folder in " ".join(child.cmdline()):
                        missing.remove(child.name())
                        found = (child.name(), child.pid)
                        threading.Thread(target=self._wait_for, args=found, daemon=True).start()

    def _wait_for(self, name: str, number: int) -> None:
        try:
            ended = os.waitid(os.P_PID, number, os.WEXITED | os.WNOWAIT)
        except ChildProcessError:  # somebody else has waited for it
            ended = None
        how = "ended"
        if ended is not None and ended.si_code != os.CLD_EXITED:
            how = f"was killed ({signal.Signals(ended.si_status).name})"
        self._gone(f"Ray's {name} {how}, and with it what ran")

    def _knock_at(self, host: str, port: int) -> None:
        missed = 0
        while missed < _KNOCKS:
            if self._left.wait(_PAUSE):
                return
            missed = 0 if listens(host, port) else missed + 1
        self._gone(f"the Ray cluster at {host}:{port} does not answer any more")

    def _gone(self, what: str) -> None:
        if self._left.is_set():
            return
        self.words = (
            self.words or f"{what}; what had ended is kept. Go on with: {way_on(self._folder)}"
        )
        since = math.inf
        while not self._left.wait(1.0):  # longer where a call of Ray's keeps Python's lock
            since = min(since, time.monotonic()) if self._in_ray() else math.inf
            if time.monotonic() - since >= self.patience:
                _end(self.words)

    def _in_ray(self) -> bool:
        """Whether the driver's thread is in a call of Ray's at this moment, not in one of ours."""
        frame = sys._current_frames().get(self._driver)
        while frame is not None:
            package = str(frame.f_globals.get("__name__")).partition(".")[0]
            if package in ("ray", "autopelt"):
                return package == "ray"
            frame = frame.f_back
        return False


def _end(words: str) -> None:
    """Say what happened and end this process as it is.

    Its thread never comes back from compiled code, so nothing else can run. What it holds goes with
    it, as after SIGKILL.
    """
    terminal = "\x1b[?25h\n" if sys.stderr.isatty() else ""  # a live view hides the cursor
    line = printable(COMMAND.sub(typed, words))
    os.write(2, f"{terminal}autopelt: {line}\n".encode(errors="replace"))
    os._exit(UnavailableError.exit_code)
