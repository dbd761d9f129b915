"""The JSON schema of an architecture file, for editors."""

from typing import Any

from autopelt.methods.module import GATES, MAX_SIZE

_LAYERS = {
    "anyOf": [
        {"type": "integer", "minimum": 0},
        {"type": "string", "pattern": r"^\s*\d+\s*(-\s*\d+\s*)?(,\s*\d+\s*(-\s*\d+\s*)?)*$"},
        {"type": "array", "items": {"anyOf": [{"type": "integer"}, {"type": "string"}]}},
    ],
    "description": "A layer or layers, counted from 0: 3, 0-2,5, or [0, 5].",
}

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Architecture",
    "description": "Which modules sit where, and how big.",
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string", "description": "Checked if it is there; delete it after edits."},
        "full": {"type": "boolean", "description": "Train the whole backbone as well."},
        "prompt": {"type": "integer", "minimum": 0, "maximum": MAX_SIZE},
        "learning_rate_multiplier": {"type": "number", "exclusiveMinimum": 0},
        "modules": {
            "type": ["array", "null"],
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["method", "location", "size"],
                "properties": {
                    "layer": _LAYERS,
                    "layers": _LAYERS,
                    "method": {"type": "string", "minLength": 1},
                    "location": {"type": "string", "minLength": 1},
                    "size": {"type": "integer", "minimum": 0, "maximum": MAX_SIZE},
                    "gate": {"anyOf": [{"type": "boolean"}, {"enum": list(GATES)}]},
                    "alpha": {"type": ["number", "null"], "exclusiveMinimum": 0},
                    "mlp": {"type": ["integer", "null"], "minimum": 1},
                },
            },
        },
    },
}
"""JSON schema, draft 2020-12."""
