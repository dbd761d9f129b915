"""A report in a real Chromium, driven by Playwright: it waits for conditions, never for a time."""

import os
import shutil
import time
from contextlib import contextmanager, suppress

import pytest
from playwright.sync_api import TimeoutError, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
OPTIONS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)


@contextmanager
def chromium():
    """A browser without a window; without one on this machine tests are skipped, but not in CI."""
    executable = next((path for name in NAMES if (path := shutil.which(name))), None)
    if executable is None:
        words = "no Chromium on this machine (Debian: apt-get install chromium)"
        in_ci = os.environ.get("CI") or os.environ.get("AUTOPELT_CI")
        (pytest.fail if in_ci else pytest.skip)(words)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=OPTIONS.split())
        yield browser
        browser.close()


SEEN = """async () => {
  for (const plot of document.querySelectorAll('.plot')) {
    plot.scrollIntoView({block: 'center', behavior: 'instant'});
    while (plot.dataset.drawn !== 'yes') await new Promise(requestAnimationFrame);
  }
  scrollTo({top: 0, behavior: 'instant'});
}"""
"""Scrolls to every figure, which is when it is drawn."""

SETTLED = """[...document.querySelectorAll('.plot')].every((plot) => plot.dataset.drawn === 'yes'
  && plot._fullLayout.font.color === getComputedStyle(document.body).color
  && Math.abs(plot._fullLayout.width - plot.clientWidth) <= 1)"""
"""Every figure has the width of its place and the colours of the page."""


class ReportPage:
    """One page with figures, opened, its first figure drawn.

    Attributes:
        page: Playwright's page.
        messages: console warnings and errors, exceptions, and dialogs.
        requests: addresses that were asked for, the page's own first.
        run: value of a JavaScript expression (promises are awaited).
    """

    def __init__(
        self, browser, path, width=1200, dark=False, fragment="", before="", seen=False, clock=False
    ):
        self.page = browser.new_page(
            viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light"
        )
        self.messages, self.requests, self.run = [], [], self.page.evaluate
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.messages.append(str(error)))
        self.page.on("dialog", self._dismiss)
        self.page.on("request", lambda request: self.requests.append(request.url))
        if before:
            self.page.add_init_script(before)
        if clock:
            self.page.clock.install()
        self.page.goto(path.resolve().as_uri() + fragment)
        self.page.locator("body[data-ready=yes]").wait_for(timeout=90_000)
        if seen:
            self.run(SEEN)

    def _note(self, message):
        if message.type in ("error", "warning", "assert"):
            self.messages.append(message.text)

    def _dismiss(self, dialog):
        self.messages.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    @property
    def outside(self):
        """Addresses beside the page itself; pictures of heat maps are data: addresses."""
        return [u for u in self.requests[1:] if not u.startswith("data:image/png")]

    def until(self, condition, seconds=90):
        """Wait until a JavaScript condition holds (the page's policy forbids wait_for_function)."""
        deadline = time.monotonic() + seconds
        while not self.run(f"Boolean({condition})"):
            assert time.monotonic() < deadline, f"never true: {condition}; {self.messages}"
            self.page.wait_for_timeout(30)

    def text(self, selector):
        """Text of the first element that a selector finds."""
        return self.page.locator(selector).first.text_content()

    def look(self, width, dark=False):
        """Make the window as wide, and the system light or dark; every figure follows."""
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(color_scheme="dark" if dark else "light")
        self.until(SETTLED)

    def told(self, figure, where):
        """What a figure tells when the mouse comes to the place that `where` gives.

        A move that comes while the figure changes is lost, so the mouse comes again until it is
        told something.
        """
        told = f"document.querySelector('{figure} .hovertext')"
        self.page.mouse.move(0, 0)  # what was told before goes first
        self.until(f"!{told}")
        for _ in range(90):
            x, y = where()
            self.page.mouse.move(x - 1, y)
            self.page.mouse.move(x, y)
            with suppress(TimeoutError):
                self.page.locator(f"{figure} .hovertext").wait_for(state="attached", timeout=1000)
                return self.text(f"{figure} .hovertext")
        raise AssertionError(f"{figure} told nothing; {self.messages}")
