"""Makes the site of docs/ and of what the repository has beside it; mkdocs.yml names this file.

The Markdown is written for a code host, where links lead to files of the repository. Here README.md
becomes the first page, a link to a page leads within the site, and a file that a page links to (a
report, a search space) is copied along. Of a link to a folder its words stay.
"""

import re
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "reports/README.md": "reports/index.md",
}
"""Pages that lie beside docs/, and their places in the site."""

HOMES = {place: path for path, place in PAGES.items()}
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)#:\s]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Pages from beside docs/, and the pages of real studies with what these need."""
    for path, place in PAGES.items():
        files.append(File.generated(config, place, content=(ROOT / path).read_text("utf-8")))
    for kept in sorted((ROOT / "reports").glob("*/index.html")):
        add(files, config, kept)
    add(files, config, ROOT / "reports" / "plotly.min.js")
    return files


def add(files: Files, config: MkDocsConfig, path: Path) -> None:
    """The file at its place in the repository."""
    place = path.relative_to(ROOT).as_posix()
    if files.get_file_from_path(place) is None:
        files.append(File.generated(config, place, abs_src_path=str(path)))


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links as the site has them."""
    here = page.file.src_uri
    folder = PurePosixPath(HOMES.get(here, f"docs/{here}")).parent

    def moved(link: re.Match[str]) -> str:
        image, words, target, anchor = link.groups()
        path = normpath(folder / target)
        if not (ROOT / path).exists():
            return link.group()  # mkdocs says that it is dead
        if (ROOT / path).is_dir():
            return words
        if path not in PAGES and not path.startswith("docs/"):
            add(files, config, ROOT / path)
        place = PAGES.get(path, path.removeprefix("docs/"))
        return f"{image}[{words}]({relpath(place, PurePosixPath(here).parent)}{anchor or ''})"

    return LINK.sub(moved, markdown)
