"""A study on disk: what is told is read back, no other folder is touched, there is one owner."""

import math
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import optuna
import pytest
from study_facts import ARCHITECTURE, FACTS, attributes, config

from autopelt.errors import UnavailableError, UsageError
from autopelt.study import database, stored
from autopelt.study.config import CONFIG, StudyConfig
from autopelt.study.database import explained
from autopelt.study.record import Belief
from autopelt.study.storage import StudyStorage
from autopelt.system.lock import locked


def create(folder: Path) -> StudyStorage:
    return StudyStorage.create(folder, config(), FACTS, optuna.samplers.RandomSampler(seed=0))


def test_told_is_read_back_after_opening_again(tmp_path: Path) -> None:
    study = create(tmp_path / "s")
    number = study.add(attributes(), {}, {})
    study.progressed(number, 0.5, 0.7)
    study.progressed(number, 0.6, 0.4)
    study.complete(number, 0.6, 64)
    failed = study.add(attributes(label=""), {}, {})
    study.fail(failed, "the loss became nan")
    record = StudyStorage.open(tmp_path / "s").record()
    done, broken = record.trials
    assert (done.state, done.score, done.scores, done.losses) == (
        "complete",
        0.6,
        (0.5, 0.6),
        (0.7, 0.4),
    )
    assert done.architecture == ARCHITECTURE
    assert (done.count.trained, done.count.deployed, done.count.backbone) == (70, 64, 10_000)
    assert (broken.state, broken.reason, broken.score) == ("failed", "the loss became nan", None)
    assert record.limit == 500
    assert record.best is not None
    assert record.best.number == number


def test_it_is_an_ordinary_optuna_study(tmp_path: Path) -> None:
    study = create(tmp_path / "s")
    study.complete(study.add(attributes(), {}, {}), 0.6, 64)
    plain = optuna.load_study(study_name=None, storage=f"sqlite:///{tmp_path / 's' / 'study.db'}")
    assert plain.metric_names == ["score", "params"]
    assert [t.values for t in plain.best_trials] == [[0.6, 64.0]]


def test_running_trials_are_known_after_a_crash(tmp_path: Path) -> None:
    number = create(tmp_path / "s").add(attributes(), {}, {})
    again = StudyStorage.open(tmp_path / "s")
    assert [t.number for t in again.running()] == [number]
    again.complete(number, 0.5, 64)
    assert again.running() == []


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"thesis\.txt"):
        create(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def filled(folder: Path) -> StudyStorage:
    study = create(folder)
    for _ in range(4):
        study.complete(study.add(attributes(words="word " * 1500), {}, {}), 0.6, 64)
    return study


def foreign(path: Path) -> None:
    """A sound database of somebody else's."""
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE addresses (street TEXT)")
        connection.commit()


def edited(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "UPDATE trial_user_attributes SET value_json = '\"{oops\"' WHERE key = 'architecture'"
        )
        connection.commit()


DAMAGE = {
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_bytes(b"not a database"),
    "zeros": lambda path: path.write_bytes(b"SQLite format 3\0" + b"\0" * 500),
    "half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "page": lambda path: path.write_bytes(
        path.read_bytes()[:8192] + b"\xff" * 4096 + path.read_bytes()[12288:]
    ),
    "foreign": foreign,
    "edited": edited,
    "deleted": lambda path: path.unlink(),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_database_is_one_line_and_stays_as_it_is(tmp_path: Path, damage: str) -> None:
    filled(tmp_path / "s")
    database = tmp_path / "s" / "study.db"
    DAMAGE[damage](database)
    content = database.read_bytes() if database.exists() else b""
    with pytest.raises(UnavailableError, match=r"study\.db") as error:
        StudyStorage.open(tmp_path / "s").record()
    assert "\n" not in str(error.value)
    assert (error.value.next or "").startswith("autopelt search --config ")
    assert (database.read_bytes() if database.exists() else b"") == content


def test_a_deleted_configuration_comes_back_from_the_database(tmp_path: Path) -> None:
    create(tmp_path / "s")
    before = (tmp_path / "s" / "config.yaml").read_text()
    (tmp_path / "s" / "config.yaml").unlink()
    assert StudyStorage.open(tmp_path / "s").config == config()
    assert (tmp_path / "s" / "config.yaml").read_text() == before


@pytest.mark.parametrize("text", ["", "task: [demo", "task: demo\ntrials: 0\n", "\0"])
def test_a_damaged_configuration_is_one_line_with_the_way_out(tmp_path: Path, text: str) -> None:
    create(tmp_path / "s")
    path = tmp_path / "s" / "config.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"config\.yaml.*delete it: study\.db has a copy") as error:
        StudyStorage.open(tmp_path / "s")
    assert "\n" not in str(error.value)
    assert path.read_text() == text


def test_an_edited_configuration_is_told_from_the_one_it_began_with(tmp_path: Path) -> None:
    create(tmp_path / "s")
    path = tmp_path / "s" / "config.yaml"
    path.write_text(path.read_text().replace("budget: 1%", "budget: 2%"))
    study = StudyStorage.open(tmp_path / "s")
    assert study.begun_with().differences(study.config) == ['budget: "1%", not "2%"']


def test_what_is_no_study_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        StudyStorage.open(tmp_path / "none")
    with pytest.raises(UsageError, match="not a study"):
        StudyStorage.open(tmp_path)


def test_a_second_owner_is_refused_with_the_firsts_process(tmp_path: Path) -> None:
    create(tmp_path / "s")
    code = (
        "import sys, time; from pathlib import Path; from autopelt.system.lock import locked\n"
        "with locked(Path(sys.argv[1])):\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "s")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline().strip() == "held"
        with pytest.raises(UsageError, match=f"process {child.pid} on "), locked(tmp_path / "s"):
            pass
        child.kill()
        child.wait()
        with locked(tmp_path / "s") as said:  # the lock of a process that died is nobody's
            assert f"process {child.pid} on " in said
            assert "was killed" in said
        with locked(tmp_path / "s") as said:
            assert said == ""
    finally:
        child.kill()
        child.communicate()


def test_numbers_that_are_not_finite_survive_as_failures(tmp_path: Path) -> None:
    study = create(tmp_path / "s")
    number = study.add(attributes(), {}, {})
    study.progressed(number, math.nan, math.inf)
    study.fail(number, "the accuracy is nan after epoch 1")
    assert StudyStorage.open(tmp_path / "s").record().trials[0].state == "failed"


@pytest.mark.parametrize("left", [b"", None])
def test_a_folder_whose_making_was_killed_is_made_again(tmp_path: Path, left: bytes | None) -> None:
    """Before config.yaml is there no trial can be lost: a new search takes the folder."""
    create(tmp_path / "s")
    (tmp_path / "s" / "config.yaml").unlink()
    (tmp_path / "s" / ".config.yaml.x1").write_text("half")
    if left is not None:
        (tmp_path / "s" / "study.db").write_bytes(left)
    create(tmp_path / "s")
    assert sorted(p.name for p in (tmp_path / "s").iterdir()) == ["config.yaml", "study.db"]


def test_a_database_with_trials_is_never_taken_for_a_leftover(tmp_path: Path) -> None:
    create(tmp_path / "s").add(attributes(), {}, {})
    (tmp_path / "s" / "config.yaml").unlink()
    before = (tmp_path / "s" / "study.db").read_bytes()
    with pytest.raises(UsageError, match=r"study\.db"):
        create(tmp_path / "s")
    assert (tmp_path / "s" / "study.db").read_bytes() == before


def test_a_failed_trial_brings_the_last_line_of_its_log(tmp_path: Path) -> None:
    study = create(tmp_path / "s")
    for number in range(2):
        study.add(attributes(label=""), {}, {})
        log = tmp_path / "s" / "trials" / str(number) / "log.txt"
        log.parent.mkdir(parents=True)
        log.write_text("one\nCUDA out of memory\n")
    study.fail(0, "it failed")
    study.complete(1, 0.5, 64)
    assert [t.log for t in study.record().trials] == ["CUDA out of memory", ""]


def test_two_studies_share_a_database(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/all.db"
    sampler = optuna.samplers.RandomSampler(seed=0)
    for name in ("a", "b"):
        made = StudyStorage.create(tmp_path / name, config(storage=url), FACTS, sampler)
        made.complete(made.add(attributes(label=name), {}, {}), 0.6, 64)
        assert not (tmp_path / name / "study.db").exists()
    assert {s.study_name for s in optuna.get_all_study_summaries(url)} == {"a", "b"}
    for name in ("a", "b"):
        assert [t.label for t in StudyStorage.open(tmp_path / name).record().trials] == [name]
    (tmp_path / "other").mkdir()
    with pytest.raises(UsageError, match="has a study 'a' already"):
        StudyStorage.create(tmp_path / "other" / "a", config(storage=url), FACTS, sampler)
    (tmp_path / "a").rename(tmp_path / "moved")
    with pytest.raises(UnavailableError, match="keeps the name"):
        StudyStorage.open(tmp_path / "moved")


HOSTILE_NAMES = [
    "?mode=memory&uri=true",
    "[b]{c}*{SCHEMA_VERSION}",
    "a%41#b\\c ",
    "line\nfeed\x07\x1b[2J",
    ":memory:",
    "鍵\u202egnp👩‍👧" + "x" * 200,
    "".join(map(chr, range(32, 127))).replace("/", ""),
]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_study_is_found_again_whatever_its_folder_is_called(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    made = StudyStorage.create(folder, config(), FACTS, optuna.samplers.RandomSampler(seed=0))
    assert (folder / "study.db").is_file()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert StudyConfig.load(folder / CONFIG) == made.config
    assert StudyStorage.open(folder).record().trials == ()


def test_a_storage_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    sampler = optuna.samplers.RandomSampler(seed=0)
    for url, words in (
        ("sqlite:////nowhere/at/all.db", "unable to open"),
        ("nosuchbase://here/x", "nosuchbase"),
    ):
        with pytest.raises(UnavailableError, match=words):
            StudyStorage.create(tmp_path / "s", config(storage=url), FACTS, sampler)


def test_a_database_that_another_holds_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (database, stored):
        monkeypatch.setattr(module, "WAIT", 0)
    study = create(tmp_path / "s")
    hold = (
        "import sqlite3, sys; held = sqlite3.connect(sys.argv[1]); held.execute('BEGIN EXCLUSIVE');"
        "print(1, flush=True); input()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", hold, str(tmp_path / "s" / "study.db")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert other.stdout is not None
    other.stdout.readline()
    try:
        with pytest.raises(UnavailableError) as caught, explained(study.folder):
            study.add(attributes(), {}, {})
        with pytest.raises(UnavailableError) as opening:
            StudyStorage.open(study.folder)
    finally:
        other.communicate(b"\n")
    held = f"(process {other.pid}) held study.db: end that, then"
    assert f"{held}: " in str(caught.value)
    assert f"{held} run the same command again." in str(opening.value)
    assert "restore" not in str(opening.value)
    assert caught.value.next == f"autopelt resume {study.folder}"


def test_a_password_is_not_kept() -> None:
    with pytest.raises(UsageError, match="PGPASSWORD") as caught:
        config(storage="postgresql://me:secret@host/studies")
    assert "secret" not in str(caught.value)
    assert config(storage="postgresql://me@host/studies").storage is not None
    with pytest.raises(UsageError, match="PGPASSWORD") as caught:
        config(storage="postgresql://host/studies?user=me&password=hush")
    assert "hush" not in str(caught.value)
    with pytest.raises(UsageError, match="must be a URL"):
        config(storage="studies.db")


def test_beliefs_are_read_back_and_replaced(tmp_path: Path) -> None:
    study = create(tmp_path / "s")
    first = study.add(attributes(), {}, {})
    study.complete(first, 0.6, 64)
    study.complete(study.add(attributes(repeats=first), {}, {}), 0.5, 64)
    assert study.record().beliefs == {}
    study.believe({"gone": Belief(0.1, 0.2, 0.3, 4)})
    study.believe(
        {ARCHITECTURE.id: Belief(0.55, 0.02, 0.9, 2), "few": Belief(0.4, math.nan, math.nan, 1)}
    )
    record = StudyStorage.open(tmp_path / "s").record()
    assert record.beliefs[ARCHITECTURE.id] == Belief(0.55, 0.02, 0.9, 2)
    few = record.beliefs["few"]
    assert (few.mean, few.trainings) == (0.4, 1)
    assert math.isnan(few.sd)
    assert math.isnan(few.learns)
    assert set(record.beliefs) == {ARCHITECTURE.id, "few"}
    assert [t.repeats for t in record.trials] == [None, first]


@pytest.mark.parametrize("kept", ["", "null", "[1]", '{"a": 1}', '{"a": [null, 0, 0, 1]}', 3])
def test_damaged_beliefs_are_none(tmp_path: Path, kept: object) -> None:
    study = create(tmp_path / "s")
    study.optuna.set_user_attr("autopelt_beliefs", kept)
    assert StudyStorage.open(tmp_path / "s").record().beliefs == {}
