"""Views: what is shown while a study runs and when it ends.

terminal, json_events, tensorboard; tables (made of columns), conclusion: the last lines.
"""
