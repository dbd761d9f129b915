"""What a person sees while a search runs: one line a finished trial, or a live table."""

import time
from typing import Any, Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.text import Text

from autopelt.cards.expectation import expectation
from autopelt.statistics.pareto import hypervolume
from autopelt.study.record import COMPLETE, FAILED, STOPPED, StudyRecord, TrialRecord
from autopelt.system.printable import printable
from autopelt.system.units import format_score, format_seconds, format_share

LAST = 10
"""Proposals over which the live view tells the gain."""

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
        self.running: dict[int, tuple[TrialRecord, str]] = {}
        self.epochs: dict[int, int] = {}
        self.live = Live(console=console, refresh_per_second=2, get_renderable=self._draw)

    def __enter__(self) -> "LiveView":
        self.live.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.live.transient = self.study is None  # nothing is left of what never began
        self.live.stop()

    def message(self, text: str) -> None:
        """Print it above the table, where it stays."""
        self.live.console.print(printable(text), highlight=False, markup=False)

    def doing(self, number: int | None, text: str) -> None:
        """Show it beside the trial, or in the last line."""
        if number is None:
            self.now = text
        elif number in self.running:
            self.running[number] = (self.running[number][0], text)

    def started(self, trial: TrialRecord, study: StudyRecord) -> None:
        """Add it to the running trials."""
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
        self.ended += 1
        self.running.pop(trial.number, None)
        self.epochs.pop(trial.number, None)
        self.live.console.print(
            trial_line(trial, study),
            highlight=False,
            markup=False,
            overflow="ellipsis",
            no_wrap=True,
        )

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

    def _draw(self) -> Group:
        study, spent = self.study, time.monotonic() - self.begun
        if study is None:
            return Group(Text(f"{self.now} · {format_seconds(spent)}", style="dim"))
        done = [t for t in study.trials if t.finished is not None]
        left = self._left(study.total - len(done))
        facts = [f"{len(done)} of {study.total} trials"]
        for state, word in ((FAILED, "failed"), (STOPPED, "stopped early")):
            count = sum(t.state == state for t in done)
            facts += [f"{count} {word}"] if count else []
        facts += [format_seconds(spent)]
        facts += [] if left is None else [f"about {format_seconds(left)} left"]
        lines: list[Any] = [
            Padding(ProgressBar(total=study.total, completed=len(done), width=60), 0),
            Text(" · ".join(facts)),
        ]
        best, seed = study.best, study.best_seed
        if best is not None:
            gained = gain(study)
            words = "" if gained is None else f" (+{gained:.3f} by the last {LAST} proposals)"
            by_hand = "" if seed is None else f"{study.expected(seed):.3f} of {seed.label}, by hand"
            against = by_hand and f" against {by_hand}"
            lines.append(
                Text(
                    f"front {len(study.front)} · hypervolume {study.hypervolume():.3f}{words} · "
                    f"best within the budget {expectation(study, best)}{against}"
                )
            )
        for trial, words in self.running.values():
            name = _name(trial, study)
            lines.append(
                Text(
                    f"  trial {trial.number} · {words} · {name}", overflow="ellipsis", no_wrap=True
                )
            )
        lines.append(Text(self.now, style="dim", overflow="ellipsis", no_wrap=True))
        return Group(*lines)


def gain(study: StudyRecord, last: int = LAST) -> float | None:
    """What the last proposals added to the hypervolume; None where there are no more."""
    proposed = sorted(
        (t for t in study.trials if t.finished is not None and t.repeats is None and not t.label),
        key=lambda t: t.finished or 0.0,
    )
    if len(proposed) < last:
        return None
    late = {t.number for t in proposed[-last:]}
    known = [t for t in study.architectures if t.number not in late and study.feasible(t)]
    before = list(map(study.point, known))
    return max(0.0, study.hypervolume() - hypervolume(before, study.limit, study.floor))


def _name(trial: TrialRecord, study: StudyRecord) -> str:
    """``lora-r8``, the words of its architecture, or ``trial 17 again, now expected 0.831 …``."""
    if trial.repeats is None:
        return trial.label or trial.architecture.describe()
    first = next((t for t in study.trials if t.number == trial.repeats), trial)
    now = f", now {expectation(study, trial)}" if trial.state == COMPLETE else ""
    return f"{first.name} again{now}"


def trial_line(trial: TrialRecord, study: StudyRecord) -> str:
    """A finished trial as a line: number, score, share, seconds, name or words."""
    width = len(str(max(0, study.total - 1)))
    share = f"{trial.count.deployed:>9,} {format_share(trial.count.share):>7}"
    name = _name(trial, study)
    over = study.over(trial)
    if over and (trial.label or over != "the budget"):
        name += f" ({'reference, ' if trial.label else ''}over {over})"
    if trial.state == COMPLETE and trial.score is not None:
        mark = "*" if any(t.architecture == trial.architecture for t in study.front) else " "
        score = format_score(trial.score)
        return f"{trial.number:>{width}}{mark} {score} {share} {trial.took:6.1f} s  {name}"
    why = trial.reason or trial.stopped_because
    return f"{trial.number:>{width}}  {trial.state} {share}  {name}: {why}"
