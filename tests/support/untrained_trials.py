"""Trials of a study that nothing was trained for."""

from typing import Any

from autopelt.architecture.architecture import Architecture


def add_trial(study: Any, plan: Any, number: int, label: str, architecture: Architecture) -> int:
    """Start a trial, a seed architecture where it has a label; its deployed parameters."""
    count = plan.counter.count(architecture)
    attributes = {
        "trained": count.trained,
        "deployed": count.deployed,
        "origin": "seed" if label else "model",
        "label": label,
        "architecture": architecture.to_json(),
        "random_seed": number,
    }
    study.add(attributes, {}, {})
    return count.deployed
