"""The report: one HTML file for a study that opens offline, and its trials as CSV.

Both are pure functions of a `StudyRecord` and can be made again while the search runs.
"""

from autopelt.report.page import build, write_trials_csv

__all__ = ["build", "write_trials_csv"]
