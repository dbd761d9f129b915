"""The system below: files, processes, text formats; knows nothing of what they are for.

addresses (of databases), clock (which nobody sets), environment (variables), files, held_folder
(goes with its process), keeper (ends what a killed process leaves), lock, memory, openmp (threads
that wait), signals, printable (text for a terminal), folded (as wide as it), notebook (a table in
one), json_text (for programs), json_lines, yaml, units, own_code (Python files of a user's own),
written (values that are written as text), validation_errors (pydantic's in our words).
"""
