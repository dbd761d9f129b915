"""A study: its configuration, its record, its storage.

config: every choice; places: where its files lie now; objectives; rungs: when trials are compared;
facts: what is known before the first trial; record: the study as values; storage: on disk, through
Optuna (database); stored, reading: to look at without it; ledger, confirmation: trainings again;
noise: what chance does; answer: what was found, against what is made by hand; importance; lookup:
STUDY:TRIAL and other names; meaning: what a word is in another place; there: whether there is a
study at all; table: rows of trials.
"""
