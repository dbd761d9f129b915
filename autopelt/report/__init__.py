"""The report: one HTML file for a study that opens offline, and its trials as CSV.

page: one study; overlay, overlay_cards, overlay_page: several; comparison, comparison_budgets,
comparison_csv: methods; figures: each figure on its own; plotly_js, plotly_part: packed into each
page, or shared by several; the part of it that is used.

Both are pure functions of a `StudyRecord` and can be made again while the search runs. Several
studies can be laid over each other in one page.
"""

from autopelt.report.overlay_page import build_overlay
from autopelt.report.page import build, write_trials_csv
from autopelt.report.plotly_js import share

__all__ = ["build", "build_overlay", "share", "write_trials_csv"]
