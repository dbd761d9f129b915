"""Makes docs/report.png, the README's picture, of the recorded study in reports/sample.

Run it as: python docs/make_picture.py (needs the extra `test`, Chromium). It shows the verdict and
the Pareto front of the report, as a small light screen has them, side by side.
"""

import io
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

PAGE = Path(__file__).resolve().parents[1] / "reports" / "sample" / "index.html"
PICTURE = Path(__file__).with_name("report.png")
CARDS = ("verdict", "front")
WIDTH, HEIGHT, SHOWN, MARGIN = 700, 2600, 756, 20
"""Of a screen that shows both cards, of each card from its top, and between them, in pixels."""


def cards() -> list[Image.Image]:
    """The cards as they are drawn, whole."""
    shots = []
    with sync_playwright() as playwright:
        chromium = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        page.set_default_timeout(120_000)
        page.goto(PAGE.as_uri())
        page.locator("body[data-ready=yes]").wait_for()
        for name in CARDS:
            card = page.locator(f"#{name}")
            card.scroll_into_view_if_needed()
            page.wait_for_timeout(1000)  # its figure is drawn when it is seen
            shots.append(Image.open(io.BytesIO(card.screenshot())).convert("RGB"))
        browser.close()
    return shots


def side_by_side(shots: list[Image.Image]) -> Image.Image:
    width = sum(shot.width + MARGIN for shot in shots) + MARGIN
    picture = Image.new("RGB", (width, SHOWN + 2 * MARGIN), shots[0].getpixel((0, 0)))
    left = MARGIN
    for shot in shots:
        picture.paste(shot.crop((0, 0, shot.width, SHOWN)), (left, MARGIN))
        left += shot.width + MARGIN
    return picture.quantize(256, dither=Image.Dither.NONE)


if __name__ == "__main__":
    side_by_side(cards()).save(PICTURE, optimize=True)
