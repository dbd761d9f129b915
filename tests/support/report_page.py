"""A report in a real Chromium, driven by Playwright."""

import os
import shutil
import time
from contextlib import contextmanager

import pytest
from playwright.sync_api import sync_playwright

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


class ReportPage:
    """One page with figures, opened and drawn.

    Attributes:
        page: Playwright's page.
        messages: console warnings and errors, exceptions, and dialogs.
        requests: addresses that were asked for, the page's own first.
        run: value of a JavaScript expression (promises are awaited).
    """

    def __init__(self, browser, path, width=1200, dark=False, fragment="", before=""):
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
        self.page.goto(path.resolve().as_uri() + fragment)
        self.page.locator("body[data-ready=yes]").wait_for(timeout=90_000)

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
