"""Architectures: which modules sit where, and how big.

architecture: the value; parse: YAML and JSON of it; layers: ranges as text; difference: two of
them in sentences; seeds: the hand-made ones; first_seeds: those that a study begins with; budget:
the bound on parameters; counter: their number.
"""
