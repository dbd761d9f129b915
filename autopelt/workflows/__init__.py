"""Workflows: what a command does, whoever asked.

options: each described once; settings: from choices to a configuration; plan, rate_sweep: to what
runs; tried_backbone: what works on it; entries: what is evaluated first; reading: what was
understood of the data; memory: what a worker takes; search (progress, beliefs, best: its best/
folder), own_search: of a user's own model and training; confirm, compare (compared: what is; swept:
their rates; finalists), jobs: trainings beyond a search; warm_start, compatibility; train, predict,
reproduce, pretrain, price, status, validate, doctor.
"""
