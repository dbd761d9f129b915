"""YAML of a bounded size and depth, without aliases."""

from typing import Any

import yaml

from autopelt.errors import UsageError

_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""LibYAML's, where PyYAML was built with it: ten times as fast."""

MAX_DEPTH = 50
"""Of YAML; the parser's time grows with the square of the depth."""


def load_yaml(text: str, what: str) -> Any:
    """Safe-load YAML of a bounded size; anchors are refused, so no alias can grow without bound.

    Raises:
        UsageError: not YAML, too large, or with aliases.
    """
    if len(text) > 1_000_000:
        raise UsageError(f"the {what} has {len(text):,} characters; at most 1,000,000 are read.")
    try:
        depth = 0
        for event in yaml.parse(text, _LOADER):
            if isinstance(event, yaml.AliasEvent):
                raise UsageError(f"the {what} uses YAML aliases (*name); write the values out.")
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                raise UsageError(f"the {what} nests deeper than {MAX_DEPTH} levels; flatten it.")
        return _LOADER(text).get_single_data()
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" at line {mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or str(error).split("\n", 1)[0]
        raise UsageError(f"the {what} is not valid YAML{line}: {problem}.") from None
