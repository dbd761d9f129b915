"""`autopelt compare`: methods against each other on one task, with equal effort for each."""

from pathlib import Path
from typing import Any

import click

from autopelt.cli.console import echo_table, event, for_programs, json_option, say, talk
from autopelt.cli.options import as_typed, option, options
from autopelt.errors import UnexpectedEndError, UsageError

FURTHER = 3
"""How often the usual rates are doubled or halved further, while the best is at their end."""


@click.command(short_help="Hold methods against each other with equal effort for each.")
@option("task", required=True)
@click.option("--methods", required=True, help="Comma-separated; see above.")
@click.option("--seeds", default=5, show_default=True, help="Random seeds a method.")
@click.option(
    "--rates",
    show_default="0.5,1,2, and beyond the best at an end",
    help="Factors on the learning rates to try, and no others.",
)
@click.option(
    "--rate-seeds", default=1, show_default=True, help="Random seeds a rate is tried with."
)
@option("budget", words="Refuse methods above it: 1%, 300k.", otherwise="none")
@click.option("--budgets", help="Compare at each of several: 0.05%,0.2%,1%.")
@click.option(
    "--finalists",
    type=int,
    show_default="all; with --budgets 2",
    help="Methods by hand a budget that all seeds are spent on.",
)
@option("margin", words="With --budgets: how much lower a score may be to be as good.")
@options("model", "revision", "backbone_description", "own_methods", "data")
@option("workers", words="Trainings at once.")
@option("epochs", words="Epochs of a training.")
@options("batch_size", "max_length", "train_examples", "selection_examples", "report_examples")
@options("schedule", "packing", "gradient_checkpointing", "random_seed")
@click.option("--out", help="Folder to write.  [default: reports/compare-TASK]")
@json_option
def compare(
    methods: str,
    seeds: int,
    rates: str | None,
    rate_seeds: int,
    budget: str | None,
    budgets: str | None,
    finalists: int | None,
    out: str | None,
    **given: Any,
) -> None:
    """Hold methods against each other on one task, with equal effort for each.

    A method is a seed architecture (unipelt, lora-r8, adapterdrop-3, head-only, full), a file,
    STUDY:best or STUDY:TRIAL. NAME~ is shrunk to --budget; NAME@MODEL sits on another model.

    Every method chooses its learning rate from the same few by the selection split (and from
    up to three more where the best is at an end of these), is trained with the same fresh random
    seeds, and scored on the report split; time, memory, latency and energy are measured alone. Goes
    on where it stopped.

    --budgets makes a table of several: methods by hand are shrunk to each, STUDY:best gives at each
    what it expects most of within it. Every method chooses its rate; all seeds are spent on what
    was found, on the best --finalists by hand of each budget, and on what may be the smallest that
    is as good as the best by hand of the largest.

    \b
    Examples:
      autopelt compare --task demo --methods unipelt,lora-r8,full --seeds 3
      autopelt compare --task rte --methods lora-r8,reports/rte-minilm-1pct:best --seeds 5
      autopelt compare --task rte --methods sapa,reports/rte:best,full --budgets 0.05%,0.2%,1%
      autopelt compare --task rte --methods full,full@models/tapt,lora-r8@models/tapt
    """
    from autopelt.architecture.budget import Budget
    from autopelt.cards.at_budgets import sentences
    from autopelt.cards.comparison_rows import at_the_end, collapses, learned_nothing
    from autopelt.system.lock import locked
    from autopelt.system.signals import Stopped
    from autopelt.views.tables import budgets_table, comparison_table
    from autopelt.workflows.compare import Comparison
    from autopelt.workflows.compared import find_methods, methods_within, several_budgets
    from autopelt.workflows.settings import resolve_config

    config = resolve_config(None, given)
    names, offered = _between_commas(methods), _rates(rates or "0.5,1,2")
    swept = len(offered) > 1
    several: tuple[Budget, ...] = ()
    if budgets is not None:
        if budget is not None:
            raise UsageError("give --budget or --budgets, not both.")
        several = several_budgets(_between_commas(budgets), config)
        chosen = methods_within(names, config, several, swept=swept)
    else:
        if config.margin is not None:
            raise UsageError("--margin is for --budgets; give both or neither.")
        one = None if budget is None else Budget.parse(budget)
        chosen = find_methods(names, config, one, swept=swept)
    folder = Path(out or f"reports/compare-{Path(given['task']).stem}")
    comparison = Comparison(
        folder,
        config,
        tuple(chosen),
        seeds,
        offered,
        as_typed(),
        rate_seeds,
        further=FURTHER if rates is None else 0,
        finalists=2 if several and finalists is None else finalists,
        budgets=tuple(map(str, several)),
    )
    with locked(folder):
        try:
            record = comparison.run(talk)
        except Stopped:
            raise UnexpectedEndError(
                f"stopped; nothing is lost. The same command with --out {folder} goes on."
            ) from None
    rows = comparison.rows()
    made = comparison.at_budgets(rows, record.task)
    notes = [*filter(None, (learned_nothing(rows), collapses(rows), at_the_end(rows)))]
    if for_programs():
        from autopelt.views.json_repeated import compared

        files = ["index.html", "table.csv", *(["budgets.csv"] if made is not None else [])]
        notes = [*(sentences(made) if made is not None else []), *notes]
        known = {"folder": str(folder), "metric": record.metric, "notes": notes}
        known["files"] = [str(folder / name) for name in files]
        event("done", **known, methods=compared(rows))
        return
    if made is not None:
        echo_table(budgets_table(made))
        say("\n".join(sentences(made)))
    echo_table(comparison_table(rows))
    for words in notes:
        say(f"{words}\n")
    say(f"Report: {folder / 'index.html'}\nTable:  {folder / 'table.csv'}")
    if made is not None:
        say(f"Budgets: {folder / 'budgets.csv'}")


def _between_commas(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _rates(text: str) -> tuple[float, ...]:
    try:
        return tuple(dict.fromkeys(map(float, _between_commas(text))))
    except ValueError:
        raise UsageError(f"--rates '{text}' must be factors, like 0.5,1,2.") from None
