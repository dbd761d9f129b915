"""The built-in task: sentence pairs from a small grammar, for a first run without any data."""

from __future__ import annotations

from autopelt.data.source import DataFacts, Parts, Source
from autopelt.tasks.classification import Classification
from autopelt.tasks.demo_grammar import LABELS, Split, generate

TRAIN, SELECTION, REPORT = 600, 400, 400
"""Examples that are generated."""

RANDOM_SEED = 20_260
"""Of the grammar: the demo has the same examples everywhere and in every study."""


class Generated:
    """Examples from the grammar."""

    def find(self, source: Source) -> Parts:
        """Generate a part when it is read."""
        from datasets import Dataset

        def read(split: Split, first: int, last: int) -> Dataset:
            whole = TRAIN + SELECTION if split == "train" else REPORT
            pairs = generate(split, whole, RANDOM_SEED)[first:last]
            return Dataset.from_dict(
                {
                    "text": [pair.first for pair in pairs],
                    "text_pair": [pair.second for pair in pairs],
                    "label": [LABELS[pair.label] for pair in pairs],
                }
            )

        return Parts(
            {
                "train": lambda: read("train", 0, TRAIN),
                "selection": lambda: read("train", TRAIN, TRAIN + SELECTION),
                "report": lambda: read("report", 0, REPORT),
            },
            DataFacts("generated", "generated from the built-in grammar"),
        )


def demo() -> Classification:
    """What do two sentences have in common? About 15 tokens a pair."""
    title = "What do two sentences have in common? Generated, offline"
    task = Classification("demo", title, Generated(), pair=True, labels=LABELS, max_length=64)
    # One epoch in small batches at high rates, for a search that ends in minutes on a laptop: a few
    # parameters in the middle learn nearly all; with more steps those at the top would as well.
    task.usual_trials, task.usual_epochs, task.usual_batch, task.usual_factor = 36, 1, 8, 32.0
    task.usual_dropout = False
    return task
