"""What may be built: a search space, alone and on a backbone under a budget.

space: the YAML; rates: the learning rates in it; variants: scale and start of a row; tables:
choices and their prices; bound: points,
architectures, budget; points: sampling, neighbours, enumeration; blocks: moves of ranges of
layers; fitting: without what a backbone lacks; simple: what can be told in a few words; nearest:
the point most like an architecture.
"""
