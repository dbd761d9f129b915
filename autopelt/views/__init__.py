"""Views: what is shown while a study runs and when it ends.

terminal, notebook (the same in one), json_events, tensorboard; tables (made of columns),
conclusion: the last lines.
For programs: answers: what commands print, as schemas; schemas: parts of these; json_repeated:
values of confirmations and comparisons.
"""
