"""What a person sees while a search runs: one line a finished trial, or a live table."""

import time
from typing import Any, Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.text import Text

from autopelt.cards.expectation import expectation, measured
from autopelt.cards.progress import LAST, grown, last_gain, steps
from autopelt.cards.wording import plural, share, told
from autopelt.study.answer import told_apart
from autopelt.study.record import COMPLETE, FAILED, STOPPED, StudyRecord, TrialRecord
from autopelt.system.folded import folded, shortened
from autopelt.system.printable import printable
from autopelt.system.units import format_score, format_seconds, format_share

NARROW = 80
"""Columns below which a trial's line has its share of the backbone alone, not its parameters."""

TRAINING = "training"
"""What happens where nothing else does."""


class View(Protocol):
    """Told by the driver what happens."""

    def message(self, text: str) -> None:
        """What the user must know, in one line."""

    def doing(self, number: int | None, text: str) -> None:
        """What happens now, in a trial before its first epoch has ended or in the search (None)."""

    def started(self, trial: TrialRecord, study: StudyRecord) -> None:
        """A trial was handed to a worker."""

    def progressed(self, number: int, result: dict[str, Any]) -> None:
        """An epoch of a trial ended."""

    def finished(self, trial: TrialRecord, study: StudyRecord) -> None:
        """A trial ended."""


class LineView:
    """One line a message and a finished trial; for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def message(self, text: str) -> None:
        """Print it."""
        self.console.print(printable(text), highlight=False, markup=False, soft_wrap=True)

    def doing(self, number: int | None, text: str) -> None:
        """Nothing: a line a trial, when it ends."""

    def started(self, trial: TrialRecord, study: StudyRecord) -> None:
        """Nothing: a line a trial, when it ends."""

    def progressed(self, number: int, result: dict[str, Any]) -> None:
        """Nothing: a line a trial, when it ends."""

    def finished(self, trial: TrialRecord, study: StudyRecord) -> None:
        """Print the trial's line."""
        self.message(trial_line(trial, study))


class LiveView:
    """A table that is redrawn twice a second, with the last finished trials above it."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.begun = time.monotonic()
        self.warm: float | None = None
        self.ended = 0
        self.now = "reading the model and the data"
        self.study: StudyRecord | None = None
        self.so_far: list[str] = []
        self.running: dict[int, tuple[TrialRecord, str]] = {}
        self.epochs: dict[int, int] = {}
        self.live = Live(console=console, refresh_per_second=2, get_renderable=self.draw)

    def __enter__(self) -> "LiveView":
        self.live.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.live.transient = self.study is None  # nothing is left of what never began
        self.live.stop()

    def message(self, text: str) -> None:
        """Print it above the table, where it stays."""
        lines = folded(printable(text), self.console.width)
        self.live.console.print(lines, highlight=False, markup=False, soft_wrap=True)

    def doing(self, number: int | None, text: str) -> None:
        """Show it beside the trial, or in the last line."""
        if number is None:
            self.now = text
        elif number in self.running:
            self.running[number] = (self.running[number][0], text)

    def started(self, trial: TrialRecord, study: StudyRecord) -> None:
        """Add it to the running trials."""
        if self.study is None:
            self.so_far = so_far(study)
        self.study = study
        self.running[trial.number] = (trial, "starting")
        self.now = TRAINING

    def progressed(self, number: int, result: dict[str, Any]) -> None:
        """Show its epoch and score."""
        if number in self.running and "epoch" in result:
            if self.warm is None:
                self.warm = time.monotonic()
            self.epochs[number] = result["epoch"]
            trial = self.running[number][0]
            score = format_score(result["score"])
            words = f"epoch {result['epoch']} of {self._planned()} · {score}"
            self.running[number] = (trial, words)

    def finished(self, trial: TrialRecord, study: StudyRecord) -> None:
        """Print its line above the table."""
        self.study = study
        self.so_far = so_far(study)
        self.ended += 1
        self.running.pop(trial.number, None)
        self.epochs.pop(trial.number, None)
        self.message(trial_line(trial, study, narrow=self.console.width < NARROW))

    def _planned(self) -> int:
        """Epochs of a trial."""
        return 1 if self.study is None else self.study.config.training.epochs

    def _left(self, trials: int) -> float | None:
        """Seconds for so many trials, by the epochs since the first, which pays for the start."""
        planned = self._planned()
        running = sum(self.epochs.values())
        trained = self.ended * planned + running
        if self.warm is None or trained <= planned or trials == 0:
            return None
        pace = (time.monotonic() - self.warm) / (trained - 1)
        return pace * max(0, trials * planned - running)

    def _remaining(self, trials: int) -> str:
        """How long so many trials will take, as far as that can be said honestly."""
        if trials <= 0:
            return ""
        left = self._left(trials)
        if left is not None:
            return f"{roughly(left)} left"
        return "" if self.ended else "time left: known when the first trial has ended"

    def draw(self, bar: bool = True) -> Group:
        """What happens now: a bar, where the study stands, the running trials."""
        study, spent = self.study, time.monotonic() - self.begun
        width = self.console.width
        if study is None:
            now = f"{self.now} · {format_seconds(spent)}"
            return Group(Text(shortened(printable(now), width), style="dim"))
        done = [t for t in study.trials if t.finished is not None]
        facts = [f"{len(done)} of {study.total} trials"]
        for state, word in ((FAILED, "failed"), (STOPPED, "stopped early")):
            count = sum(t.state == state for t in done)
            facts += [f"{count} {word}"] if count else []
        facts += [format_seconds(spent), self._remaining(study.total - len(done))]
        how_far = ProgressBar(total=study.total, completed=len(done), width=min(60, width))
        lines: list[Any] = [
            *([Padding(how_far, 0)] if bar else []),
            Text(folded(" · ".join(filter(None, facts)), width)),
            *(Text(folded(printable(words), width)) for words in self.so_far),
        ]
        for trial, words in self.running.values():
            line = f"  trial {trial.number} · {words} · {_name(trial, study)}"
            lines.append(Text(shortened(printable(line), width)))
        lines.append(Text(shortened(printable(self.now), width), style="dim"))
        return Group(*lines)


def roughly(seconds: float) -> str:
    """``less than a minute``, ``about 7 min``, ``about 40 min``, ``about 3.5 hours``."""
    minutes = seconds / 60
    if minutes < 1:
        return "less than a minute"
    if minutes < 100:
        step = 1 if minutes < 10 else 5
        return f"about {max(1, round(minutes / step)) * step} min"
    return f"about {round(minutes / 30) / 2:g} hours"


def so_far(study: StudyRecord) -> list[str]:
    """What the study has found by now, in sentences: the best, and what there is to choose from."""
    best, seed = study.best, study.best_seed
    if best is None:
        return []
    against = ""
    if seed is not None and seed is not best:
        against = f", against {expectation(study, seed)} of {seed.label}, made by hand"
    lines = [f"best so far: {told(best)}, {measured(study, best)}{against}"]
    apart, gained = told_apart(study), last_gain(steps(study))
    if len(apart) > 1:
        sizes = f"{share(apart[0].count.share)} to {share(apart[-1].count.share)}"
        lines.append(f"{len(apart)} architectures worth choosing between, {sizes} of the backbone")
    if gained is not None:
        better = f"gained {grown(gained)}" if gained >= 0.005 else "found next to nothing better"
        lines.append(f"the last {plural(LAST, 'proposal')} {better}")
    return lines


def _name(trial: TrialRecord, study: StudyRecord) -> str:
    """``lora-r8``, the words of its architecture, or ``trial 17 again, now expected 0.831 …``."""
    if trial.repeats is None:
        return trial.label or trial.architecture.describe()
    first = next((t for t in study.trials if t.number == trial.repeats), trial)
    now = f", now {expectation(study, trial)}" if trial.state == COMPLETE else ""
    return f"{first.name} again{now}"


def heading(metric: str, total: int, *, narrow: bool = False) -> str:
    """Over the lines of trials, what stands where."""
    width = len(str(max(0, total - 1)))
    size = "" if narrow else f"{'parameters':>10} "
    return f"{'#':>{width}}  {metric[:9]:>9} {size}{'share':>8} {'time':>10}  architecture"


def trial_line(trial: TrialRecord, study: StudyRecord, *, narrow: bool = False) -> str:
    """A finished trial as a line: number, score, parameters, share, time, name or words.

    A ``*`` marks what nothing smaller beats, by what is known then. `narrow` leaves the parameters
    out.
    """
    width = len(str(max(0, study.total - 1)))
    size = "" if narrow else f"{trial.count.deployed:>10,} "
    size += f"{format_share(trial.count.share):>8}"
    took = "" if trial.took is None else format_seconds(trial.took)
    name = _name(trial, study)
    over = study.over(trial)
    if over and (trial.label or over != "the budget"):
        name += f" ({'reference, ' if trial.label else ''}over {over})"
    mark, result = " ", "failed" if trial.state == FAILED else trial.state
    if trial.state == COMPLETE and trial.score is not None:
        mark = "*" if any(t.architecture == trial.architecture for t in study.front) else " "
        result = format_score(trial.score)
    why = trial.reason or trial.stopped_because
    name += f": {why}" if why else ""
    return f"{trial.number:>{width}}{mark} {result:>9} {size} {took:>10}  {name}"
