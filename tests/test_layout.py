"""The folders show the design: docs/architecture.md draws them, each names its modules."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = sorted(p.parent for p in (ROOT / "autopelt").glob("*/__init__.py"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda p: p.name)
def test_a_folder_names_its_modules(folder: Path) -> None:
    docstring = ast.get_docstring(ast.parse((folder / "__init__.py").read_text("utf-8"))) or ""
    words = re.findall(r"\w+", docstring)
    for module in folder.glob("*.py"):
        if module.stem != "__init__":
            assert module.stem in words, f"{folder.name}/__init__.py does not name it"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda p: p.name)
def test_the_page_draws_every_folder(folder: Path) -> None:
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    tree = page.split("```text")[1].split("```")[0]
    assert f"{folder.name}/" in tree


@pytest.mark.parametrize("path", sorted((ROOT / "autopelt").rglob("*.py")), ids=lambda p: p.stem)
def test_no_file_is_long(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= 400
