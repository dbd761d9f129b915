"""How the report writes numbers, architectures and states for a person."""

import math
from textwrap import wrap

from autopelt.architecture.budget import Count
from autopelt.methods import named
from autopelt.statistics.paired import Difference
from autopelt.study.objectives import limit_words
from autopelt.study.record import StudyRecord, TrialRecord
from autopelt.system.units import format_share

STATE_WORDS = {
    "complete": "complete",
    "failed": "failed",
    "running": "running",
    "stopped": "stopped early",
}


def score(value: float | None) -> str:
    """Three decimals for scores around 1, one for scores on a scale of 100."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def difference(value: float) -> str:
    """A signed difference of scores, with a real minus sign."""
    text = score(abs(value))
    if not text.strip("0."):
        return "±" + text
    return ("+" if value > 0 else "−") + text


def share(value: float) -> str:
    """A share as percent with three significant digits, without idle zeros: ``0.303%``, ``1%``."""
    text = format_share(float(f"{value:.3g}"))
    return text.removesuffix("%").rstrip("0").rstrip(".") + "%" if "." in text else text


def parameters(count: Count) -> str:
    """``1.07% (242,088)``."""
    return f"{share(count.share)} ({count.deployed:,})"


def plural(number: int, noun: str, many: str = "") -> str:
    """``1 trial``, ``3 trials``."""
    return f"{number:,} {noun if number == 1 else many or noun + 's'}"


def listed(words: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def around(mean: Difference | None) -> str:
    """``0.671 ± 0.020``."""
    if mean is None:
        return ""
    return score(mean.mean) + ("" if mean.half is None else f" ± {score(mean.half)}")


def gap_words(gap: Difference | None) -> str:
    """``−0.012 [−0.031, +0.007]``."""
    if gap is None:
        return ""
    if gap.low is None or gap.high is None:
        return difference(gap.mean)
    return f"{difference(gap.mean)} [{difference(gap.low)}, {difference(gap.high)}]"


def name(trial: TrialRecord) -> str:
    """``unipelt~`` for a seed architecture, ``trial 17`` for another."""
    return trial.name


def told(trial: TrialRecord, most: int = 60) -> str:
    """Its name, with a short description where it has no name: ``trial 17 (adapter 4 at 2-5)``."""
    words = trial.architecture.describe()
    return trial.name if trial.label or len(words) > most else f"{trial.name} ({words})"


def method(name: str) -> str:
    """A method as people say it."""
    return named(name).words


def wrapped(text: str, width: int = 46) -> str:
    """Break a line at its `` · `` and, within long parts, at spaces; lines joined by newlines."""
    parts = [
        wrap(part, width, break_long_words=False, break_on_hyphens=False)
        for part in text.split(" · ")
    ]
    return "\n".join(line for part in parts for line in part or [""])


def bounds(record: StudyRecord) -> str:
    """``the budget of 300 parameters and latency<1.2``: what an answer must be within."""
    limits = (limit_words(cost, most) for cost, most in record.config.objectives.limits)
    return " and ".join((f"the budget of {plural(record.limit, 'parameter')}", *limits))
