"""A study's database: where it lies, whether it is whole, and what is said when it fails."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import optuna
from sqlalchemy import URL
from sqlalchemy.exc import SQLAlchemyError

from autopelt.errors import UnavailableError, UsageError, command, parameter
from autopelt.study.config import CONFIG, DATABASE
from autopelt.study.stored import WAIT, held
from autopelt.system.lock import LOCK

WARM_START = "warm_start.json"
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EFBIG)


def remove_unborn(folder: Path) -> None:
    """Clear what a search left that was killed while it made its folder: no trial is in it yet."""
    found = list(folder.iterdir())
    unborn = (DATABASE, f"{DATABASE}-journal", f".{CONFIG}.", WARM_START, f".{WARM_START}.")
    if not found or not all(p.name.startswith((LOCK, *unborn)) for p in found):
        return
    database = folder / DATABASE
    if database.is_file() and database.stat().st_size:
        try:
            with closing(sqlite3.connect(database)) as connection:
                (trials,) = connection.execute("SELECT count(*) FROM trials").fetchone()
        except sqlite3.OperationalError:  # its tables are not made yet
            trials = 0
        except sqlite3.DatabaseError:  # it is something else
            return
        if trials:
            return
    for path in found:
        if not path.name.startswith(LOCK):
            path.unlink()


def storage_at(folder: Path, url: str | None) -> optuna.storages.RDBStorage:
    """The study's own file, or a database that several studies may share.

    Raises:
        UnavailableError: the database cannot be reached, or its driver is not installed.
    """
    if url is None:
        return optuna.storages.RDBStorage(
            # Pasted into an address, a folder's "?" would begin its query, and braces are Optuna's.
            str(URL.create("sqlite", database=str((folder / DATABASE).resolve()))),
            engine_kwargs={"connect_args": {"timeout": WAIT}},
        )
    try:
        # A trial may take longer than a server keeps an idle connection.
        return optuna.storages.RDBStorage(url, engine_kwargs={"pool_pre_ping": True})
    except (ImportError, SQLAlchemyError) as error:
        line = str(getattr(error, "orig", None) or error).splitlines()[0]
        hint = " (PostgreSQL: pip install 'autopelt[postgresql]', MySQL: pip install pymysql)"
        raise UnavailableError(
            f"storage {url} cannot be used: {line}{hint if isinstance(error, ImportError) else ''}."
        ) from None


@contextmanager
def explained(folder: Path, storage: str | None = None) -> Iterator[None]:
    """A full or failing disk under a study, or a lost database, is one line, not a bug.

    Args:
        folder: of the study.
        storage: URL of its database where it is not in the folder.

    Raises:
        UnavailableError: the study cannot be written any more.
    """
    try:
        yield
    except (OSError, SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        cause = error.__cause__ if isinstance(error.__cause__, SQLAlchemyError) else error
        if isinstance(cause, OSError) and cause.errno not in _DISK:
            raise
        line = str(getattr(cause, "strerror", None) or getattr(cause, "orig", None) or cause)
        lost = storage is not None and not isinstance(cause, OSError)
        advice = f"See that {storage} answers" if lost else "Make room"
        if "locked" in line and storage is None:
            advice = held(folder)
        raise UnavailableError(
            f"study '{folder}' cannot be written any more ({line.splitlines()[0]}); what it holds "
            f"is kept. {advice}, then: {command('resume', folder)}"
        ) from None


@contextmanager
def quiet_optuna() -> Iterator[None]:
    """Optuna's log lines and experimental warnings stay off the user's screen."""
    import warnings

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)


def claim(folder: Path) -> None:
    """Make the folder of a new study. Raises UsageError where it is in use or cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_unborn(folder)
        occupied = sorted(p.name for p in folder.iterdir() if not p.name.startswith(LOCK))
    except OSError as error:
        raise UsageError(
            f"'{folder}' cannot be written: {error.strerror}; give {parameter('out')}."
        ) from None
    if occupied:
        raise UsageError(
            f"'{folder}' is not empty (it holds {occupied[0]}) and is not this study; "
            f"give another {parameter('out')}."
        )
