"""What a person sees while a search runs: words, not dictionaries, in lines that fit."""

import io
import os
import re
import subprocess
import sys
from dataclasses import replace

import pytest
from rich.console import Console
from small_record import AGAIN, STUDY, trial

from autopelt.views.terminal import LineView, LiveView, gain, trial_line


def shown(view_type: type, width: int = 100) -> tuple[Console, io.StringIO]:
    stream = io.StringIO()
    return Console(file=stream, width=width, force_terminal=view_type is LiveView), stream


def test_a_line_names_score_parameters_and_words() -> None:
    line = trial_line(STUDY.trials[1], STUDY)
    assert line == "1* 0.8000       200  0.200%    2.0 s  lora 2 (query) at 2,5-6"


def test_a_training_again_says_of_what_and_what_is_expected_now() -> None:
    line = trial_line(AGAIN.trials[5], AGAIN)
    assert line.startswith("5* 0.7700       200")
    assert line.endswith(
        "trial 1 again, now expected 0.765 from 3 trainings (observed 0.740 to 0.800)"
    )
    running = replace(AGAIN.trials[5], state="running", score=None)
    assert trial_line(running, AGAIN).endswith("trial 1 again: ")


def test_a_reference_point_says_that_it_is_over_the_budget() -> None:
    assert "unipelt (reference, over the budget)" in trial_line(STUDY.trials[2], STUDY)


def test_a_failure_says_why() -> None:
    line = trial_line(STUDY.trials[3], STUDY)
    assert "failed" in line
    assert line.endswith(": the loss became nan")


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
        view.doing(4, "computing the trunk of 2 layers")
        console.print(view._draw())
        view.progressed(4, {"epoch": 2, "score": 0.61})
        view.doing(None, "writing the report")
        console.print(view._draw())
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", stream.getvalue())
    assert "4 of 10 trials" in text
    assert "1 failed" in text
    assert "against 0.700 of lora-r8" in " ".join(text.split())
    assert "trial 4 · computing the trunk" in text
    assert "epoch 2 of 4 · 0.610" in text
    assert "writing the report" in text
    assert "the data has doubles" in text
    assert "{" not in text


def test_the_live_view_is_there_before_a_study_and_leaves_nothing_of_one_that_never_began() -> None:
    console, stream = shown(LiveView)
    with LiveView(console) as view:
        console.print(view._draw())
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


def test_the_gain_of_the_last_trials() -> None:
    """Twelve trials; the last ten raise the score of 100 parameters from 0.7 to 0.8."""
    scores = [0.5, 0.7, *[0.6] * 9, 0.8]
    sizes = [2, 1, *[3] * 9, 1]
    trials = tuple(
        replace(made, architecture=replace(made.architecture, learning_rate_multiplier=i + 1.0))
        for i, (size, score) in enumerate(zip(sizes, scores, strict=True))
        for made in [trial(i, size, score, finished=float(i))]
    )
    study = replace(STUDY, trials=trials, total=20)
    assert gain(study) == pytest.approx(0.1)  # one decade below the limit of 1000
    assert gain(replace(study, trials=trials[:9])) is None
    by_hand = (replace(trials[0], label="lora-r8"), *trials[1:])
    assert gain(replace(study, trials=by_hand)) == pytest.approx(0.1)


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
