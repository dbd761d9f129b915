"""What a person sees while a search runs: words, not dictionaries, in lines that fit."""

import io
import json
import os
import re
import subprocess
import sys
from dataclasses import replace

import pytest
from rich.console import Console
from small_record import AGAIN, STUDY, trial

from autopelt.cards.timeline import timeline
from autopelt.cards.trials_table import rows
from autopelt.study.table import trials_table
from autopelt.views.json_events import EventView
from autopelt.views.terminal import LineView, LiveView, heading, roughly, so_far, trial_line


def shown(view_type: type, width: int = 100) -> tuple[Console, io.StringIO]:
    stream = io.StringIO()
    return Console(file=stream, width=width, force_terminal=view_type is LiveView), stream


def test_a_line_names_score_parameters_and_words() -> None:
    line = trial_line(STUDY.trials[1], STUDY)
    assert line == "1*    0.8000        200   0.200%      1.0 s  lora 2 (query) at 2,5-6"
    assert heading("accuracy", 10) == ("#   accuracy parameters    share       time  architecture")
    short = trial_line(STUDY.trials[1], STUDY, narrow=True)
    assert short == "1*    0.8000   0.200%      1.0 s  lora 2 (query) at 2,5-6"
    assert heading("accuracy", 10, narrow=True).index("arch") == short.index("lora")


def test_the_time_of_a_trial_is_the_same_wherever_it_is_told() -> None:
    """12.5 s from its start to its end, of which the worker told 2 s by phase."""
    slow = replace(STUDY.trials[1], finished=12.5)
    study = replace(STUDY, trials=(slow,))
    assert "12.5 s  lora" in trial_line(slow, study)
    assert "12.5 s" in [cell.text for cell in rows(study)[0].cells]
    assert trials_table(study)[0]["seconds"] == 12.5
    assert next(iter(timeline(study).bars)).end == 12.5
    stream = io.StringIO()
    EventView(stream).finished(slow, study)
    assert json.loads(stream.getvalue())["seconds"] == 12.5


def test_a_training_again_says_of_what_and_what_is_expected_now() -> None:
    line = trial_line(AGAIN.trials[5], AGAIN)
    assert line.startswith("5*    0.7700        200")
    assert line.endswith(
        "trial 1 again, now expected 0.765 from 3 trainings (observed 0.740 to 0.800)"
    )
    running = replace(AGAIN.trials[5], state="running", score=None)
    assert trial_line(running, AGAIN).endswith("trial 1 again")


def test_a_reference_point_says_that_it_is_over_the_budget() -> None:
    assert "unipelt (reference, over the budget)" in trial_line(STUDY.trials[2], STUDY)


def test_a_failure_says_why() -> None:
    line = trial_line(STUDY.trials[3], STUDY)
    assert "failed" in line
    assert line.endswith(": the loss became nan")


@pytest.mark.parametrize("view_type", [LineView, LiveView])
def test_what_a_trial_says_neither_steers_the_terminal_nor_is_markup(view_type: type) -> None:
    console, stream = shown(view_type, 200)
    bad = "\x1b]0;mine\x07 [red]no[/] \x9b31m"
    failed = replace(STUDY.trials[3], label=bad, reason=bad)
    view = view_type(console)
    view.finished(failed, STUDY)
    view.started(replace(STUDY.trials[4], label=bad), STUDY)
    view.doing(4, bad)
    view.doing(None, bad)
    if view_type is LiveView:
        console.print(view.draw())
    text = re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue())  # rich's own colours
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\x9b" not in text
    assert "[red]no[/]" in text


def test_the_line_view_prints_one_line_a_trial() -> None:
    console, stream = shown(LineView)
    view = LineView(console)
    view.started(STUDY.trials[4], STUDY)
    view.progressed(4, {"epoch": 1, "score": 0.5})
    for each in STUDY.trials[:4]:
        view.finished(each, STUDY)
    assert len(stream.getvalue().splitlines()) == 4


@pytest.mark.parametrize("width", [40, 80, 160])
def test_the_live_view_fits_and_names_what_runs(width: int) -> None:
    console, stream = shown(LiveView, width)
    with LiveView(console) as view:
        view.started(STUDY.trials[4], STUDY)
        view.message("the data has doubles")
        view.doing(4, "computing 2 frozen layers")
        console.print(view.draw())
        view.progressed(4, {"epoch": 2, "score": 0.61})
        view.doing(None, "writing the report")
        console.print(view.draw())
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", stream.getvalue())
    assert "4 of 10 trials" in text
    assert "1 failed" in text
    assert "against 0.700 of lora-r8" in " ".join(text.split())
    assert "trial 4 · computing 2" in text
    assert "epoch 2 of 4 · 0.610" in text
    assert "writing the report" in text
    assert "the data has doubles" in text
    assert "{" not in text


def test_the_live_view_is_there_before_a_study_and_leaves_nothing_of_one_that_never_began() -> None:
    console, stream = shown(LiveView)
    with LiveView(console) as view:
        console.print(view.draw())
        assert "reading the model and the data · " in stream.getvalue()
    assert stream.getvalue().endswith("\x1b[1A\x1b[2K")  # up a line, which is erased


def test_the_time_left_follows_the_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    """An epoch in two seconds; what passed before the first is not counted again."""
    clock = [0.0]
    monkeypatch.setattr("autopelt.views.terminal.time.monotonic", lambda: clock[0])
    view = LiveView(shown(LiveView)[0])
    view.started(STUDY.trials[4], STUDY)
    clock[0] = 60.0
    for epoch in (1, 2, 3, 4):
        view.progressed(4, {"epoch": epoch, "score": 0.6})
        assert view._left(6) is None
        clock[0] += 2.0
    view.finished(STUDY.trials[1], STUDY)  # four epochs more
    clock[0] = 60.0 + 2.0 * 7
    assert view._left(6) == pytest.approx(2.0 * (6 * 4 - 4))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (3, "less than a minute"),
        (89, "about 1 min"),
        (1990, "about 35 min"),
        (8000, "about 2 hours"),
        (12700, "about 3.5 hours"),
    ],
)
def test_the_time_left_is_said_as_roughly_as_it_is_known(seconds: float, words: str) -> None:
    assert roughly(seconds) == words


def test_before_the_first_trial_has_ended_no_number_is_told() -> None:
    view = LiveView(shown(LiveView)[0])
    view.started(STUDY.trials[4], STUDY)
    view.progressed(4, {"epoch": 1, "score": 0.6})
    assert view._remaining(6) == "time left: known when the first trial has ended"
    view.finished(STUDY.trials[1], STUDY)
    assert view._remaining(6).endswith(" left")
    assert view._remaining(0) == ""


def test_what_was_found_so_far_is_said_without_terms() -> None:
    assert so_far(STUDY) == [
        "best so far: trial 1 (lora 2 (query) at 2,5-6), accuracy 0.8000, against 0.700 of "
        "lora-r8, made by hand"
    ]
    assert so_far(replace(STUDY, trials=STUDY.trials[3:])) == []


def test_the_gain_of_the_last_proposals_is_told() -> None:
    """Twelve trials; the last ten raise the score of 100 parameters from 0.7 to 0.8."""
    scores = [0.5, 0.7, *[0.6] * 9, 0.8]
    sizes = [2, 1, *[3] * 9, 1]
    trials = tuple(
        replace(made, architecture=replace(made.architecture, learning_rate_multiplier=i + 1.0))
        for i, (size, score) in enumerate(zip(sizes, scores, strict=True))
        for made in [trial(i, size, score, finished=float(i))]
    )
    study = replace(STUDY, trials=trials, total=20)
    assert so_far(study)[-1] == "the last 10 proposals gained 50.0%"
    same = (*trials[:11], replace(trials[11], score=0.65))
    assert so_far(replace(study, trials=same))[-1].endswith("found next to nothing better")


@pytest.mark.parametrize("wanted", [True, False])
def test_no_colour_where_none_is_wanted(wanted: bool) -> None:
    """In a process of its own: rich keeps the codes of a style that it has drawn once."""
    code = (
        "from rich.console import Console; from small_record import STUDY as study;"
        "from autopelt.views.terminal import LiveView;"
        "console = Console(force_terminal=True, color_system='256', width=100)\n"
        "with LiveView(console) as view: view.started(study.trials[4], study)"
    )
    environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
    environment |= {"TERM": "xterm-256color"} | ({} if wanted else {"NO_COLOR": "1"})
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    ).stdout
    assert "4 of 10 trials" in output
    assert bool(re.search(r"\x1b\[38;5;[0-9]+m", output)) is wanted
