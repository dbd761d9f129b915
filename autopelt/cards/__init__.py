"""Cards of the report: each makes its numbers, then its figure and its table.

The cards: verdict, front, confirmation, health, architecture_map, progress, importance,
parallel_coordinates, learning_curves, calibration (of the surrogate), timeline, trials_table,
protocol, next_steps. What they share: card (facts, figures, tables), cells, figure (one template),
look (colours, symbols), meanings (of a legend's words), wording, trained_again (before a
confirmation), by_group (scores of groups of examples), expectation (what several trainings of one
architecture say), shown (what a page of a long study draws), clock, pairs, collapsed,
comparison_rows, means, at_budgets, rate_ends.
"""
