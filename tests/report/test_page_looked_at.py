"""The page as people see it: three widths, light and dark, by keyboard, on paper, while it grows.

One browser, and one load of a small page for most of it.
"""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from example_studies import running_study, study
from report_page import ReportPage

from autopelt.report import build
from autopelt.study.importance import with_importance

pytestmark = pytest.mark.browser

WIDTHS = (1600, 1000, 400)

LABELS = """[...document.querySelectorAll('.plot')].flatMap((plot) => {
  const place = plot.getBoundingClientRect(), said = [];
  const shown = (kind) => [...plot.querySelectorAll(kind)]
    .map((node) => [node.getBoundingClientRect(), node.textContent])
    .filter(([box, text]) => box.width && text.trim());
  for (const [box, text] of shown('svg text')) {
    if (box.left < place.left - 1 || box.right > place.right + 1 || box.top < place.top - 1
        || box.bottom > place.bottom + 1) said.push(`${plot.id}: ${text} sticks out`);
  }
  for (const kind of ['.xtick text', '.ytick text', '.annotation-text']) {
    shown(kind).forEach(([a, text], i, all) => all.slice(0, i).forEach(([b, other]) => {
      if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 2
          && b.top < a.bottom - 2) said.push(`${plot.id}: ${text} lies on ${other}`);
    }));
  }
  return said;
})"""
"""Labels of figures that stick out, or lie on another of their kind."""

WIDER = """[...document.querySelectorAll('.card *, .contents, .top, .panel')].filter((node) => {
  const box = node.getBoundingClientRect();
  return box.right > innerWidth + 1 && !node.closest('.figure, .scroll, .contents ol, .unseen');
}).map((node) => node.className || node.tagName)"""

CONTROLS = """[...document.querySelectorAll('a, button, input, summary, [tabindex="0"]')]
  .filter((node) => node.checkVisibility() && !node.closest('[hidden]'))"""

FOCUS = f"""(() => {{
  const node = document.activeElement, style = getComputedStyle(node);
  const ring = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
  return [{CONTROLS}.indexOf(node), ring, node.outerHTML.slice(0, 90)];
}})()"""


PAUSED = """if (!sessionStorage.length) {
  sessionStorage.setItem('autopelt-place ' + location.pathname, '{"paused": true}');
}"""
"""The page of a search that runs waits for the reader, however slow the test is."""


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A page of few trials that has every card."""
    return build(with_importance(study(16), 0), tmp_path_factory.mktemp("looked-at"))


@pytest.fixture(scope="module")
def report(browser, small):
    opened = ReportPage(browser, small, width=1600, seen=True)
    opened.run(Axe().axe_script)
    yield opened
    opened.page.close()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_sticks_out_collides_or_keeps_someone_out(report, width, dark):
    report.look(width, dark)
    assert report.run("document.documentElement.scrollWidth") == width
    assert report.run(WIDER) == []
    assert report.run(LABELS) == []
    assert findings(report, everything=not dark) == []
    assert report.messages == []


def findings(report, everything):
    """What axe finds serious or critical; of contrast only, which a theme may change, if asked."""
    kept = "{exclude: [['.plot svg'], ['tbody tr:nth-child(n+4)']]}"  # rows are alike
    rules = "{}" if everything else "{runOnly: ['color-contrast']}"
    return report.run(
        f"axe.run({kept}, {rules}).then((found) => found.violations"
        ".filter((v) => ['serious', 'critical'].includes(v.impact))"
        ".map((v) => [v.id, v.nodes[0].html, v.nodes[0].failureSummary]))"
    )


@pytest.mark.parametrize("width", [1600, 400])
def test_every_control_is_reached_by_tab_and_shows_it(report, width):
    report.look(width)
    report.run("document.activeElement.blur(); scrollTo({top: 0, behavior: 'instant'})")
    wanted, reached = report.run(f"{CONTROLS}.length"), set()
    assert wanted > 60
    for _ in range(wanted + 5):
        report.page.keyboard.press("Tab")
        at, ring, html = report.run(FOCUS)
        assert ring or at < 0, html  # after the last one comes the browser itself
        reached.add(at)
    assert set(range(wanted)) <= reached


def press(report, selector, key="Enter"):
    report.run(f"document.querySelector({selector!r}).focus()")
    report.page.keyboard.press(key)


def test_every_kind_of_control_works_by_keyboard(report):
    report.look(1000)
    press(report, "#front > details summary")
    assert report.run("document.querySelector('#front > details').open")
    press(report, "#table-trials th:nth-child(2) button")
    assert report.run("document.querySelector('#table-trials th[aria-sort]').cellIndex") == 1
    press(report, "[data-order=front]", "Space")
    report.until("Array.isArray(document.getElementById('figure-front').data[1].marker.color)")
    press(report, "[data-order=front]", "Space")
    press(report, '#table-trials [data-pick="3"]')
    assert report.run("location.hash") == "#trial-3"
    press(report, "#figure-front", "ArrowRight")
    assert report.run("location.hash") != "#trial-3"
    report.page.keyboard.press("Escape")
    assert report.run("location.hash") == ""
    press(report, '.contents a[href="#trials"]')
    assert report.run("location.hash") == "#trials"
    report.run("history.replaceState(null, '', location.pathname)")
    press(report, "#theme")
    report.until("getComputedStyle(document.body).backgroundColor === 'rgb(16, 18, 20)'")
    press(report, "#theme")
    report.run("localStorage.clear(); delete document.documentElement.dataset.theme")
    assert report.messages == []


def test_two_trials_lie_side_by_side_and_their_differences_are_marked(report):
    report.look(1600)
    report.run("document.querySelector('#table-trials [data-pick=\"3\"]').click()")
    press(report, "#panel [aria-pressed=false]")
    assert report.text("#panel [aria-pressed]") == "Unpin"
    report.run("document.querySelector('#table-trials [data-pick=\"7\"]').click()")
    assert report.run("location.hash") == "#trial-7,3"
    heads = report.page.locator("#panel .compared thead th").all_text_contents()
    assert heads == ["compared", "lora-r8 (trial 3)", "prefix-10 (trial 7)"]
    rows = {
        name: (left, right, differs)
        for name, left, right, differs in report.run(
            "[...document.querySelectorAll('#panel .compared tbody tr')].map((row) => ["
            "...[...row.cells].slice(0, 3).map((c) => c.textContent),"
            " row.className === 'differs'])"
        )
    }
    assert rows["LoRA query, layer 0"] == ("8", "–", True)
    assert rows["learning rate ×"][2] is False
    places = report.run("document.getElementById('figure-front').data.at(-1).x")
    assert None not in places
    assert places[0] != places[1]
    report.run("location.hash = '#trial-2,5'")
    report.until("document.querySelectorAll('#panel .compared thead th').length === 3")
    assert "trial 5" in report.text("#panel .compared thead")
    press(report, "#panel .actions button:last-child")  # lets the pinned one go
    report.page.keyboard.press("Escape")
    assert report.run("document.querySelector('#panel .compared')") is None
    assert report.messages == []


def test_what_is_filtered_out_stays_as_a_shadow_in_the_figures(report):
    report.look(1600)
    report.page.locator(".contents input").fill("lora-r8")
    opacity = (
        "document.getElementById('figure-front').data.filter((t) => t.customdata)"
        ".flatMap((t) => t.customdata.map((n, i) => [n, t.marker.opacity[i]]))"
    )
    shown = [n for n, value in report.run(opacity) if value == 1]
    assert set(shown) == {3}
    assert report.run("document.querySelector('.tools input').value") == "lora-r8"
    assert report.text("#said") == "1 of 16 trials"
    lines = "document.getElementById('figure-curves').data.filter((t) => t.opacity === 1)"
    assert report.run(f"{lines}.map((t) => t.meta.trial)") == [3]
    report.page.locator(".contents input").fill("")
    assert report.run("document.getElementById('figure-front').data[1].marker.opacity") == 1
    assert report.messages == []


def test_a_cards_numbers_come_out_as_csv(report):
    with report.page.expect_download() as download:
        report.run("document.querySelector('#curves .save').click()")
    assert download.value.suggested_filename == "curves.csv"
    lines = download.value.path().read_text(encoding="utf-8").splitlines()
    assert lines[0] == "Trial,Epoch 1,Epoch 2,Epoch 3,Epoch 4,Epoch 5"
    assert len(lines) > 10
    assert all(re.fullmatch(r"[^,]+(,[\d.]*){5}", line) for line in lines[1:])


def test_on_paper_every_figure_is_drawn_and_light(browser, small):
    report = ReportPage(browser, small, width=1000, dark=True)
    drawn = "document.querySelectorAll('.plot[data-drawn]').length"
    figures = report.run("document.querySelectorAll('.plot').length")
    assert report.run(drawn) < figures  # the others are drawn when they are seen
    report.run(
        "window.paper = null; addEventListener('beforeprint', () => { window.paper = "
        "[...document.querySelectorAll('.plot')].map((p) => [p._fullLayout.font.color, "
        "p._fullLayout.width <= 720]) })"
    )
    report.page.pdf()
    paper = report.run("window.paper")
    assert len(paper) == figures
    assert {tuple(p) for p in paper} == {("rgb(27, 30, 33)", True)}
    report.until("document.documentElement.dataset.theme === undefined")
    report.look(1000, dark=True)  # the screen is as before
    assert report.messages == []
    report.page.close()


def test_a_reader_who_wants_no_motion_has_none(report):
    smooth = "getComputedStyle(document.documentElement).scrollBehavior"
    report.page.emulate_media(reduced_motion="reduce")
    assert report.run(smooth) == "auto"
    report.page.emulate_media(reduced_motion="no-preference")
    assert report.run(smooth) == "smooth"


def test_a_page_that_grows_loads_itself_again_and_keeps_the_readers_place(open_report, tmp_path):
    """Now and then Chromium on a busy machine starts the new page before what was kept is there."""
    for attempt in range(3):
        try:
            reloaded(open_report, tmp_path / str(attempt))
            break
        except AssertionError:
            if attempt == 2:
                raise


def reloaded(open_report, tmp_path):
    page = build(running_study(), tmp_path)
    report = open_report(page, before=PAUSED)
    report.run("document.querySelector('#front > details').open = true")
    report.run("document.querySelector('#table-trials th:nth-child(2) button').click()")
    report.page.locator(".contents input").fill("lora")
    report.run("document.querySelector('#table-trials [data-pick=\"3\"]').click()")
    report.run("document.querySelector('#table-trials [data-pick=\"3\"]').focus()")
    report.run("scrollTo({top: 700, behavior: 'instant'}); window.before = true")
    build(study(), tmp_path)
    with report.page.expect_event("load"):  # a second after Go on at the latest
        report.run("document.querySelector('[data-live] button').click()")
    report.page.locator("body[data-ready=yes]").wait_for()
    assert report.run("window.before") is None
    assert report.run("document.querySelector('[data-live]')") is None  # the search has ended
    assert len(report.run("[...document.querySelectorAll('#table-trials tbody tr')]")) == 32
    assert report.run("document.querySelector('.tools input').value") == "lora"
    assert report.run("document.querySelector('#front > details').open")
    assert report.run("document.querySelector('#table-trials th[aria-sort]').cellIndex") == 1
    assert report.run("document.activeElement.dataset.pick") == "3"
    # The browser keeps what is read in its place while figures above get their height.
    assert abs(report.run("Math.round(scrollY)") - 700) < 60
    assert report.run("location.hash") == "#trial-3"
    assert report.messages == []
