"""What `import autopelt` offers beside the modules: searches and their results.

study: a study in its folder, opened without torch; plots: its figures; summary: what a notebook
shows of it; search: run one, or go on; running: what `search` and `Study.resume` share; train: one
architecture for keeps.
"""
