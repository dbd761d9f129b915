"""Keep transformers' load report, progress bars, advice and tracebacks off the user's screen."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from huggingface_hub.utils.tqdm import (
    are_progress_bars_disabled,
    disable_progress_bars,
    enable_progress_bars,
)
from transformers.utils import logging as transformers_logging

from autopelt.errors import AutopeltError, UnavailableError


@contextmanager
def quiet() -> Iterator[None]:
    """Silence them inside the block and put everything back afterwards."""
    verbosity = transformers_logging.get_verbosity()
    bars = transformers_logging.is_progress_bar_enabled()
    hub_bars = not are_progress_bars_disabled()
    hub = logging.getLogger("huggingface_hub")
    hub_level = hub.level
    transformers_logging.set_verbosity(logging.CRITICAL)
    hub.setLevel(logging.CRITICAL)
    transformers_logging.disable_progress_bar()
    disable_progress_bars()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        hub.setLevel(hub_level)
        if bars:
            transformers_logging.enable_progress_bar()
        if hub_bars:
            enable_progress_bars()


@contextmanager
def explained(say: Callable[[Exception], AutopeltError]) -> Iterator[None]:
    """Silence, and an error of our own for theirs: of what a file may hold they raise anything."""
    try:
        with quiet():
            yield
    except (AutopeltError, MemoryError):
        raise
    except Exception as error:
        raise say(error) from error


def invalid(model_type: str, how: str, error: Exception) -> UnavailableError:
    """The error for a configuration that transformers makes nothing of; `how` says what not."""
    return UnavailableError(f"the {model_type} config {how}: {one_line(error)}")


def one_line(error: Exception) -> str:
    """What a library's exception says, as one line of at most 300 characters."""
    return " ".join(str(error).split())[:300]
