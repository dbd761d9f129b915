"""What a user means by an architecture: a study's trial, a study's best, a file, a seed name.

One way of writing for every command: ``unipelt``, ``my.yaml``, ``reports/demo`` (its best),
``reports/demo:12`` (trial 12), ``reports/demo:knee``, ``reports/demo:smallest`` (of those as good
as the best), ``reports/demo:confirmed`` (the best given fresh random seeds),
``reports/demo:3fa9c012`` (by id), ``reports/demo:unipelt~`` (a seed of it).
"""

import os
from dataclasses import dataclass
from pathlib import Path

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.seeds import is_seed, seed_architecture, seed_names
from autopelt.errors import InfeasibleError, UsageError, command, parameter
from autopelt.methods.shapes import Shapes
from autopelt.statistics.pareto import knee
from autopelt.study.config import CONFIG
from autopelt.study.meaning import meaning, meant_study, studies_in
from autopelt.study.record import StudyRecord, TrialRecord

BEST, KNEE, SMALLEST, CONFIRMED = "best", "knee", "smallest", "confirmed"


@dataclass(frozen=True)
class Named:
    """An architecture, and what is known of it.

    Attributes:
        name: for a person.
        architecture: the architecture.
        study: the study it comes from, if it comes from one.
        trial: the trial of that study.
    """

    name: str
    architecture: Architecture
    study: StudyRecord | None = None
    trial: TrialRecord | None = None


def split_study(name: str) -> tuple[Path, str] | None:
    """``STUDY`` or ``STUDY:TRIAL`` -> (folder, trial or ""); None where it names no study."""
    for folder, which in ((name, ""), name.rpartition(":")[::2]):
        # `os` takes a name with ":12" behind it that is too long for one that is not there.
        if folder and os.path.isfile(os.path.join(folder, CONFIG)):
            return Path(folder), which
    return None


def choose_trial(record: StudyRecord, which: str) -> TrialRecord:
    """A trial by a word, its number, the id of its architecture, or the name of a seed.

    Args:
        record: the study.
        which: ``best`` (also ""): the highest expected score; ``knee``: the bend of the front;
            ``smallest``: the fewest parameters of those as good as the best, as the verdict says;
            ``confirmed``: of what was confirmed, the highest expected score.

    Raises:
        UsageError: there is no such trial.
        InfeasibleError: no trial within the budget is complete yet, or none is confirmed.
    """
    if which == CONFIRMED:
        confirmed = record.confirmed_best
        if confirmed is None:
            raise InfeasibleError(
                f"nothing of study '{record.name}' is confirmed yet; first: "
                f"{command('confirm', 'STUDY')}"
            )
        return confirmed
    if which in ("", BEST, KNEE, SMALLEST):
        best = record.best
        if best is None:
            raise InfeasibleError(
                f"study '{record.name}' has no complete trial within the budget, so it has no "
                f"{which or BEST} yet; name a trial by its number, or go on: "
                f"{command('resume', 'STUDY')}"
            )
        if which == SMALLEST:
            return _smallest(record)
        if which != KNEE:
            return best
        front = record.front
        return front[knee(list(map(record.point, front)))]
    for trial in record.trials:
        if str(trial.number) == which:
            return trial
    for trial in record.trials:
        if which in (trial.architecture.id, trial.label):
            return trial
    last = max((t.number for t in record.trials), default=-1)
    there = f"its trials are 0 to {last}" if last >= 0 else "it has no trials yet"
    raise UsageError(
        f"study '{record.name}' has no trial '{which}'; {there}. "
        f"Also allowed: {BEST}, {KNEE}, {SMALLEST}, {CONFIRMED}, the id of an architecture, the "
        "name of a seed."
    )


def _smallest(record: StudyRecord) -> TrialRecord:
    from autopelt.study.answer import answer

    known = answer(record)
    if known is None or not known.smallest:
        raise InfeasibleError(
            f"study '{record.name}' cannot tell what is as good as its best, since how exact its "
            f"scores are is not known; name a trial by its number, or search with "
            f"{parameter('margin')}."
        )
    return known.smallest[0].trial


def find_architecture(name: str, shapes: Shapes) -> Named:
    """What a user means by an architecture.

    Args:
        name: a study, ``STUDY:TRIAL``, a folder with architecture.yaml, a file, or the name of a
            seed architecture.
        shapes: of the backbone that a seed architecture is made for.

    Raises:
        UsageError: none of these.
        InfeasibleError: a study without any result.
    """
    study = split_study(name)
    if study is not None:
        from autopelt.study.reading import read_study

        record = read_study(study[0]).record()
        trial = choose_trial(record, study[1])
        words = f"{study[0]}:{trial.number}" + (f" ({trial.label})" if trial.label else "")
        return Named(words, trial.architecture, record, trial)
    path = Path(name)
    if path.is_dir():
        for candidate in (path / "architecture.yaml", path / "best" / "architecture.yaml"):
            if candidate.is_file():
                return Named(name, Architecture.from_file(candidate).on(shapes))
        if not name:
            raise UsageError(f"an architecture is missing; see {command('list', 'architectures')}")
        raise UsageError(
            f"'{name}' is neither a study nor a folder with architecture.yaml; "
            f"{meaning(name) or studies_in(path)}"
        )
    inside = path.name != "architecture.yaml" and meant_study(name)
    if not inside and (path.suffix in (".yaml", ".yml") or path.is_file()):
        return Named(name, Architecture.from_file(path).on(shapes))
    if is_seed(name):
        return Named(name, seed_architecture(name, shapes))
    if inside:
        which = f":{name.rpartition(':')[2]}" if ":" in name else ""
        raise UsageError(f"'{name}' is no architecture; did you mean {inside}{which}?")
    begun = any(seed.startswith(f"{name}-") for seed in seed_names())  # lora: lora-r8
    if not begun and (meant := meaning(name)):
        raise UsageError(f"'{name}' is no architecture: {meant}")
    if "/" in name or ":" in name:
        raise UsageError(
            f"'{name}' does not exist; give a study, STUDY:TRIAL, a file or a seed architecture."
        )
    return Named(name, seed_architecture(name, shapes))
