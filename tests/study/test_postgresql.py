"""A study whose trials lie on a PostgreSQL server: search, resume, look from another machine.

Needs a server: AUTOPELT_POSTGRESQL=postgresql://user@host/database (what is made there is deleted).
"""

import gc
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
from small_search import Quiet, plan
from sqlalchemy import Engine

from autopelt.cli.main import main
from autopelt.study.storage import StudyStorage
from autopelt.workflows.search import search

URL = os.environ.get("AUTOPELT_POSTGRESQL", "")

pytestmark = [
    pytest.mark.skipif(
        not URL, reason="needs a server: AUTOPELT_POSTGRESQL=postgresql://user@host/database"
    ),
    # psycopg minds that the pool of a study keeps its connections as long as the study lives.
    pytest.mark.filterwarnings("ignore:.*psycopg:ResourceWarning"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Of a study that is not on the server yet."""
    pytest.importorskip("psycopg", reason="needs the extra postgresql")
    made = tmp_path / f"autopelt-test-{os.getpid()}"
    yield made
    optuna.delete_study(study_name=made.name, storage=URL)
    for engine in [found for found in gc.get_objects() if issubclass(type(found), Engine)]:
        engine.dispose()
    gc.collect()


def terminate_connections() -> int:
    """End every other connection to the database, as a server does that is restarted."""
    import psycopg

    with psycopg.connect(URL) as connection:
        rows = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND datname = current_database()"
        ).fetchall()
    return len(rows)


def test_search_resume_and_look_from_another_machine(
    tiny_bert: Path, folder: Path, tmp_path: Path
) -> None:
    small = {"storage": URL, "trials": 2, "epochs": 1, "train_examples": 16}
    search(plan(tiny_bert, **small), folder, Quiet())
    record = search(plan(tiny_bert, **small | {"trials": 3}), folder, Quiet())
    assert [t.state for t in record.trials] == ["complete"] * 3
    assert not (folder / "study.db").exists()

    elsewhere = tmp_path / "elsewhere" / folder.name
    elsewhere.mkdir(parents=True)
    shutil.copy(folder / "config.yaml", elsewhere)
    assert StudyStorage.open(elsewhere).record().trials == record.trials
    assert main(["status", str(elsewhere)]) == 0
    assert main(["report", str(elsewhere)]) == 0
    assert (elsewhere / "index.html").stat().st_size > 1_000_000


def test_a_connection_that_the_server_has_closed_is_opened_again(
    tiny_bert: Path, folder: Path
) -> None:
    made = plan(tiny_bert, storage=URL)
    study = StudyStorage.create(
        folder, made.config, made.facts, optuna.samplers.RandomSampler(seed=0)
    )
    architecture = made.seeds[0].architecture.to_json()
    number = study.add({"architecture": architecture, "trained": 0, "deployed": 0}, {}, {})
    assert terminate_connections() >= 1
    study.progressed(number, 0.5, 0.7)
    assert terminate_connections() >= 1
    study.complete(number, 0.5, 0)
    assert [t.score for t in StudyStorage.open(folder).record().trials] == [0.5]
