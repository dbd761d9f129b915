"""The files that a task's text names: where a study finds them when it was moved."""

import os
from collections.abc import Callable

import yaml

from autopelt.system.yaml import load_yaml

_FILES = tuple(
    f"{part}{aligned}" for part in ("train", "validation", "test") for aligned in ("", "_target")
)


def with_places(task: str, change: Callable[[str, str], str]) -> str:
    """A task's text with each absolute path changed; the name of a task is left as it is.

    Args:
        task: of a study's configuration.
        change: is given a key (``train``, ``score``, …) and a path; gives the path to write.
    """
    if "\n" not in task:
        return task
    values = load_yaml(task, "the task's text")
    changed = dict(values)
    for key in (*_FILES, "score"):
        written = values.get(key)
        if not isinstance(written, str) or not os.path.isabs(written):
            continue
        if key == "score":
            path, found, name = written.rpartition(":")
            changed[key] = change(key, path) + found + name
        else:
            changed[key] = change(key, written)
    if changed == values:
        return task
    return yaml.safe_dump(changed, sort_keys=False, width=1000)  # as `TaskFile.to_yaml` does
