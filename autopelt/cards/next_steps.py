"""Card: the exact commands that use or repeat the result."""

from __future__ import annotations

import shlex
from itertools import pairwise
from pathlib import PurePath

from autopelt.cards.card import Card, Command
from autopelt.cards.expectation import expectation
from autopelt.cards.wording import name
from autopelt.errors import as_typed
from autopelt.study.record import StudyRecord


def commands(record: StudyRecord) -> tuple[Command, ...]:
    """Confirm (once), train, export, and make the study again; without a result only the last."""
    folder = study_folder(record)
    train, export = to_train_and_export(record, folder)
    found: list[Command] = []
    if record.config.own_loop is not None:
        load, again = of_own_loop(record, folder)
        best = [Command("Load the best into a model like yours, in Python", load)]
        return (*(best if record.best is not None else ()), Command("Go on, in Python", again))
    if record.best is not None and not record.confirmed:
        found.append(
            Command(
                "Confirm it: fresh random seeds, and the report split", as_typed("confirm", folder)
            )
        )
    if record.best is not None:
        found += [
            Command(
                "Train the best confirmed architecture, and save it"
                if record.confirmed_best is not None
                else "Train the best architecture within the budget, and save it",
                as_typed("train", train),
            ),
            Command(
                "Export it as a folder that can be shipped",
                as_typed("export", export, to="autopelt", out=f"{folder}-export"),
            ),
            Command("Look at it as text", as_typed("show", folder)),
        ]
    if record.command:
        found.append(Command("Run the whole search again", record.command))
    return tuple(found)


def of_own_loop(record: StudyRecord, folder: str) -> tuple[str, str]:
    """In Python: what loads the best of a study that a function of the user's trained; a call that
    goes on with it, which only the program that made it has whole."""
    loop = record.config.own_loop
    return (
        f"autopelt.open_study({folder!r}).load('best', model=my_model)",
        f"autopelt.search(model=my_model, train={loop}, out={folder!r}, …)",
    )


def to_train_and_export(record: StudyRecord, folder: str) -> tuple[str, str]:
    """What `autopelt train` and then `autopelt export` are to be given, unquoted.

    Without a confirmation both take the study's best, whose weights are kept. What was confirmed
    has none before it is trained.
    """
    if record.confirmed_best is None:
        return folder, folder
    return f"{folder}:confirmed", f"{folder}/trained"


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
    best = record.confirmed_best or record.best
    if best is None:
        lead = "There is no architecture to train yet; this is the command that made the study."
    else:
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
