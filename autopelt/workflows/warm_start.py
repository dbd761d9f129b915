"""What a study takes from another one: its front, to evaluate early, and its scores, to learn from.

A study of the score alone has no use for small architectures of the front: it takes the best.

The other study may be of another task, budget or backbone. Its trials are read once, when the new
study begins, and kept in the new study's folder as ``warm_start.json``; from then on the other
folder is not needed, and what happens in it changes nothing.

On a backbone of another depth, an architecture keeps its shape: each layer takes what stands at the
same relative height.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.seeds import shrink
from autopelt.errors import AutopeltError, InfeasibleError, UsageError, command, parameter
from autopelt.samplers.history import Observation
from autopelt.samplers.posterior import expected_scores
from autopelt.space.bound import BoundSpace, NotInSpaceError
from autopelt.statistics.pareto import front
from autopelt.study.database import WARM_START
from autopelt.study.facts import WarmStartFacts
from autopelt.study.storage import StudyStorage
from autopelt.system.files import read_text

EARLY = 8
"""Most architectures of the other front that are evaluated, thinned evenly."""


@dataclass(frozen=True)
class WarmStart:
    """Another study, as a new one sees it.

    Attributes:
        text: what is kept in the new study's folder: JSON, the other study's own architectures.
        facts: what the new study keeps in its database.
        observations: its scored trials on this backbone.
        early: what is evaluated early, the most promising first: number there, architecture here.
    """

    text: str
    facts: WarmStartFacts
    observations: tuple[Observation, ...]
    early: tuple[tuple[int, Architecture], ...]

    def words(self, sampler: str) -> str:
        """One sentence for the user; only our own `sampler` learns from the scores."""
        learns = (
            f"its {self.facts.trials} scores inform the surrogate"
            if sampler == "pelt"
            else f"sampler {sampler} learns nothing from its scores"
        )
        left = self.facts.left_out
        return (
            f"warm start from {self.facts.study} (task {self.facts.task}): {learns}, "
            f"{len(self.early)} of its {self.facts.what} are evaluated early"
            + (f", {left} are left out: the space or the budget cannot say them" if left else "")
        )


def warm_start(
    source: str, space: BoundSpace, folder: Path | None, trials: int, *, small_too: bool = True
) -> WarmStart:
    """Read another study, or what this one has kept of it.

    Args:
        source: the other study's folder.
        space: of the new study.
        folder: of the new study, where it exists.
        trials: the most that may be evaluated early.
        small_too: the new study wants small architectures, too: the front is taken, else the best.

    Raises:
        UsageError: it is no study, it is this study, or of another space.
        UnavailableError: its database cannot be read.
        InfeasibleError: none of its trials is complete.
    """
    if folder is not None and folder.resolve() == Path(source).resolve():
        raise UsageError(
            f"{parameter('warm_start')} '{source}' is the study itself; name another one."
        )
    kept = None if folder is None else folder / WARM_START
    if kept is not None and kept.is_file():
        text = read_text(kept, f"'{kept}'")
    else:
        text = _text_of(source, space, trials, small_too)
    try:
        value = json.loads(text)
        observations = _on(space, value)
        known = {o.number: o for o in observations}
        early: dict[str, tuple[int, Architecture]] = {}
        for number in value["early"]:
            here = _here(known[number], space)
            if here is not None:
                early.setdefault(here.id, (number, here))
        left, what = int(value["left_out"]), str(value.get("what", "front"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"'{kept}' is damaged ({type(error).__name__}: {error}); put it back."
        ) from None
    facts = WarmStartFacts(
        **{key: value[key] for key in ("study", "task", "backbone")},
        trials=len(observations),
        early=len(early),
        what=what,
        left_out=left,
        hash=hashlib.sha256(text.encode()).hexdigest()[:16],
    )
    return WarmStart(text, facts, tuple(observations), tuple(early.values()))


def _text_of(source: str, space: BoundSpace, trials: int, small_too: bool) -> str:
    """The other study as it is kept: facts, scored trials, and which of them are evaluated."""
    if not Path(source).is_dir():
        raise UsageError(
            f"{parameter('warm_start')} '{source}' does not exist; give the folder of a study."
        )
    record = StudyStorage.open(Path(source)).record()
    complete = [t for t in record.complete if not t.architecture.full]
    if not complete:
        raise InfeasibleError(
            f"{parameter('warm_start')} '{source}' has no complete trial to learn from; "
            f"go on with it first: {command('resume', source)}"
        )
    value = {
        "study": record.name,
        "task": record.task.name,
        "backbone": record.backbone.name,
        "layers": record.backbone.layers,
        "trials": [[t.number, t.score, t.architecture.to_json()] for t in complete],
    }
    observations = _on(space, value)
    theirs = record.config.space.name
    searched = {t.number for t in complete if not t.label}
    sayable = [o for o in observations if _can_say(space, o.architecture)]
    if searched and not any(o.number in searched for o in sayable):
        raise UsageError(
            f"{parameter('warm_start')} '{source}' is of space '{theirs}': space "
            f"'{space.space.name}' can say none of the architectures that it proposed; give "
            f"{parameter('space')}, or another study."
        )
    value["what"] = "front" if small_too else "best"
    most = min(EARLY, trials)
    first = {t.number for t in record.architectures}
    choice = [o for o in observations if o.number in first]
    means = {t.number: record.expected(t) for t in record.architectures}
    if not record.beliefs:  # a study of before
        means = expected_scores(space, choice)
    value["early"], value["left_out"] = _early(choice, means, space, most, small_too)
    return json.dumps(value, indent=0)


def _early(
    observed: Sequence[Observation],
    means: dict[int, float],
    space: BoundSpace,
    most: int,
    small_too: bool,
) -> tuple[list[int], int]:
    """Numbers of what is evaluated early, and how many of the front or best cannot be said here.

    What is within the budget comes first; where that is little, what lies over it is shrunk.

    Args:
        observed: each architecture once.
        means: their expected scores by number.
        space: of the new study.
        most: numbers at most.
        small_too: the front is taken, else the best.
    """
    choose = front_of if small_too else best_of
    said = [o for o in observed if _here(o, space) is not None]
    chosen = choose([o for o in said if o.parameters <= space.limit], means, most)
    over = [o for o in said if o.parameters > space.limit]
    chosen += choose(over, means, most - len(chosen))
    whole = choose(observed, means, len(observed) if small_too else most)
    return chosen, len(set(whole) - {o.number for o in said})


def front_of(observed: Sequence[Observation], means: dict[int, float], most: int) -> list[int]:
    """Numbers of at most `most` trials of the front by expected score, the best first."""
    members = [observed[i] for i in front([(o.parameters, means[o.number]) for o in observed])]
    members = [o for o in members if o.architecture.modules]
    at = np.linspace(0, len(members) - 1, min(most, len(members))).round().astype(int)
    return [members[i].number for i in reversed(at.tolist())]


def best_of(observed: Sequence[Observation], means: dict[int, float], most: int) -> list[int]:
    """Numbers of at most `most` trials, the highest expected scores, the best first."""
    members = [o for o in observed if o.architecture.modules]
    return [o.number for o in sorted(members, key=lambda o: -means[o.number])[:most]]


def _on(space: BoundSpace, value: dict[str, Any]) -> list[Observation]:
    """Scored trials as observations on this backbone; without what it cannot carry."""
    made = []
    for number, score, text in value["trials"]:
        there = Architecture.from_json(text)
        here = at_depth(there, value["layers"], space.shapes.layers)
        try:
            parameters = space.counter.count(here).deployed
        except (AutopeltError, KeyError):
            continue
        made.append(Observation(int(number), here, parameters, None, float(score)))
    return made


def at_depth(architecture: Architecture, layers: int, wanted: int) -> Architecture:
    """The same on a backbone of `wanted` instead of `layers` layers; see the head of this file."""
    if layers == wanted:
        return architecture
    below = [m for m in architecture.modules if m.layer is None]
    made = [
        replace(m, layer=n)
        for n in range(wanted)
        for m in architecture.modules
        if m.layer == int((n + 0.5) * layers / wanted)
    ]
    return architecture.with_modules((*below, *made))


def _here(o: Observation, space: BoundSpace) -> Architecture | None:
    """The architecture, shrunk where it is over the budget; None where the space has none such."""
    made: Architecture | None = o.architecture
    if o.parameters > space.limit:
        sizes = {(row.method, at): row.sizes for row in space.space.modules for at in row.location}
        made = shrink(o.architecture, space.counter, space.limit, sizes)
    if made is None or not _can_say(space, made) or not space.feasible(space.encode(made)):
        return None
    return made


def _can_say(space: BoundSpace, architecture: Architecture) -> bool:
    try:
        space.encode(architecture)
    except NotInSpaceError:
        return False
    return True
