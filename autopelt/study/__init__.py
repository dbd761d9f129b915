"""A study: its configuration, its record, its storage.

config: every choice; objectives; rungs: when trials are compared; facts: what is known before the
first trial; record: the study as values; storage: on disk, through Optuna (database);
ledger, confirmation: trainings again; importance; lookup: STUDY:TRIAL and other names; table: rows
of trials.
"""
