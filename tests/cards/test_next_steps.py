"""What to do next: one answer, fitting how a study stands, for terminal, status and report."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from made_up_studies import made_up
from small_record import STUDY, trial

from autopelt.architecture.architecture import Architecture
from autopelt.cards import front, verdict
from autopelt.cards.next_steps import afterwards, commands, next_step, ships_as
from autopelt.methods.module import Module
from autopelt.study.answer import answer
from autopelt.study.confirmation import FOUND, SEED, Confirmation
from autopelt.study.facts import TaskFacts
from autopelt.study.ledger import Training
from autopelt.study.record import StudyRecord
from autopelt.views.conclusion import what_next

ENDED = replace(STUDY, trials=STUDY.trials[:4], total=4)
HAND, FAILED = ENDED.trials[0], ENDED.trials[3]


def close(record: StudyRecord) -> StudyRecord:
    """The two best are within the noise of each other."""
    found = replace(record.trials[1], score=0.705)
    return replace(record, trials=(HAND, found))


def confirmed(record: StudyRecord, found: float) -> StudyRecord:
    """Its two best with three fresh random seeds, what is by hand at 0.7."""

    def again(role: str, number: int, score: float) -> Confirmation:
        rows = [Training(s, score + s / 1000, selection=score) for s in range(3)]
        return Confirmation(number, role, None, tuple(rows))

    return replace(record, confirmed=(again(SEED, 0, 0.7), again(FOUND, 1, found)))


SITUATIONS = {
    "running": (ENDED, True, "running; look", "autopelt status s"),
    "stopped": (STUDY, False, "Go on where it stopped", "autopelt resume s"),
    "nothing finished": (
        replace(ENDED, trials=(FAILED,), total=1), False, "Nothing within the budget",
        "autopelt resume s --trials 2",
    ),
    "nothing proposed": (
        replace(ENDED, trials=(HAND,), total=1), False, "search further",
        "autopelt resume s --trials 30",
    ),
    "nothing learned": (
        replace(ENDED, task=TaskFacts(selection=200, constant=0.79)), False, "train for longer",
        "autopelt search --config s/config.yaml --epochs 8 --out s-longer",
    ),
    "a gain": (ENDED, False, "whether the gain is real", "autopelt confirm s"),
    "within the noise": (
        replace(close(ENDED), total=2), False, "within the noise", "autopelt confirm s"
    ),
    "confirmed": (confirmed(ENDED, 0.8), False, "Train trial 1 ", "autopelt train s:confirmed"),
    "confirmed, not better": (confirmed(ENDED, 0.6), False, "Train lora-r8 ", "autopelt train s:"),
}  # fmt: skip


@pytest.mark.parametrize("case", SITUATIONS)
def test_the_next_step_fits_how_a_study_stands(case: str) -> None:
    record, running, words, line = SITUATIONS[case]
    step = next_step(record, "s", running=running)
    assert words in step.words
    assert step.line.startswith(line)
    assert what_next(record, Path("s"), running)[:2] == [
        f"Next:    {step.words}.",
        f"         {step.line}",
    ]
    if not running:  # a page does not know, and names the study's own folder
        assert commands(record)[0].line == re.sub(r" s(?=[/:-]| |$)", " reports/s", step.line)


def test_what_was_trained_is_to_be_exported() -> None:
    record = confirmed(ENDED, 0.8)
    step = next_step(record, "s", running=False, trained=True)
    assert step.line.startswith("autopelt export s/trained --to ")


def test_what_comes_after_it_trains_the_best_or_what_is_as_good() -> None:
    record = replace(close(ENDED), total=2)
    assert [c.line for c in afterwards(record, "s").values()] == [
        "autopelt train s",
        "autopelt export s --to autopelt --out s-export",
    ]
    large = replace(record, trials=(HAND, trial(1, 9, 0.705)))  # what is by hand is smaller
    assert answer(large).take is HAND
    assert [c.line for c in afterwards(large, "s").values()][:2] == [
        "autopelt train s",
        "autopelt train s:0",
    ]
    assert afterwards(replace(ENDED, trials=(FAILED,)), "s") == {}


def test_what_a_decoder_learned_goes_to_peft_where_peft_has_it() -> None:
    chat = replace(ENDED, task=TaskFacts(kind="chat"))
    assert ships_as(chat, HAND) == "peft"
    assert ships_as(ENDED, HAND) == "autopelt"
    prefix = replace(HAND, architecture=Architecture((Module("parallel_adapter", "ffn", 0, 4),)))
    assert ships_as(chat, prefix) == "autopelt"
    assert "--to peft" in afterwards(chat, "s")["Export"].line


@pytest.mark.parametrize("seeds", [range(k, k + 100) for k in range(0, 400, 100)], ids=str)
def test_verdict_and_front_name_the_same_one_to_take(seeds: range) -> None:
    one = r"(trial \d+|lora-r\d+)"
    for seed in seeds:
        record = made_up(seed)
        take = answer(record).take.name  # type: ignore[union-attr]
        said = front.lead(record)
        assert take in verdict.lead(record).replace("Trial", "trial"), seed
        claimed = re.findall(rf"one to take is {one}", said)
        claimed = claimed or re.findall(rf"dominates [^:]*: {one}|{one} with .* take that", said)
        assert not claimed or take in claimed[0], (seed, said)
        assert take in [t.name for t in record.front] or take in claimed, seed
