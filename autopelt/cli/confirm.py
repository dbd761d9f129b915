"""What `autopelt confirm` does, once its flags are parsed."""

from pathlib import Path

from rich.console import Console
from rich.table import Table

from autopelt.cards.confirmation import collapses
from autopelt.cards.next_steps import to_train_and_export
from autopelt.cards.verdict import lead, verdict
from autopelt.cards.wording import around, gap_words, name, score
from autopelt.errors import UnexpectedEndError, UsageError
from autopelt.study.confirmation import FOUND, chosen
from autopelt.study.confirmation import SEED as SEED_ROLE
from autopelt.study.record import StudyRecord
from autopelt.study.storage import StudyStorage, explained
from autopelt.system.lock import locked
from autopelt.system.signals import Stopped
from autopelt.workflows.compatibility import changed_facts
from autopelt.workflows.confirm import TOP, confirm
from autopelt.workflows.plan import Plan, make_plan

SEEDS = 5


def run_confirm(study: str, seeds: int | None, top: int | None, workers: int | None) -> None:
    """Confirm a study and print the verdict."""
    folder = Path(study)
    opened = StudyStorage.open(folder)
    plan = make_plan(opened.config, opened.record().command, folder)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    record = confirm_study(plan, folder, console, seeds=seeds, top=top, workers=workers)
    console.print(lead(verdict(record)))
    console.print(f"Report: {folder / 'index.html'}")
    console.print(f"Train:  autopelt train {to_train_and_export(record, study)[0]}")


def confirm_study(
    plan: Plan,
    folder: Path,
    console: Console,
    *,
    seeds: int | None = None,
    top: int | None = None,
    workers: int | None = None,
) -> StudyRecord:
    """Confirm under the study's lock and print the table.

    Raises:
        UsageError: the study's data or model has changed, or another process works on it.
        UnexpectedEndError: the user stopped it.
    """
    with locked(folder), explained(folder, plan.config.storage):
        opened = StudyStorage.open(folder)
        changed = opened.begun_with().differences(plan.config)
        changed += changed_facts(opened.record(), plan)
        if changed:
            raise UsageError(
                f"study '{folder}' cannot be confirmed, it is not what was searched any more "
                f"({'; '.join(changed)}); put it back, or search again."
            )
        try:
            record = confirm(
                opened,
                plan,
                seeds=seeds if seeds is not None else plan.config.confirm_seeds or SEEDS,
                top=TOP if top is None else top,
                workers=plan.config.workers if workers is None else max(1, workers),
                say=lambda text: console.print(text, highlight=False, markup=False, soft_wrap=True),
            )
        except Stopped:
            raise UnexpectedEndError(
                f"stopped; nothing is lost. Go on with: autopelt confirm {folder}"
            ) from None
    console.print()
    console.print(confirmed_table(record))
    console.print()
    if words := collapses(record):
        console.print(f"{words}\n", highlight=False, markup=False, soft_wrap=True)
    return record


def confirmed_table(record: StudyRecord) -> Table:
    """Confirmed architectures for the terminal, the best first."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    columns = ("architecture", "seeds", f"report {record.metric}", "spread", "against best by hand")
    for column in columns:
        made.add_column(column, justify="left" if column == "architecture" else "right")
    labels = {t.number: t for t in record.trials}
    best = chosen(record.confirmed, SEED_ROLE)
    for c in sorted(record.confirmed, key=lambda c: -(c.mean.mean if c.mean else -1e9)):
        words = name(labels[c.trial]) if c.trial in labels else f"trial {c.trial}"
        gap = c.against(best) if best is not None and best is not c else None
        made.add_row(
            words + ("" if c.role == FOUND else "  (by hand)"),
            str(len(c.scored)),
            around(c.mean) or "failed",
            score(c.spread),
            gap_words(gap) or "–",
        )
    return made
