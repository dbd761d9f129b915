"""What `autopelt search --dry-run` does."""

import json
from dataclasses import asdict
from typing import Any

import click

from autopelt.errors import InfeasibleError
from autopelt.system.units import format_bytes, format_seconds, format_share
from autopelt.training.results import TrialFailure
from autopelt.workflows.plan import Plan, make_plan
from autopelt.workflows.price import Price, price
from autopelt.workflows.settings import resolve_config


def run_dry_run(config_file: str | None, flags: dict[str, Any], as_json: bool) -> None:
    """Price a study without starting it; writes nothing."""
    plan = make_plan(resolve_config(config_file, flags), "")
    try:
        found = price(plan)
    except TrialFailure as error:
        raise InfeasibleError(f"a trial would fail: {error}.") from None
    click.echo(json.dumps(asdict(found)) if as_json else "\n".join(lines(plan, found)))


def lines(plan: Plan, found: Price) -> list[str]:
    """The price for a person."""
    config, backbone = plan.config, plan.facts["backbone"]
    whole = backbone["parameters"]
    quantiles = [f"{n:,} ({format_share(n / whole)})" for n in found.parameters.values()]
    return [
        f"space {config.space.name}: {len(plan.space.dimensions)} choices, about "
        f"10^{found.log10_size:.1f} architectures, "
        f"{found.feasible_share:.1%} of them within {plan.limit:,} parameters",
        f"parameters of a trial: {quantiles[0]} to {quantiles[-1]}, half of them "
        f"{quantiles[1]} to {quantiles[3]}",
        f"time: {format_seconds(found.step_seconds)} a step, "
        f"{format_seconds(found.score_seconds)} to score, so about "
        f"{format_seconds(found.trial_seconds)} a trial of {config.training.epochs} epochs; "
        f"{format_seconds(found.study_seconds)} for {config.trials} trials, {config.workers} at a "
        f"time (the sampler's own time and what the caches save are not counted)",
        f"disk: at most {format_bytes(found.disk_bytes)}",
        *([] if plan.warm is None else [plan.warm.words(config.sampler)]),
        "Nothing was started. The same command without --dry-run runs the study.",
    ]
