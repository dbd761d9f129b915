"""What a pick is worth where every score is noise: searches as users run them, judged by the truth.

    python tests/benchmarks/noisy_search.py --quick                   # minutes, one core
    python tests/benchmarks/noisy_search.py --results found.jsonl     # all of it: many hours

Problems and noise are those of `noisy_problems`. All rules begin with the same 16 hand-made
architectures; what follows is theirs to choose. A rule is a sampler and the question that it is
asked: the front, or (`NAME score`) the best score under the budget; `new` is today's default and
answers both (`new:0.3`: with 0.3 of its proposals for the best score, not half of them). `old` and
`old score` were the rule until trainings were repeated: they report what was observed. Each search
is read in three ways, whoever made it:

observed  the front of the observed scores, and the highest of them
belief    the same of expected scores, given the same trainings
again     the same after the last fifth of the trainings went to contenders once more, by their
          knowledge gradient (the search then ends a fifth earlier)
halving   the same, but to the best six, then the best three, then the best one (only if asked for)

and of each way: *gain*, the true score of the pick minus that of the best hand-made architecture,
in points (100 times the score; *spreads*: in units of the problem's spread); *share*, the true
hypervolume of the reported front as a share of a strong reference front's; *over*, what was
promised of the pick minus what a training of it truly expects (*truth*: minus its true score when
it learns); *visited*, the gain of the best that was trained at all; *seconds*, of one core for a
proposal. Gains are as the search ran (*as_run*) and, where there are redraws, with all noise of the
same trainings drawn anew before the pick (the search itself is not run again): few of them where
the model picks, which takes seconds.

Each search is appended to the file of --results as soon as it is known and is not run again.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import optuna
import torch
from noisy_problems import Case, Cases
from problems import KINDS, starting_point

from autopelt.errors import AutopeltError
from autopelt.samplers import make_sampler, suggest
from autopelt.samplers.features import Features
from autopelt.samplers.history import History, Observation
from autopelt.samplers.model import Model
from autopelt.space.tables import Vector
from autopelt.statistics.pareto import front

RULES = ("old", "old score", "new", "random", "tpe", "nsga2", "gp", "ax")
QUICK = ("old", "old score", "new", "random")
HEADLINE = {"new": "again"}
"""The way in which a rule reports; the others report what was observed."""
WAYS = ("observed", "belief", "again", "halving")
REPEATING = WAYS[2:]
HALVING = (6, 3, 1)
FIRST = 20
"""Number of the first problem: those below are search_quality's, which the sampler was tuned on."""
AGAIN = 5
"""One in this many trainings goes to a contender once more."""
CHEAP = 20
"""So many redraws are made of a way that needs no model for each that does."""
COLUMNS = {
    "level": 5, "trials": 6, "rule": 12, "way": 9, "gain": 6, "error": 6, "spreads": 7,
    "worst_tenth": 11, "as_run": 6, "share": 6, "over": 6, "truth": 6, "visited": 7,
    "seconds": 7, "problems": 8,
}  # fmt: skip
"""Of the table: names and widths."""


class Search(NamedTuple):
    """What one row is of."""

    rule: str
    kind: str
    number: int
    level: float
    trials: int


class Rule(Protocol):
    """Chooses what to train."""

    def ask(self) -> Vector:
        """The next point."""

    def tell(self, vector: Vector, score: float) -> None:
        """The score of a training, of a hand-made architecture or of what was asked for."""


class StudyRule:
    """A sampler of ours in an Optuna study.

    Args:
        single: the question is the best score, not the front.
    """

    def __init__(self, case: Case, sampler: str, *, single: bool) -> None:
        self.space, self.single = case.problem.space, single
        rule, _, share = sampler.partition(":")
        options = {"share": float(share or 0)} if share or rule == "old" else {}
        name = "pelt" if rule in ("old", "new") else rule
        made = make_sampler(name, self.space, case.problem.number, **options)
        self.study = optuna.create_study(
            directions=["maximize"] if single else ["maximize", "minimize"], sampler=made
        )
        self.asked: optuna.Trial | None = None

    def ask(self) -> Vector:
        """What the sampler suggests."""
        self.asked = self.study.ask()
        architecture = suggest(self.asked, self.space)
        self.asked.set_user_attr("architecture", architecture.to_json())
        return self.space.encode(architecture)

    def tell(self, vector: Vector, score: float) -> None:
        """A trial of the study."""
        values = [score] if self.single else [score, self.space.cost(vector)]
        if self.asked is None:
            self.study.add_trial(starting_point(self.space, vector, values))
        else:
            self.study.tell(self.asked, values)
            self.asked = None


def rule_of(name: str, case: Case) -> Rule:
    """The rule of that name, at the beginning of a search."""
    sampler, _, question = name.partition(" ")
    if sampler == "ax":
        from ax_rule import AxRule

        return AxRule(case, single=question == "score")
    return StudyRule(case, sampler, single=question == "score")


# ---------------------------------------------------------------------- reading a search
class Reading:
    """What is reported of the trainings of one search.

    Args:
        single: trainings again are for the best architecture alone, else for the front in turn.
        trials: trainings in all; where some are to be repeated, as many fewer of `vectors` count.
        draw: of the noise.
    """

    def __init__(
        self, case: Case, vectors: Sequence[Vector], *, single: bool, trials: int, draw: int
    ) -> None:
        self.case, self.single, self.trials, self.draw = case, single, trials, draw
        scores = case.train(vectors, 0, draw).tolist()
        trainings = enumerate(zip(vectors, scores, strict=True))
        self.observed = [case.observation(n, v, s) for n, (v, s) in trainings]

    def read(self, way: str) -> dict[str, float]:
        """Gain, share and promise, read in one way."""
        case, observed = self.case, self.observed
        model = Model(case.problem.space, Features(case.problem.space))
        if way in REPEATING:
            observed = self._with_repeats(model, way)
        if way == "observed":
            known: dict[str, float] = {}
            for o in observed:
                known[o.architecture.id] = max(o.score, known.get(o.architecture.id, -np.inf))
        else:
            known = {key: belief[0] for key, belief in model.beliefs(observed).items()}
        inside = {
            o.vector: (o.parameters, known[o.architecture.id])
            for o in observed
            if o.vector is not None and o.parameters <= case.problem.space.limit
        }
        points, values = list(inside), list(inside.values())
        pick = max(points, key=lambda v: inside[v][1])
        true, expected = float(case.value([pick])[0]), float(case.expected([pick])[0])
        return {
            "gain": 100 * (true - float(case.value(case.hand_made).max())),
            "share": case.share([points[i] for i in front(values)]),
            "over": 100 * (inside[pick][1] - expected),
            "truth": 100 * (inside[pick][1] - true),
            "trainings": sum(o.vector == pick for o in observed),
        }

    def _with_repeats(self, model: Model, way: str) -> list[Observation]:
        """The trainings with the last ones given to contenders again."""
        known = self.observed[: self.trials - self.trials // AGAIN]
        waiting: list[Observation] = []
        sizes = iter(HALVING)
        for done in range(self.trials // AGAIN):
            if way == "halving":
                waiting = waiting or self._best(model, known, next(sizes, 1))
                chosen = waiting.pop(0)
            else:
                single = self.single or done % 2 == 0
                contender = model.contender(History(observed=known), single)
                assert contender is not None
                chosen = contender
            assert chosen.vector is not None
            score = float(self.case.train([chosen.vector], len(known), self.draw)[0])
            known = [*known, self.case.observation(len(known), chosen.vector, score)]
        return known

    def _best(self, model: Model, known: list[Observation], count: int) -> list[Observation]:
        """Those of the highest expected scores within the budget."""
        beliefs, limit = model.beliefs(known), self.case.problem.space.limit
        distinct = {o.architecture.id: o for o in known if o.parameters <= limit}
        return sorted(distinct.values(), key=lambda o: -beliefs[o.architecture.id][0])[:count]


def search(case: Case, name: str, trials: int, redraws: int, ways: Sequence[str]) -> dict[str, Any]:
    """One search and all that is read of it."""
    rule = rule_of(name, case)
    vectors = list(case.hand_made)
    for vector, score in zip(vectors, case.train(vectors, 0).tolist(), strict=True):
        rule.tell(vector, score)
    spent = 0.0
    searched = trials if set(ways) - set(REPEATING) else trials - trials // AGAIN
    while len(vectors) < searched:
        begun = time.process_time()
        vector = rule.ask()
        spent += time.process_time() - begun
        rule.tell(vector, float(case.train([vector], len(vectors))[0]))
        vectors.append(vector)

    def reading(draw: int) -> Reading:
        single = name.endswith(" score")
        return Reading(case, vectors, single=single, trials=trials, draw=draw)

    found: dict[str, Any] = {}
    for way in ways:
        begun = time.process_time()
        found[way] = reading(0).read(way)
        found[way]["seconds"] = time.process_time() - begun
        many = redraws * (CHEAP if way == "observed" else 1)
        again = [reading(draw).read(way) for draw in range(1, many + 1)]
        found[way]["redrawn"] = [round(r["gain"], 3) for r in again]
        for key in ("share", "over", "truth"):
            found[way][f"redrawn_{key}"] = float(np.mean([r[key] for r in again] or [np.nan]))
    best = float(case.value(vectors).max() - case.value(case.hand_made).max())
    return {
        "spread": 100 * case.noise / case.level,
        "seconds": spent / max(1, len(vectors) - len(case.hand_made)),
        "visited": 100 * best,
        "ways": found,
    }


# ---------------------------------------------------------------------- many of them
class Results:
    """Rows by what they are of; a file of JSON lines."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.found: dict[Search, dict[str, Any]] = {}
        if path is not None and path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                row = json.loads(line)
                self.found[Search(**row.pop("search"))] = row

    def add(self, key: Search, row: dict[str, Any]) -> None:
        """Keep, append and print one row."""
        self.found[key] = row
        text = "; ".join(
            f"{way} {of['gain']:+.2f} (over {of['over']:+.2f}, front {of['share']:.3f})"
            for way, of in row["ways"].items()
        )
        print(
            f"{key.kind:<10} {key.number} level {key.level:g} {key.trials} {key.rule:<10} {text}; "
            f"best trained {row['visited']:+.2f}; {row['seconds']:.2f} s a proposal",
            flush=True,
        )
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"search": key._asdict()} | row) + "\n")


def summary(results: Results) -> list[dict[str, Any]]:
    """Means over problems of each rule and way, by level and trials; kinds apart."""
    made = []
    groups: dict[tuple[str, float, int], list[Search]] = {}
    for key in results.found:
        groups.setdefault((key.rule, key.level, key.trials), []).append(key)
    for (rule, level, trials), keys in groups.items():
        for way in WAYS:
            rows = {k: results.found[k] for k in keys if way in results.found[k]["ways"]}
            if rows:
                line = {"rule": rule, "way": way, "level": level, "trials": trials}
                made.append(line | _means(rows, way))
    return sorted(made, key=lambda m: (m["level"], m["trials"], -m["gain"]))


def _means(rows: dict[Search, dict[str, Any]], way: str) -> dict[str, Any]:
    found = {key: row["ways"][way] for key, row in rows.items()}
    # a problem's gain: over the redraws of the noise, or as it ran where there are none
    gains = {key: float(np.mean(of["redrawn"] or [of["gain"]])) for key, of in found.items()}
    every = [g for of in found.values() for g in (of["redrawn"] or [of["gain"]])]

    def mean(name: str) -> float:
        return float(np.mean([of[name] for of in found.values()]))

    kinds = dict.fromkeys(key.kind for key in rows)
    return {
        "gain": float(np.mean(list(gains.values()))),
        "error": float(np.std(list(gains.values())) / np.sqrt(len(gains))),
        "spreads": float(np.mean([g / rows[key]["spread"] for key, g in gains.items()])),
        "worst_tenth": float(np.quantile(every, 0.1)),
        "as_run": mean("gain"),
        "share": mean("share"),
        "over": mean("over"),
        "truth": mean("truth"),
        "visited": float(np.mean([row["visited"] for row in rows.values()])),
        "seconds": float(np.mean([row["seconds"] for row in rows.values()])),
        "problems": len(rows),
        "kinds": {k: float(np.mean([g for key, g in gains.items() if key.kind == k]))
                  for k in kinds},
    }  # fmt: skip


def table(lines: Sequence[dict[str, Any]]) -> str:
    """The summary for people; a star is the way in which a rule reports."""
    rows = ["", " ".join(f"{name:>{width}}" for name, width in COLUMNS.items()) + "  gain by kind"]
    for m in lines:
        star = "*" if m["way"] == HEADLINE.get(m["rule"].partition(":")[0], "observed") else ""
        kinds = ", ".join(f"{kind} {gain:+.2f}" for kind, gain in m["kinds"].items())
        cells = [f"{m['level']:g}", m["trials"], m["rule"], m["way"] + star]
        cells += [f"{m[name]:.{3 if name == 'share' else 2}f}" for name in tuple(COLUMNS)[4:-1]]
        cells.append(m["problems"])
        aligned = zip(cells, COLUMNS.values(), strict=True)
        rows.append(" ".join(f"{cell:>{width}}" for cell, width in aligned) + f"  {kinds}")
    return "\n".join(rows)


def listed(kind: Callable[[str], Any]) -> Callable[[str], list[Any]]:
    """A reader of values with commas between them."""
    return lambda text: [kind(part.strip()) for part in text.split(",")]


def main() -> None:
    """Run, print every search, end with a table and one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="one problem a kind, level 1, no gp")
    parser.add_argument("--problems", type=int, help="problems of each kind (default: 3)")
    parser.add_argument("--first", type=int, default=FIRST, help="number of the first of them")
    parser.add_argument("--levels", type=listed(float), help="default: 0.5,1,2")
    parser.add_argument("--trials", type=listed(int), help="trainings in all, default: 60,100")
    parser.add_argument("--kinds", type=listed(str), default=list(KINDS))
    parser.add_argument("--rules", type=listed(str), help="default: " + ",".join(RULES))
    parser.add_argument("--ways", type=listed(str), default=list(WAYS[:3]))
    parser.add_argument("--redraws", type=int, default=3, help="of the noise, before model's picks")
    parser.add_argument("--results", type=Path, help="JSON lines that searches are kept in")
    given = parser.parse_args()
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    quick = given.quick
    count = given.problems or (1 if quick else 3)
    results = Results(given.results)
    cases = Cases(given.results and given.results.with_suffix(".problems.json"))
    skipped: set[str] = set()
    for level in given.levels or ([1.0] if quick else [0.5, 1.0, 2.0]):
        for trials in given.trials or ([60] if quick else [60, 100]):
            for number in range(given.first, given.first + count):
                for kind in given.kinds:
                    for name in given.rules or (QUICK if quick else RULES):
                        key = Search(name, kind, number, level, trials)
                        if key in results.found or name in skipped:
                            continue
                        case = cases.case(kind, number, level)
                        try:
                            row = search(case, name, trials, given.redraws, given.ways)
                        except AutopeltError as error:
                            print(f"{name} is skipped: {error}", flush=True)
                            skipped.add(name)
                            continue
                        results.add(key, row)
    lines = summary(results)
    print(table(lines))
    print(json.dumps(lines))


if __name__ == "__main__":
    main()
