"""What a notebook shows: everything foreign is text there, and nothing steers the page."""

from autopelt.system.notebook import table

HOSTILE = '<script>alert("x")</script>\x1b[2J'
TOLD = "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;\\x1b[2J"


def test_every_text_is_escaped_wherever_it_stands():
    shown = table(HOSTILE, [(HOSTILE, HOSTILE)], (HOSTILE, HOSTILE), [HOSTILE])
    assert shown.count(TOLD) == 6
    assert "<script" not in shown
    assert "\x1b" not in shown


def test_colours_are_the_notebooks_own():
    shown = table("t", [("a", 1)], ("x", "y"))
    assert "color:inherit" in shown
    assert "#" not in shown
    assert "<td" in shown
