"""The page's colours, light and dark: told apart with any colour vision, and text that is read.

Colour vision is simulated as in Machado, Oliveira and Fernandes, "A Physiologically-based Model for
Simulation of Color Vision Deficiency" (2009), at full severity; distances are CIEDE2000 (Sharma, Wu
and Dalal, 2005), contrast is that of WCAG 2.2.
"""

import math
import re
from importlib import resources
from itertools import combinations

import pytest

from autopelt.methods import METHODS

VISIONS = {
    "usual": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
DATA = ("blue", "orange", "vermilion", "green", "purple", "indigo", "brown")
TEXT = ("ink", "muted", "accent", "warning", "success")
GROUNDS = ("page", "surface", "raised")
CSS = resources.files("autopelt.report").joinpath("page.css").read_text(encoding="utf-8")
PALETTES = {
    scheme: {m[1]: m[at] for m in re.finditer(r"--(\w+): light-dark\((#\w+), (#\w+)\)", CSS)}
    for at, scheme in ((2, "light"), (3, "dark"))
}
PAIRS = [(scheme, vision) for scheme in PALETTES for vision in VISIONS]


def linear(colour):
    """The light that a hexadecimal colour of sRGB sends, red, green and blue, 0 to 1."""
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]


def seen(colour, vision):
    """The same with a kind of colour vision."""
    light = linear(colour)
    mixed = (sum(m * c for m, c in zip(row, light, strict=True)) for row in VISIONS[vision])
    return [min(1.0, max(0.0, c)) for c in mixed]


def lab(light):
    """CIELAB under D65."""
    r, g, b = light
    xyz = (
        (0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047,
        0.2126729 * r + 0.7151522 * g + 0.0721750 * b,
        (0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / 1.08883,
    )
    x, y, z = (t ** (1 / 3) if t > (6 / 29) ** 3 else t / (3 * (6 / 29) ** 2) + 4 / 29 for t in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def distance(one, other):
    """CIEDE2000 of two colours in CIELAB; 1 is hardly seen side by side."""
    (l1, a1, b1), (l2, a2, b2) = one, other
    mean = (math.hypot(a1, b1) + math.hypot(a2, b2)) / 2
    more = 1.5 - 0.5 * math.sqrt(mean**7 / (mean**7 + 25**7))
    c1, c2 = math.hypot(a1 * more, b1), math.hypot(a2 * more, b2)
    h1, h2 = (math.degrees(math.atan2(b, a * more)) % 360 for a, b in ((a1, b1), (a2, b2)))
    turn = (h2 - h1 + 180) % 360 - 180 if c1 and c2 else 0.0
    hue = (h1 + turn / 2) % 360 if c1 and c2 else h1 + h2
    light, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    across = 2 * math.sqrt(c1 * c2) * math.sin(math.radians(turn / 2))
    wave = (
        1
        - 0.17 * math.cos(math.radians(hue - 30))
        + 0.24 * math.cos(math.radians(2 * hue))
        + 0.32 * math.cos(math.radians(3 * hue + 6))
        - 0.20 * math.cos(math.radians(4 * hue - 63))
    )
    far = (light - 50) ** 2
    by_light = (l2 - l1) / (1 + 0.015 * far / math.sqrt(20 + far))
    by_chroma = (c2 - c1) / (1 + 0.045 * chroma)
    by_hue = across / (1 + 0.015 * chroma * wave)
    bent = math.sin(math.radians(60 * math.exp(-(((hue - 275) / 25) ** 2))))
    bent *= -2 * math.sqrt(chroma**7 / (chroma**7 + 25**7))
    return math.sqrt(by_light**2 + by_chroma**2 + by_hue**2 + bent * by_chroma * by_hue)


def contrast(one, other):
    """Of WCAG: 1 for equal colours, 21 for black on white."""
    weights = (0.2126, 0.7152, 0.0722)
    lights = (
        sum(w * c for w, c in zip(weights, linear(colour), strict=True)) for colour in (one, other)
    )
    low, high = sorted(lights)
    return (high + 0.05) / (low + 0.05)


def test_the_distance_is_that_of_its_authors_examples():
    """Pairs 1, 7, 17 and 25 of Sharma, Wu and Dalal's table."""
    examples = (
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 0, 0), (50, -1, 2), 2.3669),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    )
    for one, other, wanted in examples:
        assert distance(one, other) == pytest.approx(wanted, abs=1e-4)


@pytest.mark.parametrize(("scheme", "vision"), PAIRS)
def test_any_two_colours_of_data_are_told_apart(scheme, vision):
    palette = PALETTES[scheme]
    colours = {name: lab(seen(palette[name], vision)) for name in (*DATA, "faint")}
    near = min((distance(colours[a], colours[b]), a, b) for a, b in combinations(colours, 2))
    assert near[0] > 12, near


def test_those_are_the_colours_of_all_methods():
    assert {m.colour.removeprefix("--") for m in METHODS.values()} <= set(DATA)


@pytest.mark.parametrize("scheme", PALETTES)
def test_text_is_read_and_marks_are_seen(scheme):
    palette = PALETTES[scheme]
    for least, names in ((4.5, TEXT), (3.0, DATA)):
        grounds = GROUNDS if names is TEXT else GROUNDS[:2]
        low = min((contrast(palette[n], palette[g]), n, g) for n in names for g in grounds)
        assert low[0] >= least, low
