"""What each command prints with ``--json``, as JSON schemas.

A command that ends at once prints one object. One that goes on for a while prints a line for each
event; the last is ``done``, which is the result. Where a command ends with an error, that is its
only object, or its last line.
"""

from collections.abc import Mapping
from typing import Any

from autopelt.views.json_events import KINDS, MESSAGE, SCORED, VERDICT
from autopelt.views.schemas import (
    Schema,
    by_name,
    fields,
    flag,
    number,
    or_null,
    several,
    text,
    whole,
)

_SCORES = by_name(or_null(number("the score")), "scores by name")
_NEXT = or_null(text("the command, or what to do, that comes next; null for nothing special"))
_HOW = by_name({}, "how, as config.yaml has it")

ERROR: Mapping[str, Schema] = {
    "error": text("one line: the value, what is allowed, and the way out"),
    "exit": whole("the exit code: docs/commands.md"),
    "next": or_null(text("a command of the line that leads on; null where it has none")),
}
"""The last line of every command that fails; a bug has it too, with exit code 1."""

_ESTIMATE: Mapping[str, Schema] = {
    "mean": number("over random seeds"),
    "low": or_null(number("end of its 95% interval; null where that is not known")),
    "high": or_null(number("the other end")),
}
_MEAN = or_null(fields(_ESTIMATE, "score on the report split", title="mean"))
_AGAINST = or_null(fields(_ESTIMATE, "score minus that of the other one", title="mean"))


def _listed(what: str, **known: Schema) -> Schema:
    return fields({"name": text("as commands take it")} | known, title=what)


_LISTED: Mapping[str, Schema] = {
    "spaces": _listed("space", description=text("what may be built")),
    "tasks": _listed(
        "task",
        kind=text("classification, generation, and so on"),
        metric=text("name of the score"),
        sizes=text("published examples: train / selection / report; cut: taken from train"),
        here=or_null(text("where its data is: built in, folder, cache; null: not here")),
        title=text("what it is"),
    ),
    "architectures": _listed(
        "architecture",
        parameters=or_null(whole("deployed; null where the backbone has no place for it")),
        share=or_null(number("of the backbone's parameters: 0.01 is 1%")),
        words=text("what it is"),
    ),
    "models": _listed("model", words=text("what it is")),
}
_COUNTS: Mapping[str, Schema] = {
    "trained": whole("parameters that are trained"),
    "deployed": whole("parameters that are shipped"),
    "share": number("deployed, of the backbone's: 0.01 is 1%"),
}
_ONE_OF_TWO = fields(
    {
        "name": text("as it was found"),
        "id": text("of the architecture"),
        "deployed": whole("parameters that are shipped"),
    },
    title="compared architecture",
)

ANSWERS: Mapping[str, Mapping[str, Schema]] = {
    "list": {
        "what": text("is listed", *_LISTED),
        "items": several({"anyOf": [*_LISTED.values()]}, "what there is; its fields go by `what`"),
    },
    "doctor": {
        "ready": flag("a search can run here"),
        "findings": several(
            fields(
                {
                    "name": text("what was looked at"),
                    "words": text("how it is"),
                    "state": text("note: not everything will run", "ok", "note", "wrong"),
                    "advice": text("what to do, or empty"),
                }
            ),
            "in the order in which it was looked at",
        ),
    },
    "show": {
        "name": text("as it was found"),
        "id": text("of the architecture"),
        "words": text("the architecture for a person"),
        **_COUNTS,
        "backbone_parameters": whole("without a task head"),
        "head": or_null(whole("parameters of the task head, apart; null without one")),
        "trial": SCORED,
    },
    "validate": {
        "file": text("that was read"),
        "kind": text("of the file", "config", "space", "architecture", "task"),
        "valid": flag("there are no errors; else the exit code is 2"),
        "model": or_null(text("that it must fit; null: any")),
        "errors": several(text("a sentence"), "all errors"),
    },
    "status": {
        "study": text("its folder"),
        "state": text("of the study", "running", "finished", "stopped"),
        "process": or_null(whole("that works on it; null: none")),
        "trials": fields(
            {
                "complete": whole("that ended well"),
                "failed": whole("that failed"),
                "stopped": whole("that early stopping ended"),
                "running": whole("at work now"),
                "total": whole("that the study is to have"),
            },
            "numbers of trials",
        ),
        "interrupted": whole("trials that run again when the study goes on"),
        "seconds": number("of search, without pauses"),
        "metric": text("name of the score"),
        "front": whole("architectures on the Pareto front"),
        "choices": whole("of these that are likely better than any smaller one"),
        "hypervolume": number("of the front"),
        "best": SCORED,
        "best_seed": SCORED,
        **VERDICT,
        "next": _NEXT,
        "why": text("what it is for, in words"),
    },
    "diff": {
        "first": _ONE_OF_TWO | {"description": "from which"},
        "second": _ONE_OF_TWO | {"description": "to which"},
        "differences": several(text("a sentence"), "what differs; none: they are the same"),
        "cost": whole("deployed parameters of the second minus those of the first"),
        "gain": or_null(number("score of the second minus the first's; null: not known")),
    },
    "evaluate": {
        "metric": text("name of the score"),
        "report": _SCORES,
        "stored": by_name(or_null(number("the score")), "the same after the training"),
        "constant": or_null(
            by_name(or_null(number("the score")), "of the best constant answer, where known")
        ),
    },
    "export": {
        "to": text("the format"),
        "out": text("what was made"),
        "notes": several(text("a sentence"), "what to know of it"),
        "next": _NEXT,
    },
    "report": {"pages": several(text("a file"), "what was built")},
}
"""Command that ends at once -> the fields of its object."""

_TRAINED: Mapping[str, Schema] = {
    "folder": text("what was made"),
    "metric": text("name of the score that chose the epoch"),
    "report": _SCORES,
    "constant": or_null(
        by_name(or_null(number("the score")), "of the best constant answer, where there is one")
    ),
    "selection": by_name(or_null(number("the score")), "the same on the selection split"),
    "epoch": whole("that was kept, from 1"),
    "random_seed": whole("of the training"),
    "architecture": text("its id"),
    **_COUNTS,
    "labels": several(text("a class"), "in the order of the head's outputs"),
    "head": text("kind of task head"),
    "kind": text("of the task"),
    "setup": by_name({}, "model and data"),
    "training": _HOW,
    "weights": text("identity of the backbone's"),
    "folders": several(text("a folder"), "of the model when this was written"),
}
_CONFIRMED = fields(
    {
        "trial": whole("its number"),
        "name": text("for a person"),
        "role": text("found by the search, or a seed architecture", "found", "seed"),
        "random_seeds": whole("fresh ones with a score"),
        "report": _MEAN,
        "spread": or_null(number("standard deviation over random seeds")),
        "selection": or_null(number("mean score on the selection split")),
        "against": _AGAINST,
    },
    title="confirmed architecture",
)
_METHOD = fields(
    {
        "name": text("as it was given"),
        "id": text("of the architecture"),
        "role": text("who made it", "found", "hand", "full"),
        "budgets": several(text("a budget"), "at which it competes"),
        "deployed": whole("parameters that are shipped"),
        "share": number("of the backbone's: 0.01 is 1%"),
        "rate": or_null(number("factor on its learning rates that was chosen")),
        "random_seeds": whole("with a score"),
        "report": _MEAN,
        "selection": or_null(number("mean score on the selection split")),
        "spread": or_null(number("standard deviation over random seeds")),
        "against": _AGAINST,
        "seconds": or_null(number("to train to the chosen epoch")),
        "cost": by_name({}, "measured alone: seconds, bytes, joules"),
        "reason": text("why it has no score, or empty"),
    },
    title="compared method",
)

_PRICE: Mapping[str, Schema] = {
    "log10_size": number("decimal logarithm of the number of architectures in the space"),
    "feasible_share": number("of them within the budget"),
    "parameters": by_name(whole("deployed"), "of proposals, by quantile: 0, 0.25, 0.5, 0.75, 1"),
    "load_seconds": number("that a worker takes to load model and data, once"),
    "step_seconds": number("of a training step"),
    "score_seconds": number("to score the selection split once"),
    "trial_seconds": number("of a trial"),
    "study_seconds": number("of all trials, workers at a time"),
    "disk_bytes": whole("that the study's folder takes at most"),
    "memory": or_null(by_name({}, "bytes of the workers, by what they are for")),
}

_OF_A_COMMAND: Mapping[str, Mapping[str, Mapping[str, Schema]]] = {
    "search": {"price": _PRICE, **KINDS},
    "train": {
        "started": {
            "name": text("what is trained"),
            "id": text("of the architecture"),
            "words": text("the architecture for a person"),
            "metric": text("name of the score"),
            "epochs": whole("that it is to have"),
            "folder": text("to be made"),
        },
        "epoch": {
            "epoch": whole("that ended, from 1"),
            "score": or_null(number("on the selection split; null: not finite")),
            "loss": or_null(number("mean of the epoch; null: not finite")),
            "best": flag("the best so far"),
        },
        "done": _TRAINED,
    },
    "confirm": {
        "message": MESSAGE,
        "done": {
            "study": text("its folder"),
            "metric": text("name of the score"),
            "confirmed": several(_CONFIRMED, "the best first; against: the best by hand"),
            **VERDICT,
            "report": text("the page"),
            "next": _NEXT,
        },
    },
    "compare": {
        "message": MESSAGE,
        "done": {
            "folder": text("what was made"),
            "metric": text("name of the score"),
            "methods": several(
                _METHOD, "those first that the selection split prefers; against: the first"
            ),
            "notes": several(text("a sentence"), "what to know of it"),
            "files": several(text("a file"), "page and tables"),
        },
    },
    "predict": {
        "prediction": {"row": by_name({}, "a row of the file with what was predicted")},
        "done": {
            "examples": whole("that were predicted"),
            "out": or_null(text("file that was written; null: the predictions came as events")),
            "notes": several(text("a sentence"), "what to know of it"),
        },
    },
    "pretrain": {
        "message": MESSAGE,
        "done": {
            "folder": text("what was made"),
            "objective": text("of the language model", "masked", "causal"),
            "texts": whole("that were given"),
            "blocks": whole("that were made of them"),
            "tokens": whole("in all blocks"),
            "losses": several(
                by_name(or_null(number("mean loss of a token")), "epoch, train, held_out"),
                "before the first epoch, and after each: epoch, train, held_out",
            ),
            "next": _NEXT,
        },
    },
    "reproduce": {
        "started": {
            "study": text("its folder"),
            "trial": whole("its number"),
            "random_seed": whole("of the training"),
            "words": text("the architecture for a person"),
        },
        "epoch": {
            "epoch": whole("that ended, from 1"),
            "score": or_null(number("on the selection split")),
            "stored_score": or_null(number("the study's")),
            "loss": or_null(number("mean of the epoch")),
            "stored_loss": or_null(number("the study's")),
            "same": flag("to the bit"),
        },
        "done": {"epochs": whole("that came out again, to the bit")},
    },
}
EVENTS: Mapping[str, Mapping[str, Mapping[str, Schema]]] = {**_OF_A_COMMAND, "resume": KINDS}
"""Command that goes on for a while -> kind of event -> its fields."""
COMMANDS = tuple(sorted({*ANSWERS, *EVENTS}))
"""Commands with ``--json``."""


def schema_of(command: str) -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of every line that a command prints with ``--json``."""
    lines = [fields(ANSWERS[command])] if command in ANSWERS else []
    kinds = {**EVENTS.get(command, {}), "error": ERROR}
    lines += [fields(_of_all(kind) | dict(known)) for kind, known in kinds.items()]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"A line of autopelt {command} for programs",
        "anyOf": lines,
    }


def _of_all(kind: str) -> dict[str, Schema]:
    """What every event has."""
    return {"event": {"const": kind}, "time": number("seconds since 1970")}
