"""The report in a real Chromium: drawn, quiet, and usable by mouse and by keyboard."""

import json

import pytest
from example_studies import HOSTILE, failed_study, hostile_study, running_study, study
from report_page import ReportPage

from autopelt.architecture.architecture import Architecture
from autopelt.report import build

pytestmark = pytest.mark.browser

WHERE = """(() => {{
  const node = document.getElementById('figure-front');
  node.scrollIntoView({{block: 'center', behavior: 'instant'}});
  const box = node.getBoundingClientRect(), l = node._fullLayout;
  for (const t of node.data) {{
    const i = (t.customdata || []).indexOf({trial});
    const [x, y] = [l.xaxis.d2p(t.x[i]), l.yaxis.d2p(t.y[i])];
    if (i >= 0) return [box.x + l._size.l + x, box.y + l._size.t + y];
  }}
}})()"""


def place(report, trial):
    """Viewport position of a trial's point on the front figure."""
    return report.run(WHERE.format(trial=trial))


def hover(report, trial):
    """Text that appears when the mouse comes to a trial's point."""
    return report.told("#figure-front", lambda: place(report, trial))


@pytest.fixture(scope="module")
def opened(browser, example_page):
    """One page for most tests, as every load costs a second."""
    return ReportPage(browser, example_page, seen=True)


@pytest.fixture
def report(opened):
    """The opened page, as if it were new."""
    opened.messages.clear()
    opened.page.keyboard.press("Escape")
    opened.run(
        "document.querySelector('.tools [data-state=\"\"]').click();"
        "document.querySelector('.tools input').value = '';"
        "document.querySelector('.tools input').dispatchEvent(new Event('input'))"
    )
    return opened


def test_the_front_is_drawn_without_console_error_or_request(report, example):
    drawn = report.page.locator("#figure-front .points path").count()
    assert drawn >= len(example.complete)
    assert report.page.locator("#figure-front .js-line").count() >= 1
    names = report.page.locator("#figure-front .annotation-text").all_text_contents()
    assert "budget 1%" in names
    assert {"head-only", "unipelt", "lora-r8"} <= set(names)
    assert report.messages == []
    assert report.outside == []


def test_every_figure_of_every_card_is_drawn(report):
    empty = report.run(
        "[...document.querySelectorAll('.plot')]"
        ".filter(e => !e.querySelector('.main-svg')).map(e => e.id)"
    )
    assert empty == []


def test_hover_shows_the_architecture_in_words(report):
    text = hover(report, 3)
    assert "lora-r8" in text
    assert "lora 8 (query" in text
    assert "73,728" in text


def test_a_click_on_a_point_selects_the_trial_in_all_cards(report):
    assert hover(report, 3)  # a press that comes before the figure knows what is below it is lost
    report.page.mouse.down()
    report.page.mouse.up()
    report.until("document.querySelector('#panel h2').textContent === 'lora-r8 (trial 3)'")
    selected = "[...document.querySelectorAll('tr[aria-current]')].map(r => r.dataset.trial)"
    assert set(report.run(selected)) == {"3"}
    assert report.run("location.hash") == "#trial-3"
    faint = report.run(
        "document.getElementById('figure-curves').data.filter(t => t.opacity < 1).length"
    )
    assert faint > 20
    ring = report.run("document.getElementById('figure-front').data.at(-1).x[0]")
    assert ring == pytest.approx(0.3246, abs=1e-3)
    report.page.keyboard.press("Escape")
    assert report.run(selected) == []


def test_a_click_in_the_table_marks_the_trial_in_every_kind_of_figure(report, example):
    number = example.best.number
    report.page.click(f'#table-trials [data-pick="{number}"]')
    report.until("document.getElementById('figure-map').layout.shapes.length === 1")
    row = [t.number for t in example.front if t.architecture.modules].index(number)
    assert report.run("document.getElementById('figure-map').layout.shapes[0].y0") == row - 0.5
    full = "document.getElementById('figure-timeline').data.flatMap(t => t.marker.opacity)"
    assert sorted(report.run(full))[-2:] == [0.3, 1]
    choices = "document.getElementById('figure-choices').data.find(t => t.opacity === 1).meta.trial"
    assert report.run(choices) == number
    assert report.messages == []


def test_a_failed_trial_shows_its_reason_and_its_last_log_line(report):
    report.page.click(".tools [data-state=failed]")
    row = report.text('#table-trials tr[data-trial="15"]')
    assert "the loss became NaN" in row
    assert "last log line: epoch 3: loss nan" in row
    report.page.click('#table-trials [data-pick="15"]')
    assert report.text("#panel .log code").endswith("norm inf")
    report.page.click('#table-trials [data-pick="15"]')


def test_rungs_are_drawn_where_trials_were_stopped(report):
    shapes = report.run("document.getElementById('figure-curves').layout.shapes.map(s => s.x0)")
    assert shapes == [1, 2, 4]
    words = report.text("#curves .legend")
    assert "stopped early" in words
    assert "rung" in words


def test_importance_tells_more_on_hover(report):
    figure = "#figure-importance-method"
    bar = report.page.locator(f"{figure} .point path").first

    def middle():
        bar.scroll_into_view_if_needed()
        box = bar.bounding_box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    assert "of the variation of the scores" in report.told(figure, middle)


def test_a_copied_architecture_is_read_back_as_the_same(report, example):
    report.run(
        "window.copied = null; navigator.clipboard.writeText = async t => { window.copied = t }"
    )
    for number in (0, 2, 25):
        report.page.click(f'#table-trials [data-pick="{number}"]')
        report.page.click("#panel .actions button")
        report.until("window.copied")
        text = report.run("(t => { window.copied = null; return t })(window.copied)")
        assert Architecture.from_yaml(text) == example.trials[number].architecture


def test_points_can_be_coloured_by_trial_order_and_back(report):
    colour = "document.getElementById('figure-front').data[1].marker.color"
    before = report.run(colour)
    report.page.click("[data-order=front]")
    report.until(f"Array.isArray({colour})")
    report.page.click("[data-order=front]")
    report.until(f"{colour} === {json.dumps(before)}")
    assert report.messages == []


def test_an_address_with_a_trial_opens_with_it_selected(open_report, example_page):
    report = open_report(example_page, fragment="#trial-7")
    report.until("document.querySelector('tr[aria-current]')")
    assert report.text("#panel h2") == "prefix-10 (trial 7)"


def test_the_keyboard_walks_through_the_points_from_left_to_right(report, example):
    report.run("document.getElementById('figure-front').focus()")
    for _ in range(2):
        report.page.keyboard.press("ArrowRight")
    order = sorted(example.complete, key=lambda t: (t.count.deployed, t.number))
    assert report.run("location.hash") == f"#trial-{order[1].number}"


def test_tab_reaches_links_figures_headings_and_rows(report):
    # To take the focus away is not enough: the next Tab would go on from the last click.
    report.run(
        "(b => { b.tabIndex = -1; b.focus(); b.removeAttribute('tabindex') })(document.body)"
    )
    reached = set()
    for _ in range(90):
        report.page.keyboard.press("Tab")
        reached.add(report.run("(e => e.className || e.id || e.tagName)(document.activeElement)"))
    assert {"skip", "quiet", "pick", "SUMMARY"} <= reached
    assert any(r.startswith("plot") for r in reached)


def column(report, index):
    return report.run(
        "[...document.querySelectorAll('#table-trials tbody tr')]"
        f".map(r => r.cells[{index}].textContent.trim())"
    )


def test_a_click_on_a_heading_sorts_and_a_second_turns_it(report):
    report.page.click("#table-trials th:nth-child(2) button")
    scores = [float(s) for s in column(report, 1) if s != "–"]
    assert scores == sorted(scores, reverse=True)
    assert column(report, 1)[-2:] == ["–", "–"]
    report.page.click("#table-trials th:nth-child(2) button")
    scores = [float(s) for s in column(report, 1) if s != "–"]
    assert scores == sorted(scores)
    assert column(report, 1)[-2:] == ["–", "–"]
    assert (
        report.run("document.querySelector('#table-trials th:nth-child(2)').ariaSort")
        == "ascending"
    )


VISIBLE = (
    "[...document.querySelectorAll('#table-trials tbody tr')]"
    ".filter(r => !r.hidden).map(r => r.dataset.trial)"
)


def search(report, words):
    report.run(
        "(input => { input.value = " + json.dumps(words) + ";"
        "input.dispatchEvent(new Event('input')) })(document.querySelector('.tools input'))"
    )


def test_filters_by_state_and_by_words(report):
    report.page.click(".tools [data-state=failed]")
    assert report.run(VISIBLE) == ["15"]
    report.page.click('.tools [data-state=""]')
    search(report, "adapterdrop")
    assert report.run(VISIBLE) == ["10"]
    search(report, "zzz")
    assert report.run("document.querySelector('#trials .none').hidden") is False


def test_the_csv_comes_out_of_the_page_itself(report):
    with report.page.expect_download() as download:
        report.page.click("#csv")
    assert download.value.suggested_filename == "trials.csv"
    text = download.value.path().read_text(encoding="utf-8")
    assert text.startswith("trial,state,label,score")
    assert report.messages == []


def test_the_toggle_turns_light_to_dark_and_repaints_the_figures(report):
    line = "getComputedStyle(document.querySelector('#figure-front .js-line')).stroke"
    before, paper = report.run(line), report.run("getComputedStyle(document.body).backgroundColor")
    report.page.click("#theme")
    report.until(f"{line} !== {json.dumps(before)}")
    assert report.run("getComputedStyle(document.body).backgroundColor") != paper
    report.page.click("#theme")
    report.until(f"{line} === {json.dumps(before)}")
    assert report.messages == []
    report.run("localStorage.clear()")


def test_a_dark_system_gives_a_dark_page(open_report, example_page):
    report = open_report(example_page, dark=True)
    assert report.run("getComputedStyle(document.body).backgroundColor") == "rgb(16, 18, 20)"


@pytest.mark.parametrize("width", [400, 1600])
def test_nothing_sticks_out_of_a_window(open_report, example_page, width):
    report = open_report(example_page, width=width)
    report.run("document.querySelectorAll('details').forEach(d => { d.open = true })")
    assert report.run("document.documentElement.scrollWidth") == width
    cut = report.run(
        "[...document.querySelectorAll('.figure, .scroll')]"
        ".filter(e => e.getBoundingClientRect().right > innerWidth).length"
    )
    assert cut == 0


@pytest.mark.parametrize(
    "record",
    [study(1), failed_study(), running_study()],
    ids=["one", "failed", "running"],
)
def test_sparse_studies_open_quietly(open_report, tmp_path, record):
    report = open_report(build(record, tmp_path))
    report.run("document.querySelectorAll('details').forEach(d => { d.open = true })")
    assert report.messages == []
    assert report.outside == []


def test_hostile_labels_show_as_text_in_hover(open_report, tmp_path):
    report = open_report(build(hostile_study(), tmp_path))
    assert report.messages == []
    assert report.outside == []
    assert report.page.locator("img, b").count() == 0
    text = hover(report, 5)
    assert "<script>alert(1)</script>" in text
    assert "%{x}" in text
    assert HOSTILE in report.page.locator("#figure-front .annotation-text").all_text_contents()
    assert report.messages == []


def test_a_dragged_rectangle_zooms(open_report, example_page):
    report = open_report(example_page)
    limits = "document.getElementById('figure-front')._fullLayout.xaxis.range.join()"
    before = report.run(limits)
    (x, y), end = place(report, 11), place(report, 6)
    report.page.mouse.move(x - 30, y + 30)
    report.page.mouse.down()
    report.page.mouse.move(*end, steps=3)
    report.page.mouse.up()
    report.until(f"{limits} !== {json.dumps(before)}")
    assert report.messages == []


def test_a_browser_that_cannot_unpack_the_figures_still_shows_all_numbers(
    open_report, example_page
):
    report = open_report(example_page, before="delete window.DecompressionStream")
    assert report.page.locator(".plot").count() == 0
    assert report.page.locator("details:not([open])").count() == 0
    report.page.click("#theme")
    report.page.click('#table-trials [data-pick="3"]')
    assert report.text("#panel h2") == "lora-r8 (trial 3)"
    assert report.messages == []
