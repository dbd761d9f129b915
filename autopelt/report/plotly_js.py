"""plotly.js as pages have it: packed into each of them, or once for several that lie together.

The script is the part of the installed package's that pages draw with. A page is one file that can
be passed on; `share` takes plotly.js out of it into a file beside the page's folder, for a place
that has many.
"""

import base64
import gzip
import hashlib
import re
from functools import cache
from pathlib import Path

from autopelt.errors import UnavailableError, UsageError
from autopelt.report.plotly_part import part
from autopelt.system.files import read_text, write_text

NAME = "plotly.min.js"
"""The file of `share`."""

TRACES = frozenset({"bar", "heatmap"})
"""Kinds of traces that cards draw, beside `scatter`."""
_EMPTY = "0;"
"""A script that does nothing, in the place of plotly.js in a page that shares it."""
_PLACE = re.compile(
    r'(?:<script src="\.\./plotly[^"]*"></script>\n)?'
    r'<script type="text/plain" id="plotly"[^>]*>[A-Za-z0-9+/=\s]*</script>'
)
_POLICY = re.compile("script-src (?:'self' file: )?(?:'|&#39;)sha256-[A-Za-z0-9+/=]*(?:'|&#39;)")
_VALUES = re.compile(r'<script type="application/json" id="study">([^<]*)</script>')
_READS_PACKED = "contents('study')"
"""In the script of a page that can read its values packed, too; pages of before cannot."""
_FETCHES = "plotly.src"
"""In the script of a page that has plotly.js fetched itself; pages of before wait for it."""
_FOOTER = re.compile(r"<footer>[^<]*</footer>")


@cache
def plotly_js() -> str:
    """The script, with the traces that are used."""
    from plotly.offline import get_plotlyjs

    return part(str(get_plotlyjs()), TRACES)


@cache
def packed(script: str) -> str:
    """A script as gzip in base64, a third of its size; the page unpacks it."""
    return base64.b64encode(gzip.compress(script.encode(), 9, mtime=0)).decode()


def packed_values(text: str) -> str:
    """The element of a page that has what its script knows, packed."""
    return f'<script type="text/plain" id="study">{packed(text)}</script>'


@cache
def fingerprint(script: str) -> str:
    """A script as a content security policy names it."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def share(page: Path) -> Path:
    """Let a page, also one of before, take plotly.js from beside its folder; it is put there.

    What its script knows is packed as well: a third of what is left.

    Args:
        page: ``reports/rte/index.html``, say, for ``reports/plotly.min.js``.

    Returns:
        The file with plotly.js.

    Raises:
        UsageError: there is no page, or it is none of autopelt's.
        UnavailableError: it cannot be written.
    """
    text = read_text(page, f"page '{page}'")
    if not _PLACE.search(text) or not _POLICY.search(text):
        raise UsageError(f"'{page}' is no report of autopelt; give the folder of one.")
    place = f'<script type="text/plain" id="plotly" data-src="../{NAME}">{packed(_EMPTY)}</script>'
    if _FETCHES not in text:
        place = f'<script src="../{NAME}"></script>\n{place}'
    words = f"Made by autopelt. This page needs ../{NAME} beside its folder, and no network."
    text = _PLACE.sub(place, text, count=1)
    text = _POLICY.sub(f"script-src 'self' file: {fingerprint(_EMPTY)}", text, count=1)
    if _READS_PACKED in text:
        text = _VALUES.sub(lambda m: packed_values(m[1]), text, count=1)
    text = _FOOTER.sub(f"<footer>{words}</footer>", text, count=1)
    shared = page.resolve().parent.parent / NAME
    try:
        if not shared.is_file() or shared.read_text(encoding="utf-8") != plotly_js():
            write_text(shared, plotly_js())
        write_text(page, text)
    except OSError as error:
        raise UnavailableError(f"'{error.filename}' cannot be written: {error.strerror}.") from None
    return shared
