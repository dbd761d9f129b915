"""What a study evaluates first: seed architectures, at their own and at higher learning rates."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.counter import ShapeCounter
from autopelt.architecture.first_seeds import FIRST, HIGH, OWN, USUAL, WRITING, default_seeds
from autopelt.architecture.seeds import seed_architecture, shrink
from autopelt.methods import method_of
from autopelt.methods.shapes import Shapes
from autopelt.space.fitting import on_backbone
from autopelt.space.rates import RateRange, nearest
from autopelt.space.space import SearchSpace
from autopelt.study.config import StudyConfig


@dataclass(frozen=True)
class Entry:
    """An architecture that a study evaluates before it proposes any of its own.

    Attributes:
        label: of a seed architecture its name, with ``~`` where it was shrunk and its learning
            rate where that is not its own: ``sapa~ x4``; else "".
        origin: ``seed``, or ``warm``: from the front of the study of a warm start.
        source: of the latter the trial it was there, ``rte-minilm-1pct:12``.
    """

    label: str
    architecture: Architecture
    origin: str = "seed"
    source: str = ""


def seed_entries(
    config: StudyConfig, shapes: Shapes, counter: ShapeCounter, limit: int, *, head: bool = True
) -> tuple[Entry, ...]:
    """Seed architectures in order of evaluation, each once at a learning rate.

    By default those whose methods and places the space has: at most a third of the trials, but two
    at least; a longer study begins like a shorter one. They come at their own learning rate and at
    a higher one that the space offers. What is over the budget is shrunk to fit, as ``name~``; of
    the first names it comes as it is too, a reference point, where it is a quarter to once over the
    budget. A decoder without a head begins with LoRA, as people fine-tune it, and with nothing over
    the budget.

    What a user names comes as it is, whatever the space and the budget, then shrunk; higher rates
    follow as far as a third of the trials goes.

    Args:
        head: whether the task trains a head of its own. Without one ``head-only`` has nothing to
            train, and is left out unless a user names it.
    """
    own, high = first_rates(config)
    writes = shapes.decoder and not head
    first = WRITING if writes else FIRST
    rates = {OWN: own, HIGH: high}
    third = max(2, config.trials // 3)

    def entry(name: str, rate: float, fitting: bool) -> Entry | None:
        whole = seed_architecture(name, shapes)
        made = shrink(whole, counter, limit) if fitting else whole
        if made is None:
            return None
        label = (name if made == whole else f"{name}~") + ("" if rate == 1 else f" x{rate:g}")
        return Entry(label, replace(made, learning_rate_multiplier=rate))

    entries: list[Entry | None] = []
    later: list[Entry | None] = []
    if config.seed_architectures is not None:
        for place, name in enumerate(config.seed_architectures):
            entries.append(entry(name, own, fitting=False))
            later.append(entry(name, own, fitting=True))
            if place >= 3:  # the first four are compared with before anything is shrunk
                entries += later
                later = []
        room = len(_each_once(entries + later))
        later += [entry(name, high, fitting=True) for name in config.seed_architectures]
        room = max(room, third)
    else:
        space = on_backbone(config.space, shapes)
        names = [n for n in default_seeds(shapes, writes) if _says(space, n, shapes)]
        names = [n for n in names if head or seed_architecture(n, shapes).modules]
        order = [*first, *((n, h) for n in names if n not in dict(first) for h in (OWN, HIGH))]
        for place, (name, rate) in enumerate(order):
            if name in names:
                whole = seed_architecture(name, shapes)
                wanted = usual_rate(config, whole, shapes) if rate == USUAL else rates[rate]
                entries.append(entry(name, wanted, fitting=True))
                over = ALIKE * limit < counter.count(whole).deployed <= 2 * limit
                if over and rate == OWN and name in dict(first) and not writes:
                    later.append(entry(name, own, fitting=False))
            if place + 1 == len(first):  # what is within the budget comes before the references
                entries += later
                later = []
        room = third
    return tuple(_each_once(entries + later)[: min(room, config.trials)])


def _each_once(entries: Sequence[Entry | None]) -> list[Entry]:
    unique: dict[str, Entry] = {}
    for entry in entries:
        if entry is not None:
            unique.setdefault(entry.architecture.id, entry)
    return list(unique.values())


ALIKE = 1.25
"""What is less than this times the budget is hardly another architecture when it was shrunk."""

HIGHER = 4.0
"""Times the methods' own learning rates: short trainings want more than what was published."""


def first_rates(config: StudyConfig) -> tuple[float, float]:
    """At which hand-made architectures enter: the offered factors nearest to 1 and to 4.

    The latter together with the factor that all rates of the study have, so it is below 1 where
    that is more: what suits the smallest is too much for all others. Of a list it is the largest.
    They are equal where the space offers nothing else.
    """
    space = config.space
    own = nearest(1.0, space.rates)
    high = HIGHER / config.training.learning_rate_factor
    ranged = isinstance(space.learning_rate_multiplier, RateRange)
    return own, nearest(high, space.rates) if ranged else max(space.rates)


def usual_rate(config: StudyConfig, architecture: Architecture, shapes: Shapes) -> float:
    """The offered factor nearest to what users of an architecture's method give decoders."""
    method = method_of(architecture.modules[0])
    own = method.rate(shapes) * config.training.learning_rate_factor
    return nearest((method.usual_rate or own) / own, config.space.rates)


def _says(space: SearchSpace, name: str, shapes: Shapes) -> bool:
    """Whether the space has every method of a seed architecture where it sits, in any size."""
    offered = {
        (row.method, at, layer)
        for row in space.modules
        for at in row.location
        for layer in row.layers_of(shapes.layers)
    }
    modules = seed_architecture(name, shapes).modules
    return all((m.method, m.location, m.layer) in offered for m in modules)
