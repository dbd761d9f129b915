"""The report in a real Chromium: drawn, quiet, and usable by mouse and by keyboard."""

import json

import pytest
from example_studies import HOSTILE, failed_study, hostile_study, running_study, study

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


def outside(chromium):
    """Requested addresses beside the page itself; pictures of heat maps are data: addresses."""
    return [u for u in chromium.requests[1:] if not u.startswith("data:image/png")]


def place(chromium, trial):
    """Viewport position of a trial's point on the front figure."""
    return chromium.run(WHERE.format(trial=trial))


@pytest.fixture
def page(chromium, example_page):
    chromium.show(example_page)
    chromium.key("Escape")
    chromium.run(
        "document.querySelector('.tools [data-state=\"\"]').click();"
        "document.querySelector('.tools input').value = '';"
        "document.querySelector('.tools input').dispatchEvent(new Event('input'))"
    )
    return chromium


def test_the_front_is_drawn_without_console_error_or_request(page, example):
    drawn = page.run("document.querySelectorAll('#figure-front .points path').length")
    assert drawn >= len(example.complete)
    assert page.run("document.querySelectorAll('#figure-front .js-line').length") >= 1
    names = page.run(
        "[...document.querySelectorAll('#figure-front .annotation-text')].map(e => e.textContent)"
    )
    assert "budget 1%" in names
    assert {"head-only", "unipelt", "lora-r8"} <= set(names)
    assert page.messages == []
    assert outside(page) == []


def test_every_figure_of_every_card_is_drawn(page):
    empty = page.run(
        "[...document.querySelectorAll('.plot')]"
        ".filter(e => !e.querySelector('.main-svg')).map(e => e.id)"
    )
    assert empty == []


def test_hover_shows_the_architecture_in_words(page):
    page.move_to(*place(page, 3))
    page.until("document.querySelector('#figure-front .hovertext')")
    text = page.run("document.querySelector('#figure-front .hovertext').textContent")
    assert "lora-r8" in text
    assert "lora 8 (query" in text
    assert "73,728" in text


def test_a_click_on_a_point_selects_the_trial_in_all_cards(page):
    page.click_at(*place(page, 3))
    page.until("document.querySelector('#panel h2').textContent === 'lora-r8 (trial 3)'")
    selected = "[...document.querySelectorAll('tr[aria-selected]')].map(r => r.dataset.trial)"
    assert set(page.run(selected)) == {"3"}
    assert page.run("location.hash") == "#trial-3"
    faint = page.run(
        "document.getElementById('figure-curves').data.filter(t => t.opacity < 1).length"
    )
    assert faint > 20
    ring = page.run("document.getElementById('figure-front').data.at(-1).x[0]")
    assert ring == pytest.approx(0.3246, abs=1e-3)
    page.key("Escape")
    assert page.run(selected) == []


def test_a_click_in_the_table_marks_the_trial_in_every_kind_of_figure(page, example):
    number = example.best.number
    page.click(f'#table-trials [data-pick="{number}"]')
    page.until("document.getElementById('figure-map').layout.shapes.length === 1")
    row = [t.number for t in example.front if t.architecture.modules].index(number)
    assert page.run("document.getElementById('figure-map').layout.shapes[0].y0") == row - 0.5
    full = "document.getElementById('figure-timeline').data.flatMap(t => t.marker.opacity)"
    assert sorted(page.run(full))[-2:] == [0.3, 1]
    choices = "document.getElementById('figure-choices').data.find(t => t.opacity === 1).meta.trial"
    assert page.run(choices) == number
    assert page.messages == []


def test_a_failed_trial_shows_its_reason_and_its_last_log_line(page):
    page.click(".tools [data-state=failed]")
    row = page.run("document.querySelector('#table-trials tr[data-trial=\"15\"]').textContent")
    assert "the loss became NaN" in row
    assert "last log line: epoch 3: loss nan" in row
    page.click('#table-trials [data-pick="15"]')
    assert page.run("document.querySelector('#panel .log code').textContent").endswith("norm inf")
    page.click('#table-trials [data-pick="15"]')


def test_rungs_are_drawn_where_trials_were_stopped(page):
    shapes = page.run("document.getElementById('figure-curves').layout.shapes.map(s => s.x0)")
    assert shapes == [1, 2, 4]
    words = page.run("document.querySelector('#curves .legend').textContent")
    assert "stopped early" in words
    assert "rung" in words


def test_importance_tells_more_on_hover(page):
    box = page.run(
        """(() => { const n = document.querySelector('#figure-importance-method .point path');
        n.scrollIntoView({block: 'center', behavior: 'instant'});
        const r = n.getBoundingClientRect();
        return [r.x + r.width / 2, r.y + r.height / 2]; })()"""
    )
    page.move_to(*box)
    page.until("document.querySelector('#figure-importance-method .hovertext')")
    text = page.run("document.querySelector('#figure-importance-method .hovertext').textContent")
    assert "of the variation of the scores" in text


def test_a_copied_architecture_is_read_back_as_the_same(page, example):
    page.run(
        "window.copied = null; navigator.clipboard.writeText = async t => { window.copied = t }"
    )
    for number in (0, 2, 25):
        page.click(f'#table-trials [data-pick="{number}"]')
        page.click("#panel .actions button")
        page.until("window.copied")
        text = page.run("(t => { window.copied = null; return t })(window.copied)")
        assert Architecture.from_yaml(text) == example.trials[number].architecture


def test_points_can_be_coloured_by_trial_order_and_back(page):
    colour = "document.getElementById('figure-front').data[1].marker.color"
    before = page.run(colour)
    page.click("[data-order=front]")
    page.until(f"Array.isArray({colour})")
    page.click("[data-order=front]")
    page.until(f"{colour} === {json.dumps(before)}")
    assert page.messages == []


def test_an_address_with_a_trial_opens_with_it_selected(chromium, example_page):
    chromium.open(example_page, fragment="#trial-7")
    chromium.until("document.querySelector('tr[aria-selected]')")
    assert chromium.run("document.querySelector('#panel h2').textContent") == "prefix-10 (trial 7)"


def test_the_keyboard_walks_through_the_points_from_left_to_right(page, example):
    page.run("document.getElementById('figure-front').focus()")
    for _ in range(2):
        page.key("ArrowRight")
    order = sorted(example.complete, key=lambda t: (t.count.deployed, t.number))
    assert page.run("location.hash") == f"#trial-{order[1].number}"


def test_tab_reaches_links_figures_headings_and_rows(page):
    page.run("document.activeElement.blur()")
    reached = set()
    for _ in range(90):
        page.key("Tab", windowsVirtualKeyCode=9)
        reached.add(page.run("(e => e.className || e.id || e.tagName)(document.activeElement)"))
    assert {"skip", "quiet", "pick", "SUMMARY"} <= reached
    assert any(r.startswith("plot") for r in reached)


def column(page, index):
    return page.run(
        "[...document.querySelectorAll('#table-trials tbody tr')]"
        f".map(r => r.cells[{index}].textContent.trim())"
    )


def test_a_click_on_a_heading_sorts_and_a_second_turns_it(page):
    page.click("#table-trials th:nth-child(2) button")
    scores = [float(s) for s in column(page, 1) if s != "–"]
    assert scores == sorted(scores, reverse=True)
    assert column(page, 1)[-2:] == ["–", "–"]
    page.click("#table-trials th:nth-child(2) button")
    scores = [float(s) for s in column(page, 1) if s != "–"]
    assert scores == sorted(scores)
    assert column(page, 1)[-2:] == ["–", "–"]
    assert (
        page.run("document.querySelector('#table-trials th:nth-child(2)').ariaSort") == "ascending"
    )


VISIBLE = (
    "[...document.querySelectorAll('#table-trials tbody tr')]"
    ".filter(r => !r.hidden).map(r => r.dataset.trial)"
)


def search(page, words):
    page.run(
        "(input => { input.value = " + json.dumps(words) + ";"
        "input.dispatchEvent(new Event('input')) })(document.querySelector('.tools input'))"
    )


def test_filters_by_state_and_by_words(page):
    page.click(".tools [data-state=failed]")
    assert page.run(VISIBLE) == ["15"]
    page.click('.tools [data-state=""]')
    search(page, "adapterdrop")
    assert page.run(VISIBLE) == ["10"]
    search(page, "zzz")
    assert page.run("document.querySelector('#trials .none').hidden") is False


def test_the_csv_comes_out_of_the_page_itself(page):
    page.run(
        "window.kept = null; const make = URL.createObjectURL;"
        "URL.createObjectURL = b => { b.text().then(t => { window.kept = t }); return make(b) }"
    )
    page.send("Page.setDownloadBehavior", behavior="deny")
    page.click("#csv")
    page.until("window.kept")
    assert page.run("window.kept").startswith("trial,state,label,score")
    assert page.messages == []


def test_the_toggle_turns_light_to_dark_and_repaints_the_figures(page):
    line = "getComputedStyle(document.querySelector('#figure-front .js-line')).stroke"
    before, paper = page.run(line), page.run("getComputedStyle(document.body).backgroundColor")
    page.click("#theme")
    page.until(f"{line} !== {json.dumps(before)}")
    assert page.run("getComputedStyle(document.body).backgroundColor") != paper
    page.click("#theme")
    page.until(f"{line} === {json.dumps(before)}")
    assert page.messages == []
    page.run("localStorage.clear()")


def test_a_dark_system_gives_a_dark_page(chromium, example_page):
    chromium.run("try { localStorage.clear() } catch (e) {}")
    chromium.open(example_page, dark=True)
    assert chromium.run("getComputedStyle(document.body).backgroundColor") == "rgb(16, 18, 20)"


@pytest.mark.parametrize("width", [400, 1600])
def test_nothing_sticks_out_of_a_window(chromium, example_page, width):
    chromium.open(example_page, width=width)
    chromium.run("document.querySelectorAll('details').forEach(d => { d.open = true })")
    assert chromium.run("document.documentElement.scrollWidth") == width
    cut = chromium.run(
        "[...document.querySelectorAll('.figure, .scroll')]"
        ".filter(e => e.getBoundingClientRect().right > innerWidth).length"
    )
    assert cut == 0


@pytest.mark.parametrize(
    "record",
    [study(1), failed_study(), running_study()],
    ids=["one", "failed", "running"],
)
def test_sparse_studies_open_quietly(chromium, tmp_path, record):
    chromium.open(build(record, tmp_path))
    chromium.run("document.querySelectorAll('details').forEach(d => { d.open = true })")
    assert chromium.messages == []
    assert outside(chromium) == []


def test_hostile_labels_show_as_text_in_hover(chromium, tmp_path):
    chromium.open(build(hostile_study(), tmp_path))
    assert chromium.messages == []
    assert outside(chromium) == []
    assert chromium.run("document.querySelectorAll('img, b').length") == 0
    chromium.move_to(*place(chromium, 5))
    chromium.until("document.querySelector('#figure-front .hovertext')")
    text = chromium.run("document.querySelector('#figure-front .hovertext').textContent")
    assert "<script>alert(1)</script>" in text
    assert "%{x}" in text
    names = chromium.run(
        "[...document.querySelectorAll('#figure-front .annotation-text')].map(e => e.textContent)"
    )
    assert HOSTILE in names
    assert chromium.messages == []


def test_a_dragged_rectangle_zooms(page):
    limits = "document.getElementById('figure-front')._fullLayout.xaxis.range.join()"
    before = page.run(limits)
    (x, y), (to_x, to_y) = place(page, 11), place(page, 6)
    page.mouse("mouseMoved", x - 30, y + 30)
    page.mouse("mousePressed", x - 30, y + 30, "left")
    for part in (0.3, 0.6, 1):
        page.mouse("mouseMoved", x + part * (to_x - x), y + part * (to_y - y), "left")
    page.mouse("mouseReleased", to_x, to_y, "left")
    page.until(f"{limits} !== {json.dumps(before)}")
    assert page.messages == []
    page.shown = None  # the next test loads the page again


def test_a_browser_that_cannot_unpack_the_figures_still_shows_all_numbers(chromium, example_page):
    script = chromium.send(
        "Page.addScriptToEvaluateOnNewDocument", source="delete window.DecompressionStream"
    )
    try:
        chromium.open(example_page)
        assert chromium.run("document.querySelectorAll('.plot').length") == 0
        assert chromium.run("document.querySelectorAll('details:not([open])').length") == 0
        chromium.click("#theme")
        chromium.click('#table-trials [data-pick="3"]')
        title = chromium.run("document.querySelector('#panel h2').textContent")
        assert title == "lora-r8 (trial 3)"
        assert chromium.messages == []
    finally:
        chromium.send("Page.removeScriptToEvaluateOnNewDocument", **script)
        chromium.run("localStorage.clear()")
