"""The site of docs/ builds without a warning, shows what the Markdown says, fits a screen."""

import re
from collections import Counter
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

pytest.importorskip("material", reason="needs the extra docs")

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs").glob("*.md"))


def build(**changes: object) -> None:
    from mkdocs.commands.build import build as build_site
    from mkdocs.config import load_config

    build_site(load_config(str(ROOT / "mkdocs.yml"), **changes))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site; a dead link, a dead anchor or a page outside the menu would be an error."""
    out = tmp_path_factory.mktemp("site")
    build(site_dir=str(out))
    return out


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_has_the_structure_that_a_code_host_shows(site: Path, page: Path) -> None:
    """Python-Markdown and CommonMark differ in where lists, tables and code begin."""
    host = MarkdownIt("commonmark").enable("table").render(page.read_text("utf-8"))
    html = (site / page.with_suffix(".html").name).read_text("utf-8")
    html = html.split("<article", 1)[1].split("</article>")[0]
    for tag in ("li", "tr", "pre", "h2", "h3", "strong", "em", "blockquote"):
        counts = [len(re.findall(rf"<{tag}[ >]", text)) for text in (host, html)]
        assert counts[0] == counts[1], (tag, counts)


def anchors(page: Path) -> Counter[str]:
    """Names of a page's headings as code hosts make them."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return Counter(re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings)


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md"], ids=lambda page: page.stem)
def test_links_into_pages_lead_to_headings_on_a_code_host_too(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#:\s]*)#([^)\s]+)\)", page.read_text("utf-8")):
        where = page if not target else (page.parent / target).resolve()
        assert anchors(where)[anchor] == 1, (target, anchor)


def test_a_dead_link_or_anchor_is_an_error(tmp_path: Path) -> None:
    from mkdocs.exceptions import Abort

    (tmp_path / "docs").mkdir()
    text = "# A\n\n[b](#no-such-heading) [c](no-such-page.md)\n"
    (tmp_path / "docs" / "index.md").write_text(text, encoding="utf-8")
    alone = {"docs_dir": str(tmp_path / "docs"), "hooks": [], "nav": [{"A": "index.md"}]}
    with pytest.raises(Abort, match="2 warnings"):
        build(site_dir=str(tmp_path / "site"), **alone)


@pytest.mark.browser
def test_pages_fit_the_screen_fetch_nothing_and_are_searched(site: Path, browser) -> None:
    for width, scheme in ((400, "dark"), (1600, "light")):
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page.set_default_timeout(90_000)  # a busy machine
        said, asked = [], []
        page.on("console", lambda message, said=said: said.append(message.text))
        page.on("pageerror", lambda error, said=said: said.append(str(error)))
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        for name in ("index", "own-data"):
            page.goto((site / f"{name}.html").as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        page.keyboard.press("/")
        page.keyboard.type("hypervolume")
        page.locator(".md-search-result__item").first.wait_for()
        assert not said
        assert {url.split(":")[0] for url in asked} <= {"file", "data", "about"}
        page.close()
