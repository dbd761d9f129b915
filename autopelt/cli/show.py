"""`autopelt show`: an architecture and what it costs."""

from typing import TYPE_CHECKING, Any

import click

from autopelt.cli.console import for_programs, json_option, say, tell
from autopelt.cli.options import option
from autopelt.errors import UsageError

if TYPE_CHECKING:
    from autopelt.architecture.budget import Count
    from autopelt.study.lookup import Named


@click.command(short_help="Show an architecture and what it costs.")
@click.argument("architecture")
@option("model", otherwise="the study's, or minilm")
@option("backbone_description")
@option("own_methods")
@click.option("--model-config", help="A bare config.json instead of a model.")
@json_option
@click.option("--yaml", "as_yaml", is_flag=True, help="The architecture as YAML.")
def show(
    architecture: str,
    model: str | None,
    backbone_description: str | None,
    own_methods: str | None,
    model_config: str | None,
    as_yaml: bool,
) -> None:
    """Show an architecture and what it costs: a seed architecture, a file, or a study's trial.

    STUDY is the study's best, STUDY:12 its trial 12, STUDY:knee the front's knee, STUDY:smallest
    the smallest that is as good as the best, STUDY:confirmed the best of those that were confirmed.

    \b
    Examples:
      autopelt show unipelt
      autopelt show lora-r8 --model-config config.json --json
      autopelt show reports/rte-minilm-1pct:12
    """
    from autopelt.architecture.counter import ShapeCounter
    from autopelt.backbones.description import load
    from autopelt.backbones.sizes import sizes_in_file, sizes_of
    from autopelt.backbones.source import resolve
    from autopelt.methods.own_file import run_own_file
    from autopelt.study.lookup import find_architecture, split_study

    if own_methods is not None:
        run_own_file(own_methods)
    head_of, outputs = "sequence_classification", 2
    family = None if backbone_description is None else load(backbone_description)
    place = split_study(architecture)
    if place is not None:
        from autopelt.study.config import require_no_own_loop
        from autopelt.study.reading import read_study
        from autopelt.tasks import make_task
        from autopelt.training.spec import Setup

        opened = read_study(place[0])
        if model is None and model_config is None:
            require_no_own_loop(opened.config.own_loop)
        setup = Setup.of(opened.config)
        model, family = model or setup.model, family or setup.backbone
        if opened.config.own_loop is None:
            task = make_task(opened.config.task)
            head_of, outputs = task.head, len(opened.facts.task.labels) or task.outputs
    if model_config is not None:
        sizes = sizes_in_file(model_config)
    else:
        sizes = sizes_of(resolve(model or "minilm", family))
    named = find_architecture(architecture, sizes.shapes)
    count = ShapeCounter(sizes.shapes).count(named.architecture)
    try:
        head = sizes.head(head_of, outputs) if outputs else None
    except UsageError:  # a family that only generates
        head = None
    if for_programs():
        tell(_values(named, count, head))
    elif as_yaml:
        click.echo(named.architecture.to_yaml(), nl=False)
    else:
        apart = (
            []
            if head is None
            else [f"task head, apart: {head:,} for {outputs} output{'' if outputs == 1 else 's'}"]
        )
        say("\n".join([*_costs(named, count), *apart, *_scores(named)]))


def _values(named: "Named", count: "Count", head: int | None) -> dict[str, Any]:
    """The same for a program."""
    from autopelt.views.json_events import scored

    study, trial = named.study, named.trial
    measured = study is not None and trial is not None and trial.score is not None
    return {
        "name": named.name,
        "id": named.architecture.id,
        "words": named.architecture.describe(),
        "trained": count.trained,
        "deployed": count.deployed,
        "share": count.share,
        "backbone_parameters": count.backbone,
        "head": head,
        "trial": scored(study, trial) if study is not None and measured else None,
    }


def _costs(named: "Named", count: "Count") -> list[str]:
    from autopelt.system.units import format_share

    more = " (with the networks that are folded away)" if count.trained > count.deployed else ""
    return [
        f"{named.name}  [{named.architecture.id}]",
        *(f"  {words}" for words in named.architecture.describe().split(" · ")),
        f"deployed {count.deployed:,} parameters, {format_share(count.share)} of the backbone's "
        f"{count.backbone:,}",
        f"trained  {count.trained:,} parameters{more}",
    ]


def _scores(named: "Named") -> list[str]:
    """What a study measured of it."""
    from autopelt.study.objectives import COSTS, format_cost

    study, trial = named.study, named.trial
    if study is None or trial is None or trial.score is None:
        return []
    from autopelt.cards.expectation import measured, plain_score

    seed = ", one random seed" if plain_score(study, trial) else ""
    return [
        f"{measured(study, trial)}, trial {trial.number}{seed}, selection split",
        *(f"{c} {format_cost(c, study.cost(trial, c))} {COSTS[c].against}" for c in study.watched),
    ]
