"""What a small study knows of its backbone and data, as `Study.create` takes it."""

FACTS = {
    "command": "autopelt search --task demo",
    "metric": "accuracy",
    "limit": 500,
    "head": 34,
    "backbone": {"name": "tiny", "family": "bert", "parameters": 10_000, "layers": 2, "hidden": 16},
    "task": {"name": "demo", "train": 600, "selection": 200},
    "versions": {},
}
