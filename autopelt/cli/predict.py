"""`autopelt predict`: answers for the examples of a file."""

from pathlib import Path

import click

from autopelt.cli.options import elsewhere


@click.command()
@click.argument("folder")
@click.argument("file")
@click.option("--out", help="File to write: .csv, .tsv, .jsonl or .parquet.  [default: stdout]")
@click.option("--text", help="Column of the text, where it has another name now.")
@click.option("--text-pair", help="Column of the second text.")
@elsewhere
@click.option("--batch-size", type=click.IntRange(1), help="Examples at once.")
def predict(
    folder: str,
    file: str,
    out: str | None,
    text: str | None,
    text_pair: str | None,
    model: str | None,
    batch_size: int | None,
) -> None:
    """Predict for each example of a file: labels and probabilities, tags, answers or texts.

    FOLDER is a study (its best), a folder of `autopelt train`, or an exported one. FILE is CSV,
    TSV, JSON lines or Parquet; its columns are kept. Without --out, JSON lines on stdout.

    \b
    Examples:
      autopelt predict reports/rte-minilm-1pct new.csv --out answers.csv
      autopelt predict models/lora reviews.jsonl --text review
    """
    from autopelt.data.user_files import read
    from autopelt.export import find_trained
    from autopelt.workflows.predict import check_ending, joined, json_lines, predict, write_rows

    if out is not None:
        check_ending(Path(out))
    trained = find_trained(folder)
    notes: list[str] = []
    table = read(file, notes, tagged=trained.head == "token_classification")
    first = {"token_classification": "words", "seq2seq": "source", "causal_lm": "source"}
    columns = {first.get(trained.head, "text"): text, "text_pair": text_pair}
    if trained.head == "question_answering":
        columns = {"question": text, "context": text_pair}
    given = {ours: theirs for ours, theirs in columns.items() if theirs is not None}
    rows = joined(table, predict(trained, table, given, model, batch_size))
    if out is None:
        click.echo(json_lines(rows), nl=False)
    else:
        write_rows(rows, Path(out))
        notes.append(f"Predicted {len(rows)} examples: {out}")
    for note in notes:
        click.echo(note, err=True)
