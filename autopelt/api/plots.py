"""The figures of a study's report as methods; one for each card that draws."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import plotly.graph_objects as go


class Plots:
    """Figures of the report, as `plotly.graph_objects.Figure`: shown in a notebook, or written.

    ``plot_front``, ``plot_confirmed``, ``plot_map``, ``plot_progress``, ``plot_importance``,
    ``plot_choices``, ``plot_curves``, ``plot_surrogate`` and ``plot_time``. Each takes ``dark``,
    for a dark notebook, and raises InfeasibleError, with the reason, where the study has nothing
    yet that it could show. ``study.plot_front().write_html("front.html")`` writes a file.

    Attributes:
        folder: of the study.
    """

    folder: Path

    def plot(self, card: str, which: str = "", *, dark: bool = False) -> go.Figure:
        """A figure of any card of the report that has one.

        Args:
            card: ``front``, ``confirmed``, ``map``, ``progress``, ``importance``, ``choices``,
                ``curves``, ``surrogate`` or ``time``.
            which: of a card with several figures; "" for the first.

        Raises:
            UsageError: no such card or figure.
            InfeasibleError: the study has nothing yet that it could show.
        """
        from autopelt.report.figures import figure
        from autopelt.study.reading import read_study

        stored = read_study(self.folder)
        record = stored.record()
        if card == "importance":
            from autopelt.study.importance import with_importance

            record = with_importance(record, stored.config.random_seed)
        return figure(record, card, which, dark)

    def plot_front(self, which: str = "", *, dark: bool = False) -> go.Figure:
        """Expected score against parameters (% of the backbone, log), and the front."""
        return self.plot("front", which, dark=dark)

    def plot_confirmed(self, *, dark: bool = False) -> go.Figure:
        """Scores of what was trained again with fresh random seeds, with 95% intervals."""
        return self.plot("confirmed", dark=dark)

    def plot_map(self, which: str = "", *, dark: bool = False) -> go.Figure:
        """What sits in which layer, for each member of the front; ``usage``: share of them (%)."""
        return self.plot("map", which, dark=dark)

    def plot_progress(self, which: str = "trials", *, dark: bool = False) -> go.Figure:
        """How the front's hypervolume grew over ``trials``, or over ``time``."""
        return self.plot("progress", which, dark=dark)

    def plot_importance(self, by: str = "method", *, dark: bool = False) -> go.Figure:
        """What the score depends on, by ``method``, ``choice`` or ``layer``; takes seconds."""
        return self.plot("importance", by, dark=dark)

    def plot_choices(self, *, dark: bool = False) -> go.Figure:
        """Every trial as a line through its choices, the best quarter in colour."""
        return self.plot("choices", dark=dark)

    def plot_curves(self, which: str = "curves", *, dark: bool = False) -> go.Figure:
        """Selection score after each epoch; ``losses``: mean training loss."""
        return self.plot("curves", which, dark=dark)

    def plot_surrogate(self, *, dark: bool = False) -> go.Figure:
        """What the surrogate predicted against what was observed."""
        return self.plot("surrogate", dark=dark)

    def plot_time(self, which: str = "timeline", *, dark: bool = False) -> go.Figure:
        """Which trial each worker trained when; ``phases``: where the time went."""
        return self.plot("time", which, dark=dark)
