"""`autopelt export`: a result in another format."""

from pathlib import Path

import click

from autopelt.cli.console import for_programs, json_option, say, tell
from autopelt.cli.options import elsewhere
from autopelt.errors import UsageError, did_you_mean

FORMATS = (
    *("autopelt", "adapters", "peft", "merged", "gguf-ready"),
    *("script", "axolotl", "llama-factory", "csv", "parquet"),
)
"""What a result can be written as, for whoever asks for another before anything is loaded."""


@click.command(short_help="Write the result for another program: peft, vLLM, TRL, …")
@click.argument("folder")
@click.option(
    "--to",
    required=True,
    help=f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}.",
)
@click.option("--out", required=True, help="Folder to make; for csv and parquet, a file.")
@elsewhere
@json_option
def export(folder: str, to: str, out: str, model: str | None) -> None:
    """Write a study's best, or a trained folder, in another format.

    The format autopelt keeps everything; peft and adapters take what these libraries can say;
    merged folds LoRA into a plain Hugging Face folder, and gguf-ready a language model into one for
    llama.cpp. Of a study, csv and parquet are its trials, and script is a short training script
    with its data: of a decoder one for TRL, which axolotl and llama-factory say in their YAML.
    FOLDER may be STUDY:TRIAL, for training elsewhere or where the trial's weights were kept.

    \b
    Examples:
      autopelt export reports/rte-minilm-1pct --to autopelt --out shipped
      autopelt export reports/rte-minilm-1pct/trained --to peft --out lora
      autopelt export reports/rte-minilm-1pct:12 --to script --out experiment
      autopelt export reports/answers --to axolotl --out axolotl
      autopelt export models/answers --to gguf-ready --out answers
    """
    from autopelt.study.there import require_trained

    if to not in FORMATS:
        raise UsageError(f"unknown export target '{to}': {did_you_mean(to, FORMATS)}")
    require_trained(folder)
    from autopelt.export import export, next_step, notes
    from autopelt.export.study import TARGETS, export_study

    told: list[str] = []
    if to in TARGETS:
        written = export_study(folder, to, Path(out))
    else:
        written = export(folder, to, out, model)
        told = notes(folder, to)
    for note in told:
        say(note, err=True)
    step = next_step(to, written)
    if for_programs():
        tell({"to": to, "out": str(written), "notes": told, "next": step})
        return
    say(f"Exported: {written}")
    if step is not None:
        say(step)
