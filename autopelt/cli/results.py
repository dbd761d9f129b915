"""Commands on one architecture or one result, as click sees them."""

import click


@click.command()
@click.argument("architecture")
@click.option("--model", default="minilm", show_default=True, help="Hub name, folder, or minilm.")
@click.option("--model-config", help="A bare config.json instead of a model.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--yaml", "as_yaml", is_flag=True, help="The architecture as YAML.")
def show(
    architecture: str, model: str, model_config: str | None, as_json: bool, as_yaml: bool
) -> None:
    """Show an architecture and what it costs: a seed architecture, a file, or a study's trial.

    STUDY is the study's best, STUDY:12 its trial 12, STUDY:knee the front's knee,
    STUDY:confirmed the best of those that were confirmed.

    \b
    Examples:
      autopelt show unipelt
      autopelt show lora-r8 --model-config config.json --json
      autopelt show reports/rte-minilm-1pct:12
    """
    from autopelt.cli.show import run_show

    run_show(architecture, model, model_config, as_json, as_yaml)


@click.command()
@click.argument("first")
@click.argument("second")
@click.option("--model", help="Hub name, folder, or minilm.  [default: the studies', or minilm]")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def diff(first: str, second: str, model: str | None, as_json: bool) -> None:
    """Say in sentences how two architectures differ: what moved, what it cost, what it gained.

    Each is a seed architecture, a file, STUDY (its best) or STUDY:TRIAL.

    \b
    Examples:
      autopelt diff unipelt lora-r8
      autopelt diff unipelt reports/rte-minilm-1pct
      autopelt diff reports/rte-minilm-1pct:3 reports/rte-minilm-1pct:41
    """
    from autopelt.cli.show import run_diff

    run_diff(first, second, model, as_json)


@click.command()
@click.argument("study")
@click.option("--architecture", help="Another one: a seed architecture, a file, or STUDY:TRIAL.")
@click.option("--out", help="Folder to write.  [default: STUDY/trained]")
@click.option("--epochs", type=int, help="Epochs.  [default: the study's]")
@click.option("--random-seed", type=int, help="Random seed.  [default: the best trial's]")
@click.option("--data", help="Folder with the task's files.  [default: the study's]")
@click.option("--force", is_flag=True, help="Replace what STUDY/trained holds.")
def train(
    study: str,
    architecture: str | None,
    out: str | None,
    epochs: int | None,
    random_seed: int | None,
    data: str | None,
    force: bool,
) -> None:
    """Train a study's best architecture on its task and write a folder to keep.

    STUDY:12 trains trial 12 instead, STUDY:knee the front's knee, STUDY:confirmed the
    best of those that were confirmed.

    \b
    Examples:
      autopelt train reports/rte-minilm-1pct
      autopelt train reports/rte-minilm-1pct:12 --out models/trial-12
      autopelt train reports/rte-minilm-1pct --architecture lora-r8 --out models/lora
    """
    from autopelt.cli.show import run_train

    run_train(study, architecture, out, epochs, random_seed, data, force)


@click.command()
@click.argument("folder")
@click.option("--model", help="The backbone, if it lies elsewhere now.")
@click.option("--data", help="The task's files, if they lie elsewhere now.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def evaluate(folder: str, model: str | None, data: str | None, as_json: bool) -> None:
    """Score a trained folder on its task's report split.

    \b
    Examples:
      autopelt evaluate reports/rte-minilm-1pct/trained
      autopelt evaluate models/lora --data glue --json
    """
    from autopelt.cli.show import run_evaluate

    run_evaluate(folder, model, data, as_json)


@click.command()
@click.argument("folder")
@click.argument("file")
@click.option("--out", help="File to write: .csv, .tsv, .jsonl or .parquet.  [default: stdout]")
@click.option("--text", help="Column of the text, where it has another name now.")
@click.option("--text-pair", help="Column of the second text.")
@click.option("--model", help="The backbone, if it lies elsewhere now.")
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
    from autopelt.cli.show import run_predict

    run_predict(folder, file, out, text, text_pair, model, batch_size)


@click.command()
@click.argument("folder")
@click.option("--to", required=True, help="autopelt, adapters, peft, merged, csv, parquet, script.")
@click.option("--out", required=True, help="Folder to make; for csv and parquet, a file.")
@click.option("--model", help="The backbone, if it lies elsewhere now.")
def export(folder: str, to: str, out: str, model: str | None) -> None:
    """Write a study's best, or a trained folder, in another format.

    The format autopelt keeps everything; peft and adapters take what these libraries can say;
    merged folds LoRA into a plain Hugging Face folder. Of a study, csv and parquet are its trials,
    and script is a short training script with its data, also for STUDY:TRIAL.

    \b
    Examples:
      autopelt export reports/rte-minilm-1pct --to autopelt --out shipped
      autopelt export reports/rte-minilm-1pct/trained --to peft --out lora
      autopelt export reports/rte-minilm-1pct:12 --to script --out experiment
    """
    from autopelt.cli.show import run_export

    run_export(folder, to, out, model)


COMMANDS = (show, diff, train, evaluate, predict, export)
