"""A method from outside the package."""

from __future__ import annotations

import re

from autopelt.errors import UsageError
from autopelt.methods import METHODS, Method
from autopelt.modules import PELTS
from autopelt.modules.pelt import Pelt

_FACTS = ("words", "short", "size_word", "colour", "drawn", "locations", "usual_location")
_own: set[str] = set()


def register_method(method: Method, module: type[Pelt]) -> None:
    """Make a method known by its name, as if it came with autopelt; until the process ends.

    Spaces, architectures and every command know it from then on. To have it in a study, put the
    call into a Python file and name the file: ``--own-methods FILE``, ``own_methods=FILE``.

    Args:
        method: its facts; see docs/adding-a-method.md.
        module: its torch module.

    Raises:
        UsageError: the name is another method's or is no name; a fact is missing.
    """
    name = getattr(method, "name", None)
    if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise UsageError(f"the name of a method is lower-case letters and _, not {name!r}.")
    if name in METHODS and name not in _own:
        raise UsageError(f"'{name}' is a method of autopelt; give yours another name.")
    needed = (*_FACTS, "options", "learning_rate")
    missing = [fact for fact in needed if not hasattr(method, fact)]
    if missing:
        raise UsageError(
            f"method '{name}' lacks {', '.join(missing)}; see docs/adding-a-method.md."
        )
    if not isinstance(method, Method):
        raise UsageError(f"method '{name}' is given as a class; give an object of it: Method().")
    if not (isinstance(module, type) and issubclass(module, Pelt)):
        raise UsageError(f"the module of method '{name}' is no subclass of autopelt's Pelt.")
    _own.add(name)
    METHODS[name], PELTS[name] = method, module
