"""What the words of the figures' legends mean, for the page to say below the figure."""

MEANINGS = {
    "Dominated": (
        "another architecture within the budget is as small and scores more, or as much with "
        "fewer parameters"
    ),
    "Seed architecture": (
        "made by hand, as a careful person would; trained before the search proposed anything"
    ),
    "Over the budget or a limit": "trained to compare with only; it cannot be the answer",
    "On the front": "nothing within the budget is both as small and as good",
    "On the front of all objectives": (
        "nothing within the budget and the limits is as good in all objectives at once"
    ),
    "Seed architecture on the front": (
        "made by hand, and nothing that was found is both as small and as good"
    ),
    "One training": (
        "the score that one training of the architecture reached on the selection split"
    ),
    "Confirmed with more random seeds, report split": (
        "trained again after the search and scored on examples that it never saw: mean and "
        "one standard deviation"
    ),
    "Found by the search": "proposed by the search from what it had learnt of the trials before",
    "Best by hand": "the best that was made by hand within this budget",
    "the best constant answer": (
        "the score of giving the same answer to every example: a model must be above it to "
        "have learnt anything"
    ),
    "on the front": (
        "trials whose architecture nothing within the budget is as small and as good as"
    ),
    "others": "all other trials",
    "the others": "all other trials within the budget",
    "best quarter by score": "the quarter of the trials within the budget that score highest",
    "complete": "trained to its last epoch",
    "stopped early": "stopped at a rung, as it scored less than other trials of its size had there",
    "failed": "ended with an error; the table of trials says which",
    "running": "not ended yet",
    "rung": "an epoch after which a trial is held against others of its size, and may be stopped",
    "random search": "a study with the same settings that proposes at random",
    "this study": "the study of this page",
}
