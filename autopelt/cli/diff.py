"""`autopelt diff`: how two architectures differ."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from autopelt.cli.console import for_programs, json_option, say, tell
from autopelt.cli.options import option

if TYPE_CHECKING:
    from autopelt.backbones.source import ModelSource
    from autopelt.study.lookup import Named


@click.command(short_help="Say in sentences how two architectures differ.")
@click.argument("first")
@click.argument("second")
@option("model", otherwise="the studies', or minilm")
@json_option
def diff(first: str, second: str, model: str | None) -> None:
    """Say in sentences how two architectures differ: what moved, what it cost, what it gained.

    Each is a seed architecture, a file, STUDY (its best) or STUDY:TRIAL.

    \b
    Examples:
      autopelt diff unipelt lora-r8
      autopelt diff unipelt reports/rte-minilm-1pct
      autopelt diff reports/rte-minilm-1pct:3 reports/rte-minilm-1pct:41
    """
    from autopelt.architecture.counter import ShapeCounter
    from autopelt.architecture.difference import differences
    from autopelt.backbones.sizes import sizes_of
    from autopelt.backbones.source import resolve
    from autopelt.study.lookup import find_architecture, split_study
    from autopelt.system.units import format_share

    places = [place for name in (first, second) if (place := split_study(name)) is not None]
    shapes = sizes_of(_source_of(places) if model is None else resolve(model)).shapes
    a, b = find_architecture(first, shapes), find_architecture(second, shapes)
    counter = ShapeCounter(shapes)
    before, after = counter.count(a.architecture), counter.count(b.architecture)
    sentences = differences(a.architecture, b.architecture)
    cost = after.deployed - before.deployed
    gain, gained = _gain(a, b)
    if for_programs():
        values = {
            "first": {"name": a.name, "id": a.architecture.id, "deployed": before.deployed},
            "second": {"name": b.name, "id": b.architecture.id, "deployed": after.deployed},
            "differences": sentences,
            "cost": cost,
            "gain": gain,
        }
        tell(values)
        return
    say(f"{a.name}  →  {b.name}")
    for sentence in sentences or ["They are the same architecture."]:
        say(f"  {sentence}")
    more = "as many" if not cost else f"{abs(cost):,} {'more' if cost > 0 else 'fewer'}"
    say(
        f"It costs {more} parameters: {before.deployed:,} ({format_share(before.share)}) "
        f"→ {after.deployed:,} ({format_share(after.share)})."
    )
    say(gained)


def _source_of(places: list[tuple[Path, str]]) -> "ModelSource":
    """The backbone of the first study that is named, or minilm."""
    from autopelt.backbones.source import MINILM, resolve

    if not places:
        return resolve(MINILM)
    from autopelt.study.reading import read_study
    from autopelt.training.spec import Setup

    return Setup.of(read_study(places[0][0]).config).source


def _gain(a: "Named", b: "Named") -> tuple[float | None, str]:
    """Score of b minus score of a, and a sentence; None where they were not measured alike."""
    from autopelt.cards.expectation import plain_score
    from autopelt.study.noise import difference_error, gap_error

    if a.study is None or b.study is None or a.trial is None or b.trial is None:
        return None, "What it gains is unknown: not both are trials of a study."
    why = ""
    for named, trial in ((a, a.trial), (b, b.trial)):
        if trial.score is None:
            why = why or f"{named.name} has no score"
    keys = ("hash", "train", "selection")
    alike = all(getattr(a.study.task, key) == getattr(b.study.task, key) for key in keys)
    if a.study.metric != b.study.metric or not alike:
        why = why or "the two studies have different tasks or data"
    if a.study.config.training != b.study.config.training:
        why = why or "the two studies train differently"
    if why:
        return None, f"What it gains is unknown: {why}."
    before, after = a.study.expected(a.trial), b.study.expected(b.trial)
    gain = after - before
    if a.study.name == b.study.name:
        error = gap_error(b.study, a.trial, b.trial)
    else:
        error = difference_error(b.study, before, after)
    known = (
        ["one random seed each"]
        if plain_score(a.study, a.trial) and plain_score(b.study, b.trial)
        else ["expected scores"]
    )
    known += [] if error is None else [f"of which up to {2 * error:.4f} can be chance"]
    return gain, (
        f"It {'gains' if gain >= 0 else 'loses'} {abs(gain):.4f} {b.study.metric}: "
        f"{before:.4f} → {after:.4f} ({', '.join(known)})."
    )
