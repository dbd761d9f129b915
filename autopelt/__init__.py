"""autopelt: which parameter-efficient modules should sit where in a transformer, and how big."""

__version__ = "0.1.0"
