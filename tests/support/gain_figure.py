"""What was found minus the best by hand, against the budget, as an SVG for the documentation."""

import math
from html import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 312, 64, 104, 30, 44
COLOURS = ("#0b6e99", "#b4451f", "#4f7a28", "#7a4fa0", "#8a6d00", "#333333", "#c2347f", "#00746b")
APART = 7
"""Pixels between the marks of two tasks at one budget."""


def gain_figure(gains):
    """The figure.

    Args:
        gains: by task, of each budget in percent the difference and the ends of its interval.
    """
    budgets = sorted({budget for of in gains.values() for budget in of})
    ends = [end for of in gains.values() for row in of.values() for end in row] + [0.0]
    low, high = (math.floor(min(ends) * 50) / 50, math.ceil(max(ends) * 50) / 50)
    shown = [math.log10(b) for b in budgets]

    def x(budget):
        part = (math.log10(budget) - shown[0]) / (shown[-1] - shown[0])
        return LEFT + 40 + part * (WIDTH - LEFT - RIGHT - 80)

    def y(value):
        return TOP + (high - value) / (high - low) * (HEIGHT - TOP - BOTTOM)

    def text(at, words, **more):
        said = "".join(f' {k.replace("_", "-")}="{v}"' for k, v in more.items())
        return f'<text x="{at[0]:.1f}" y="{at[1]:.1f}"{said}>{escape(words)}</text>'

    drawn = [text((LEFT, 16), "score on unseen examples: found minus the best by hand")]
    for step in range(round(low * 50), round(high * 50) + 1):
        at = y(step / 50)
        stroke = "#555" if step == 0 else "#ddd"
        drawn.append(f'<path d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}" stroke="{stroke}"/>')
        drawn.append(text((LEFT - 8, at + 4), f"{step / 50:+.2f}", text_anchor="end"))
    drawn += [text((x(b), HEIGHT - 24), f"{b:g}%", text_anchor="middle") for b in budgets]
    middle = (LEFT + WIDTH - RIGHT) / 2
    drawn.append(text((middle, HEIGHT - 6), "budget, share of the backbone", text_anchor="middle"))
    for number, (task, of) in enumerate(gains.items()):
        colour = COLOURS[number % len(COLOURS)]
        shift = (number - (len(gains) - 1) / 2) * APART
        for budget, (value, lower, upper) in of.items():
            at = x(budget) + shift
            drawn += [
                f'<path d="M{at:.1f} {y(lower):.1f}V{y(upper):.1f}" stroke="{colour}"/>',
                f'<circle cx="{at:.1f}" cy="{y(value):.1f}" r="4" fill="{colour}"/>',
            ]
        drawn.append(text((WIDTH - RIGHT + 16, TOP + 16 + 18 * number), task, fill=colour))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12" fill="#333">\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>\n' + "\n".join(drawn) + "\n</svg>\n"
    )
