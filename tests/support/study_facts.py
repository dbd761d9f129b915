"""What `StudyStorage.create` is told of a small study's backbone and data, and one trial."""

from autopelt.architecture.architecture import Architecture
from autopelt.methods.module import Module
from autopelt.space.space import SearchSpace
from autopelt.study.config import StudyConfig
from autopelt.study.facts import StudyFacts

FACTS = StudyFacts.model_validate(
    {
        "command": "autopelt search --task demo",
        "metric": "accuracy",
        "limit": 500,
        "head": 34,
        "backbone": {
            "name": "tiny",
            "family": "bert",
            "parameters": 10_000,
            "layers": 2,
            "hidden": 16,
        },
        "task": {"name": "demo", "train": 600, "selection": 200},
        "versions": {"python": "3.11"},
    }
)

ARCHITECTURE = Architecture((Module("lora", "attention.query", 0, 2),))


def config(**changed: object) -> StudyConfig:
    space = SearchSpace.load("tiny").model_dump(mode="json")
    return StudyConfig.build({"task": "demo", "space": space, "trials": 8} | changed, "test")


def attributes(**changed: object) -> dict[str, object]:
    return {
        "architecture": ARCHITECTURE.to_json(),
        "trained": 70,
        "deployed": 64,
        "label": "lora-r2",
        "origin": "seed",
    } | changed
