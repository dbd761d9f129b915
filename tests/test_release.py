"""What is shipped: the wheel and the source archive have everything, and the wheel works alone."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from packaging.metadata import Metadata

import autopelt

ROOT = Path(__file__).resolve().parents[1]
CACHES = {"__pycache__", ".hypothesis", ".pytest_cache"}


def build(folder: Path, out: Path, *targets: str) -> None:
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-d", out, *targets], cwd=folder,
                   check=True, capture_output=True)  # fmt: skip


def names_below(folder: Path) -> set[str]:
    """Files of a folder of the repository, but for what running leaves there."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and not CACHES & set(path.parts)
    }


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source archive, built of this checkout without a network."""
    folder = tmp_path_factory.mktemp("shipped")
    build(ROOT, folder)
    return folder


@pytest.fixture(scope="module")
def wheel(shipped: Path) -> Path:
    return next(shipped.glob("*.whl"))


@pytest.fixture(scope="module")
def unpacked(shipped: Path) -> Path:
    """The source archive's one folder."""
    with tarfile.open(next(shipped.glob("*.tar.gz"))) as archive:
        archive.extractall(shipped, filter="data")
    return next(path for path in shipped.iterdir() if path.is_dir())


def test_the_wheel_has_every_file_of_the_package_and_the_spaces(wheel: Path) -> None:
    has = {n for n in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in n}
    spaces = {f"autopelt/_{name}" for name in names_below(ROOT / "search_spaces")}
    assert has == names_below(ROOT / "autopelt") | spaces
    assert {"autopelt/py.typed", "autopelt/report/page.css", "autopelt/report/page.js"} <= has


def test_the_source_archive_has_tests_and_pages_and_makes_the_same_wheel(
    wheel: Path, unpacked: Path, tmp_path: Path
) -> None:
    wanted = set().union(*(names_below(ROOT / n) for n in ("autopelt", "docs", "tests", ".ci")))
    assert not {name for name in wanted if not (unpacked / name).is_file()}
    build(unpacked, tmp_path, "-t", "wheel")
    ours, theirs = zipfile.ZipFile(wheel), zipfile.ZipFile(tmp_path / wheel.name)
    assert ours.namelist() == theirs.namelist()
    assert all(ours.read(name) == theirs.read(name) for name in ours.namelist())


def test_what_the_index_is_told_is_valid(wheel: Path, unpacked: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
    metadata = Metadata.from_email(archive.read(name), validate=True)
    assert metadata.license_expression == "Apache-2.0"
    assert metadata.description_content_type == "text/markdown"
    assert str(metadata.version) == autopelt.__version__
    for target in re.findall(r"\]\(([^)#:]+)", metadata.description or ""):
        assert (unpacked / target).exists(), target


def test_the_changelog_begins_with_this_version_and_has_the_usual_sections() -> None:
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.findall(r"^## (\S+),", changes, re.MULTILINE)[0] == autopelt.__version__
    sections = re.findall(r"^### (.+)$", changes, re.MULTILINE)
    assert set(sections) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment's folder of programs: the wheel, and what it needs from this one."""
    folder = tmp_path_factory.mktemp("installed") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    options = ["--no-deps", "--no-index", "--no-compile"]
    subprocess.run([*pip, "--python", python, "install", *options, wheel], check=True)
    needed = "\n".join(path for path in sys.path if path.endswith("site-packages"))
    site = next(folder.glob("lib/*/site-packages"))
    (site / "needed.pth").write_text(needed + "\n", encoding="utf-8")
    return folder / "bin"


def test_the_wheel_works_without_the_source(installed: Path, tmp_path: Path) -> None:
    shutil.copy(ROOT / "search_spaces/tiny.yaml", tmp_path / "mine.yaml")
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}

    def run(program: str, *words: str) -> str:
        done = subprocess.run([installed / program, *words], cwd=tmp_path, env=environment,
                              check=False, capture_output=True, text=True)  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert run("autopelt", "--version").split()[-1] == autopelt.__version__
    home = run("python", "-c", "import autopelt; print(autopelt.__file__)")
    assert Path(home.strip()).is_relative_to(installed.parent)
    assert "modern" in run("autopelt", "list", "spaces")
    run("autopelt", "validate", "mine.yaml")
    assert "prefix" in run("autopelt", "show", "unipelt")


@pytest.mark.skipif("AUTOPELT_WHEEL" not in os.environ, reason="here the source is tested")
def test_ci_tests_the_wheel() -> None:
    assert not Path(autopelt.__file__).is_relative_to(ROOT)
