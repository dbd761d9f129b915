"""The command line: one file a command, with its options, its help and its body.

search (and resume), status, report, show, diff, train, evaluate, predict, export, confirm,
compare, pretrain, reproduce, validate, doctor, list; main: the program; options: click's options
from the table of `autopelt.workflows.options`; console: what is printed how; misread:
what click could not read.
"""
