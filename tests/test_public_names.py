"""Every public name is the real one, whatever was imported before it."""

import subprocess
import sys

import pytest

import autopelt


@pytest.mark.parametrize("name", [n for n in autopelt.__all__ if n != "__version__"])
def test_a_public_name_is_there_and_documented(name: str) -> None:
    assert getattr(autopelt, name).__doc__


def test_search_is_the_function_with_its_own_signature_whatever_was_imported_before() -> None:
    program = (
        "import inspect, autopelt\n"
        "import autopelt.samplers, autopelt.cli.search, autopelt.workflows.search\n"
        "from autopelt.api.search import search\n"
        "assert autopelt.search is search\n"
        "assert 'task' in inspect.signature(autopelt.search).parameters\n"
        "assert autopelt.search.__doc__ == search.__doc__\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
