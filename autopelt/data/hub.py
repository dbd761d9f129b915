"""Data sets of the Hugging Face Hub: the revision is recorded, no network is noticed at once."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autopelt.errors import UnavailableError, parameter

if TYPE_CHECKING:
    from datasets import Dataset

_TIMEOUT = 5.0
"""Seconds to wait for the Hub's first answer."""


@dataclass(frozen=True)
class HubSet:
    """A data set on the Hub.

    Attributes:
        name: ``owner/name``.
        config: which of its configurations; None where it has one only.
        revision: branch, tag or commit; None is the main branch. ``refs/convert/parquet`` for sets
            that the Hub itself converted: their own loading scripts are never run.
        folder: folder of the repository that holds the files (needed for converted sets).
        parts: our part (``train``, ``selection``, ``report``) -> the set's split.
        columns: our column -> the set's column.
    """

    name: str
    config: str | None
    parts: Mapping[str, str]
    columns: Mapping[str, str]
    revision: str | None = None
    folder: str | None = None

    def __str__(self) -> str:
        part = self.config or self.folder
        return self.name + (f" ({part})" if part else "")

    def options(self, *, cached: bool) -> dict[str, str]:
        """Arguments for `datasets` that name a part of the repository.

        Its cache files a folder of a repository under the configuration ``default``.
        """
        if self.folder:
            return {"name": "default"} if cached else {"data_dir": self.folder}
        return {"name": self.config} if self.config else {}


@contextmanager
def quiet() -> Iterator[None]:
    """Keep progress bars, retries and advice of `datasets` and the Hub's client off the screen."""
    import datasets
    from huggingface_hub.utils.tqdm import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    bars = not datasets.are_progress_bars_disabled()
    shown = not are_progress_bars_disabled()
    loggers = [logging.getLogger("datasets"), logging.getLogger("huggingface_hub")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            datasets.disable_progress_bars()
            disable_progress_bars()
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if bars:
                datasets.enable_progress_bars()
            if shown:
                enable_progress_bars()


@contextmanager
def _offline() -> Iterator[None]:
    """Let `datasets` look at its cache only, without a single try at the network."""
    import datasets
    from huggingface_hub import constants

    before = datasets.config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE
    datasets.config.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        datasets.config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE = before


def _commit(wanted: HubSet) -> str | None:
    """Commit that the revision stands for, None if the Hub does not answer.

    Raises:
        UnavailableError: it answers that there is no such set, or that it is gated.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    try:
        info = HfApi().dataset_info(wanted.name, revision=wanted.revision, timeout=_TIMEOUT)
    except HfHubHTTPError as error:
        code = error.response.status_code
        if code >= 500:
            return None
        why = "needs a login that may read it" if code in (401, 403) else "does not exist"
        raise UnavailableError(
            f"data set '{wanted}' {why} on the Hub (HTTP {code}); log in with `hf auth login`, or "
            f"give a folder with {parameter('data')}."
        ) from None
    except Exception:
        return None
    return info.sha


def open_set(
    wanted: HubSet, offline: bool
) -> tuple[Mapping[str, Callable[[], Dataset]], str] | None:
    """Find a set on the Hub or in its local cache.

    Returns:
        Readers of the parts that the set has, and its commit; None if there is neither network nor
        cache.

    Raises:
        UnavailableError: the Hub answers, but the set is not to be had or is broken.
    """
    import datasets

    with quiet():
        known = datasets.config.HF_HUB_OFFLINE
        commit = None if offline or known else _commit(wanted)
        try:
            if commit is None:
                with _offline():
                    builder = datasets.load_dataset_builder(
                        wanted.name, **wanted.options(cached=True)
                    )
            else:
                builder = datasets.load_dataset_builder(wanted.name, wanted.config, revision=commit)
            builder.download_and_prepare()
        except Exception as error:
            if commit is None:
                return None
            raise UnavailableError(
                f"data set '{wanted}' cannot be loaded from the Hub: {_first_line(error)}"
            ) from error
        splits = builder.info.splits or {}

    def reader(split: str) -> Callable[[], Dataset]:
        def read() -> Dataset:
            with quiet():
                return builder.as_dataset(split=split)

        return read

    readers = {part: reader(split) for part, split in wanted.parts.items() if split in splits}
    return readers, commit or str(builder.hash)


def _first_line(error: Any) -> str:
    return str(error).strip().split("\n", 1)[0][:300] or type(error).__name__
