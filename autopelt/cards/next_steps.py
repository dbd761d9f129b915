"""Card: the exact commands that use or repeat the result; what to do next, wherever that is said.

The search's last lines, `autopelt status` and the report ask `next_step`.
"""

from __future__ import annotations

import math
import shlex
from itertools import pairwise
from pathlib import PurePath

from autopelt.cards.card import Card, Command
from autopelt.cards.expectation import expectation
from autopelt.cards.health import above_a_constant
from autopelt.cards.wording import name
from autopelt.errors import as_typed
from autopelt.methods import METHODS
from autopelt.statistics.paired import LIKELY
from autopelt.study.answer import Answer, answer
from autopelt.study.config import CONFIG
from autopelt.study.record import RUNNING, StudyRecord, TrialRecord

ENOUGH = 30
"""Trials that a study is offered at least where it has proposed nothing yet."""


def next_step(
    record: StudyRecord, folder: str, *, running: bool | None = None, trained: bool = False
) -> Command:
    """What to do next with a study, and why.

    Args:
        folder: as the user wrote it.
        running: whether a process works on it; None where that is not known, as on a page.
        trained: whether ``STUDY/trained`` is there.
    """
    found = answer(record)
    ended = sum(t.state != RUNNING for t in record.trials) >= record.total
    if running:
        return Command("The search is running; look again later", as_typed("status", folder))
    if record.config.own_loop is not None:
        load, again = _of_own_loop(record, folder)
        return load if ended and found is not None else again
    if not ended:
        here = "" if running is False else ", once the search is not running any more"
        return Command(f"Go on where it stopped{here}", as_typed("resume", folder))
    if found is None:
        return Command(
            "Nothing within the budget finished: see why in the table of trials, then go on",
            as_typed("resume", folder, trials=2 * record.total),
        )
    if not record.confirmed:
        learned = above_a_constant(record)
        if learned is not None and learned.level == "warning":
            epochs, longer = 2 * record.config.training.epochs, f"{folder}-longer"
            return Command(
                "Perhaps nothing was learned: train for longer, in a study of its own",
                as_typed("search", config=f"{folder}/{CONFIG}", epochs=epochs, out=longer),
            )
        if found.found is None:
            return Command(
                "All trials went to what is made by hand: search further",
                as_typed("resume", folder, trials=max(ENOUGH, 2 * record.total)),
            )
        return Command(
            f"{_doubt(found)}, with fresh random seeds and unseen examples",
            as_typed("confirm", folder),
        )
    if trained:
        to = ships_as(record, found.take)
        return Command(
            f"Export what was trained, {folder}/trained",
            as_typed("export", f"{folder}/trained", to=to, out=f"{folder}-export"),
        )
    return Command(
        f"Train {name(found.take)} and keep it; fresh random seeds have spoken",
        as_typed("train", to_train(record, folder, found.take)),
    )


def _doubt(found: Answer) -> str:
    """What is not known yet, without a confirmation."""
    chance = math.nan if found.gain is None else found.gain.chance()
    if chance >= LIKELY:
        return "Find out whether the gain is real"
    if chance <= 1 - LIKELY:
        return "Find out whether nothing beats what is made by hand"
    return "Find out what is left of differences within the noise"


def afterwards(record: StudyRecord, folder: str) -> dict[str, Command]:
    """Training the best, or the smaller one to take, and exporting it; nothing without a result."""
    found = answer(record)
    if found is None or record.config.own_loop is not None:
        return {}
    best, to = to_train(record, folder, found.best), ships_as(record, found.best)
    made = {
        "Train": Command(
            f"Train the best, {name(found.best)}, and save it", as_typed("train", best)
        )
    }
    if found.take is not found.best:
        made["or"] = Command(
            f"Train {name(found.take)} instead, the one to take",
            as_typed("train", to_train(record, folder, found.take)),
        )
    weights = folder if best == folder else f"{folder}/trained"
    loads = "peft and what builds on it load" if to == "peft" else "can be shipped"
    made["Export"] = Command(
        f"Export it as a folder that {loads}",
        as_typed("export", weights, to=to, out=f"{folder}-export"),
    )
    return made


def ships_as(record: StudyRecord, trial: TrialRecord) -> str:
    """The format to export to: peft for a model that writes, where peft has its modules."""
    modules = trial.architecture.modules
    held = modules and all(
        m.method in METHODS and METHODS[m.method].not_in_peft(m) is None for m in modules
    )
    if not held:
        return "autopelt"
    from autopelt.tasks.kinds import KINDS  # a tenth of a second, which `status` may not need

    kind = KINDS.get(record.task.kind)
    return "peft" if kind is not None and kind.writes else "autopelt"


def commands(record: StudyRecord) -> tuple[Command, ...]:
    """What is next, what comes after it, and the study again."""
    folder = study_folder(record)
    if record.config.own_loop is not None:
        load, again = _of_own_loop(record, folder)
        return (again,) if record.best is None else (load, again)
    found = [next_step(record, folder)] if record.trials else []
    first = [c.line for c in found]
    found += [c for c in afterwards(record, folder).values() if c.line not in first]
    if record.best is not None:
        found.append(Command("Look at it as text", as_typed("show", folder)))
    if record.command:
        found.append(Command("Run the whole search again", record.command))
    return tuple(found)


def _of_own_loop(record: StudyRecord, folder: str) -> tuple[Command, Command]:
    """In Python: what loads the best of a study that a function of the user's trained; a call that
    goes on with it, which only the program that made it has whole."""
    load = f"autopelt.open_study({folder!r}).load('best', model=my_model)"
    again = f"autopelt.search(model=my_model, train={record.config.own_loop}, out={folder!r}, …)"
    return (
        Command("Load the best into a model like yours, in Python", load),
        Command("Go on, in Python", again),
    )


def to_train(record: StudyRecord, folder: str, trial: TrialRecord) -> str:
    """What `autopelt train` is to be given for a trial, unquoted.

    The study itself where that is its best, whose weights are kept and need no training to export.
    """
    if record.confirmed_best is trial:
        return f"{folder}:confirmed"
    return folder if trial is record.best else f"{folder}:{trial.number}"


def study_folder(record: StudyRecord) -> str:
    """The study's folder as the user named it, else where studies land."""
    try:
        words = shlex.split(record.command)
    except ValueError:
        words = []
    named = [after for word, after in pairwise(words) if word == "--out"]
    named += [word.removeprefix("--out=") for word in words if word.startswith("--out=")]
    if named and PurePath(named[-1]).name == record.name:
        return named[-1].rstrip("/")
    return f"reports/{record.name}"


def card(record: StudyRecord) -> Card:
    """Commands to copy."""
    found = answer(record)
    if found is None:
        lead = "There is no architecture to train yet; this is the command that made the study."
    else:
        best = found.best
        lead = (
            f"These commands take the best architecture out of the study: {name(best)}, "
            f"{expectation(record, best)}, with {best.count.deployed:,} parameters."
        )
    return Card(
        lead,
        commands=commands(record),
        note="Run them where the search was run. The study's resolved configuration is config.yaml "
        "next to this page.",
    )
