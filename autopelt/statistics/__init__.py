"""Statistics: paired differences with intervals, fronts and hypervolume.

paired, pareto.
"""
