"""What `autopelt doctor` does."""

import json
import os
from pathlib import Path

import click

from autopelt.workflows.doctor import Finding, NotReadyError, as_json, examine, fetch

_MARKS = {"ok": "ok   ", "note": "note ", "wrong": "WRONG"}


def run_doctor(names: tuple[str, ...], data: str | None, try_ray: bool, machine: bool) -> None:
    """Print what this machine has, or load what a run offline needs.

    Raises:
        NotReadyError: no search can run here.
    """
    given = data or os.environ.get("AUTOPELT_DATA")
    folder = None if given is None else Path(given).expanduser()
    looked = (fetch(name, folder) for name in names) if names else examine(try_ray)
    findings = []
    for finding in looked:
        findings.append(finding)
        if not machine:
            click.echo(_line(finding))
    if machine:
        click.echo(json.dumps(as_json(findings), indent=2))
    wrong = [f for f in findings if f.state == "wrong"]
    if wrong:
        raise NotReadyError(f"no search can run here: {wrong[0].name} {wrong[0].words}.")


def _line(finding: Finding) -> str:
    advice = f"; {finding.advice}" if finding.advice else ""
    return f"{_MARKS[finding.state]} {finding.name}: {finding.words}{advice}"
