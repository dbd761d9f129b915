"""`autopelt predict`: answers for the examples of a file."""

from pathlib import Path
from typing import Any

import click

from autopelt.cli.console import event, for_programs, json_option, say
from autopelt.cli.options import elsewhere, option
from autopelt.errors import UsageError, command


@click.command(short_help="Predict for each example of a file.")
@click.argument("folder")
@click.argument("file")
@click.option(
    "--out", help="File to write: .csv, .tsv, .jsonl, .parquet or .conll.  [default: stdout]"
)
@click.option("--text", help="Column of the text, where it has another name now.")
@click.option("--text-pair", help="Column of the second text.")
@option("encoding", words="Encoding of FILE.", lands="running")
@option("delimiter", words="Character between fields of FILE; tab, blank.", lands="running")
@option("header", words="The first line of FILE names its columns.", lands="running")
@option("columns", words="Names of the columns of FILE, without a header.", lands="running")
@elsewhere
@click.option("--batch-size", type=click.IntRange(1), help="Examples at once.")
@json_option
def predict(
    folder: str,
    file: str,
    out: str | None,
    text: str | None,
    text_pair: str | None,
    model: str | None,
    batch_size: int | None,
    **written: Any,
) -> None:
    """Predict for each example of a file: labels and probabilities, tags, answers or texts.

    FOLDER is a study (its best), a folder of `autopelt train`, or an exported one. FILE is
    as in training, labels aside; its columns are kept. Without --out, JSON lines on stdout. Tags of
    words go to .conll as well: a file of this kind keeps its empty lines and comments.

    \b
    Examples:
      autopelt predict reports/rte-minilm-1pct new.csv --out answers.csv
      autopelt predict models/lora reviews.jsonl --text review
    """
    from autopelt.study.there import require_trained

    if Path(folder).is_file() and Path(file).is_dir():
        raise UsageError(f"the folder comes first: {command('predict', file, folder)}")
    require_trained(folder)
    from autopelt.data.user_files import TAGGED, read, reads_tags
    from autopelt.export import find_trained
    from autopelt.tasks.task_file import form_of
    from autopelt.workflows import predict as workflow

    if out is not None:
        workflow.check_out(Path(out))
    trained = find_trained(folder)
    notes: list[str] = []
    form, tags = form_of(written), trained.head == "token_classification"
    table = read(file, notes, tagged=tags, named=[text or ""], form=form, part="report")
    first = {"token_classification": "words", "seq2seq": "source", "causal_lm": "source"}
    columns = {first.get(trained.head, "text"): text, "text_pair": text_pair}
    if trained.kind == "chat":
        columns = {"messages": text}
    if trained.head == "question_answering":
        columns = {"question": text, "context": text_pair}
    given = {ours: theirs for ours, theirs in columns.items() if theirs is not None}
    predictions = workflow.predict(trained, table, given, model, batch_size)
    rows = workflow.joined(workflow.examples(trained, table, given), predictions)
    if out is None and for_programs():
        for row in rows:
            event("prediction", row=row)
    elif out is None:
        click.echo(workflow.json_lines(rows), nl=False)
    else:
        if Path(out).suffix.lower() in TAGGED and reads_tags(file, tags, form):
            workflow.write_tags(rows, Path(out), Path(file), form)
        else:
            workflow.write_rows(rows, Path(out))
        notes.append(f"Predicted {len(rows)} examples: {out}")
    for note in notes:
        say(note, err=True)
    if for_programs():
        event("done", examples=len(rows), out=out, notes=notes)
