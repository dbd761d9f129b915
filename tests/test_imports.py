"""The import graph, lazy and type-only imports included: no circle, and none that dodges it."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "autopelt"

BY_NAME = {"__init__.py", "cli/main.py", "tasks/__init__.py"}
"""Files that import modules of ours by name: public names, commands, tasks, as they are asked."""


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = grimp.build_graph("autopelt", cache_dir=None)
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    TopologicalSorter(imports).prepare()  # raises CycleError, which names the circle


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: p.stem)
def test_modules_of_ours_are_imported_by_name_in_three_places_only(path: Path) -> None:
    if path.relative_to(PACKAGE).as_posix() in BY_NAME:
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            assert "autopelt" not in ast.unparse(node), f"line {node.lineno}"
