"""Fixtures for all tests: tiny models made here, real data where it is at hand, one CPU thread."""

import os
import sqlite3
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # in child processes, too: several run at once

import pytest
import torch
from alembic.script import ScriptDirectory
from hypothesis import HealthCheck, settings
from in_process import train_in_this_process
from optuna.storages._rdb.storage import _VersionManager
from sqlalchemy import Engine, event

from autopelt import execution
from autopelt.execution import run_trials, started

torch.set_num_threads(1)

# A busy machine makes an example take longer than hypothesis allows; no test is about time.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

MAY_BE_MISSING = (
    "no real data",  # may not be passed on with the code
    "no pretrained decoder",  # 500 MB that a test may not download
    "needs a server",  # a PostgreSQL one, that nobody can install for a test
    "may not mount a file system",  # only the system's administrator may
    "this C library has no malloc_trim",
    "numpyro and jax are not installed",  # 500 MB for one sampler to compare with
    "sentence-transformers is not installed",  # another library to compare with
    "trl is not installed",  # likewise; what it is told is checked against its arguments
    "slow sampler",  # stands for itself in fewer cases
    "more objectives",  # stand for themselves in fewer cases
)
"""Why a test may be skipped where everything is installed that can be."""


def fail_if_something_is_missing(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Where AUTOPELT_CI is set, a test that is skipped for want of an install has failed."""
    if os.environ.get("AUTOPELT_CI") and report.skipped and not hasattr(report, "wasxfail"):
        reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
        if not any(words in reason for words in MAY_BE_MISSING):
            report.outcome = "failed"
            report.longrepr = f"skipped where everything should be installed: {reason}"


LONG = ("execution", "workflows", "contracts", "docs", "benchmarks", "samplers", "hostile")
"""Folders with files that take half a minute, the longest first; execution waits for Ray."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files begin, in whatever order the rest comes: no worker runs one alone at the end."""
    rank = {folder: place for place, folder in enumerate(LONG)}
    items.sort(key=lambda item: rank.get(item.path.parent.name, len(LONG)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    fail_if_something_is_missing(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    fail_if_something_is_missing(report)
    return report


@event.listens_for(Engine, "connect")
def _wait_for_no_disk(connection: Any, _: Any) -> None:
    """Half of the time of tests of studies went into it; none of them pulls the plug."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = OFF")


_read = _VersionManager._create_alembic_script
_kept: list[ScriptDirectory] = []


def _migrations(manager: _VersionManager) -> ScriptDirectory:
    if not _kept:
        _kept.append(_read(manager))
    return _kept[0]


@pytest.fixture(scope="session", autouse=True)
def trials_in_this_process() -> Iterator[None]:
    """Searches, confirmations and comparisons train here; a test about workers asks for `ray`.

    And Optuna's migrations, which it reads for every database, are read once.
    """
    with pytest.MonkeyPatch.context() as patch:
        train_in_this_process(patch.setattr)
        patch.setattr(_VersionManager, "_create_alembic_script", _migrations)
        yield


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trials in worker processes, as users have it. It takes ten seconds to start and to end."""
    monkeypatch.setattr(execution, "run_trials", run_trials)
    monkeypatch.setattr(execution, "started", started)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of the real data sets; the test is skipped where there is none."""
    given = os.environ.get("AUTOPELT_TEST_DATA")
    folder = Path(given) if given else Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no real data: set AUTOPELT_TEST_DATA to a folder with glue/RTE and the like")
    return folder


@pytest.fixture(scope="session")
def pretrained_decoder() -> Path:
    """Folder of a real decoder; the test is skipped where there is none."""
    given = os.environ.get("AUTOPELT_DECODER")
    if given is None:
        pytest.skip("no pretrained decoder: set AUTOPELT_DECODER to a folder, like SmolLM2-135M's")
    return Path(given)


@pytest.fixture(scope="session")
def taught_decoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a Llama that copies, reverses and sorts letters."""
    from taught_decoder import make_taught_decoder

    return make_taught_decoder(tmp_path_factory.mktemp("taught-decoder"))


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random BERT of 2 layers and width 16, and a word-piece tokeniser."""
    from tiny_models import make_tiny_bert

    return make_tiny_bert(tmp_path_factory.mktemp("tiny-bert"))


@pytest.fixture(scope="module")
def browser():
    """One Chromium for the tests of pages in a file."""
    from report_page import chromium

    with chromium() as opened:
        yield opened


@pytest.fixture
def open_report(browser):
    """Opens a report in a page of its own: a `ReportPage`; closed after the test."""
    from report_page import ReportPage

    opened = []

    def open_page(path, **how):
        opened.append(ReportPage(browser, path, **how))
        return opened[-1]

    yield open_page
    for report in opened:
        report.page.close()


@pytest.fixture(scope="session")
def example():
    """A study of the report's tests, with its importances."""
    from example_studies import study

    from autopelt.study.importance import with_importance

    return with_importance(study(), 0)


@pytest.fixture(scope="session")
def example_page(example, tmp_path_factory):
    """Its report, built once."""
    from autopelt.report import build

    return build(example, tmp_path_factory.mktemp("report"))
