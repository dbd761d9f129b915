"""`autopelt doctor`: what this machine has, or what a run offline needs."""

from dataclasses import asdict
from pathlib import Path

import click

from autopelt.cli.console import for_programs, json_option, say, tell
from autopelt.cli.options import option

_MARKS = {"ok": "ok   ", "note": "note ", "wrong": "WRONG"}


@click.command(short_help="Look at this machine, or what a run offline needs.")
@click.option("--fetch", multiple=True, help="Load a model or task for a later run offline.")
@option("data", words="Folder with tasks' files, for --fetch.")
@click.option("--no-ray", is_flag=True, help="Do not try whether Ray starts.")
@json_option
def doctor(fetch: tuple[str, ...], data: str | None, no_ray: bool) -> int:
    """Look at this machine: versions, CPU and GPU, memory, disk, the Hub and its cache, Ray.

    Ends with 3 where something is missing that every search needs.

    \b
    Examples:
      autopelt doctor
      autopelt doctor --fetch google-bert/bert-base-uncased --fetch rte
    """
    from autopelt.workflows import doctor
    from autopelt.workflows.settings import data_folder

    folder = data_folder(data)
    place = None if folder is None else Path(folder)
    looked = (doctor.fetch(n, place) for n in fetch) if fetch else doctor.examine(not no_ray)
    findings = []
    for finding in looked:
        findings.append(finding)
        if not for_programs():
            advice = f"; {finding.advice}" if finding.advice else ""
            say(f"{_MARKS[finding.state]} {finding.name}: {finding.words}{advice}")
    wrong = [f for f in findings if f.state == "wrong"]
    if for_programs():
        tell({"ready": not wrong, "findings": list(map(asdict, findings))})
        return doctor.NotReadyError.exit_code if wrong else 0
    if wrong:
        raise doctor.NotReadyError(f"no search can run here: {wrong[0].name} {wrong[0].words}.")
    return 0
