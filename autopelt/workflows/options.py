"""What a study may be told: each option once, with its type, default, words, and where it lands.

The options of ``autopelt search``, ``resume``, ``compare`` and others, the keywords of
`autopelt.search`, and docs/commands.md are made of this table; settings sorts values by it. It
imports neither click nor anything heavy.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from autopelt.errors import nearest

THE_TASKS = "the task's own"
CONFIRM_SEEDS, CONFIRM_TOP = 5, 3
"""A confirmation's random seeds where the study says nothing, and most architectures a role."""


def names(given: Any) -> Any:
    """Of names between commas, or ``none``, a list."""
    if not isinstance(given, str):
        return given
    return [name for part in given.split(",") if (name := part.strip()) not in ("", "none")]


def number_or_off(given: Any) -> Any:
    """Of digits the number, of ``off`` 0; of anything else itself, which is then refused."""
    if not isinstance(given, str):
        return given
    return 0 if given == "off" else int(given) if given.isdecimal() else given


_OTHER_WORDS = {
    "validation": "dev valid val eval",
    "delimiter": "sep separator",
    "columns": "names column_names",
    "label_names": "class_names labels",
    "trials": "n n_trials num_trials max_trials iterations n_iter",
    "epochs": "e num_epochs num_train_epochs max_epochs",
    "batch_size": "bs per_device_train_batch_size train_batch_size",
    "train_examples": "max_train_samples",
    "selection_examples": "max_eval_samples eval_examples validation_examples",
    "report_examples": "max_predict_samples max_test_samples test_examples",
    "max_length": "max_len max_seq_length seq_len max_seq_len",
    "learning_rate": "lr",
    "learning_rate_factor": "lr learning_rate lr_factor",
    "random_seed": "seed s",
    "out": "o output output_dir outdir output_folder save save_dir",
    "task": "t dataset dataset_name benchmark",
    "model": "m model_name model_name_or_path backbone pretrained checkpoint",
    "budget": "b params max_params limit max_parameters",
    "workers": "j jobs n_jobs num_workers parallel gpus processes",
    "score": "metric metrics",
    "space": "methods method peft search_space",
    "sampler": "algorithm algo optimizer strategy",
    "trial_timeout": "timeout time",
    "precision": "dtype fp16 bf16 torch_dtype load_in_4bit load_in_8bit",
    "storage": "db database",
    "early_stopping": "patience asha hyperband pruner",
    "ray_address": "address cluster",
    "config": "c cfg config_file",
    "to": "f format",
    "seeds": "baselines seed_architectures",
    "train": "d file train_file input",
    "data": "data_dir data_folder",
    "architecture": "a arch",
}
"""Option -> what others call it, between blanks; only to say so. The first that a command has."""


def option_meant(given: str, known: Iterable[str]) -> str | None:
    """The option that is meant by an unknown name, of those that there are.

    What others call it comes first, then the nearest name.
    """
    there, word = list(known), given.strip("-").replace("-", "_").lower()
    others = (name for name, words in _OTHER_WORDS.items() if word in words.split())
    return next((name for name in others if name in there), None) or nearest(word, there, 0.7)


@dataclass(frozen=True)
class Option:
    """One choice of a study.

    Attributes:
        name: as Python has it; the command line writes ``--name`` with dashes.
        words: what it is, in one line.
        default: the default of the field where it lands.
        otherwise: words for the default, where it is no fixed value.
        type: of its values.
        lands: in which part of a study: a field of `StudyConfig` or of its ``training``, a key of
            the user's own task (`TaskFile`), or only in how a search runs.
        field: its name there, where that is another.
        free: it may change while a study goes on.
        parse: of what is given, what a configuration file has.
    """

    name: str
    words: str
    default: object = None
    otherwise: str = ""
    type: type = str
    lands: Literal["study", "training", "own data", "running"] = "study"
    field: str = ""
    free: bool = False
    parse: Callable[[Any], Any] = lambda value: value

    @property
    def help(self) -> str:
        """Its words and its default."""
        default = self.otherwise or ("no" if self.default is False else self.default)
        words = f"Own data: {self.words}" if self.lands == "own data" else self.words
        return words if default is None else f"{words}  [default: {default}]"


OPTIONS = {
    option.name: option
    for option in (
        Option("task", "Task to train and score on, or a task file; autopelt list tasks."),
        Option("model", "Hub name, folder, or minilm.", "minilm"),
        Option("revision", "Revision of a Hub model."),
        Option(
            "backbone_description", "YAML that says where things are in the model: backbone.yaml."
        ),
        Option("own_methods", "Python file, run here, that registers methods of your own."),
        Option("budget", "Most trainable parameters: 1%, 300k.", "1%"),
        Option("min_budget", "Fewest trainable parameters, like the budget."),
        Option("space", "Search space, by name or file.", "mixed"),
        Option("sampler", "Who proposes: pelt, random, tpe, nsga2, gp, autopeft.", "pelt"),
        Option(
            "objectives",
            "score: best within the budget; score,params and any of latency, memory, forgetting, "
            "drift: front; both. Limits: both,latency<1.2.",
            "both",
        ),
        Option(
            "general_text",
            "Text file for forgetting and drift, a passage a line.",
            otherwise="a built-in one",
        ),
        Option(
            "early_stopping", "Stop trials that can hardly become worth choosing.", False, type=bool
        ),
        Option("trials", "Trials of the study in total.", 60, THE_TASKS, int, free=True),
        Option(
            "repeats",
            "Trials that train the best architectures again, at the end; off for none.",
            otherwise="a fifth of the trials",
            free=True,
            parse=number_or_off,
        ),
        Option("workers", "Trials at once.", 2, "2, or the cores", int, free=True),
        Option(
            "trials_per_worker",
            "Trials that share a batch in one worker, for large GPUs.",
            1,
            type=int,
        ),
        Option("trial_timeout", "A trial that takes longer fails: 90s, 30m; or none.", free=True),
        Option("epochs", "Epochs of a trial.", 5, THE_TASKS, int, "training"),
        Option("batch_size", "Examples a batch.", 16, THE_TASKS, int, "training"),
        Option("max_length", "Tokens an example may have.", None, THE_TASKS, int, "training"),
        Option("train_examples", "Train on this many examples.", None, "all", int, "training"),
        Option(
            "selection_examples",
            "Judge trials on this many examples.",
            None,
            "all",
            int,
            "training",
        ),
        Option(
            "report_examples",
            "Test what is confirmed on this many examples.",
            None,
            "all",
            int,
            "training",
        ),
        Option("learning_rate_factor", "Factor on all rates.", 1.0, THE_TASKS, float, "training"),
        Option(
            "precision",
            "Frozen weights: fp32, bf16, int8, nf4 (the extra quantized), or auto: kept in fp32, "
            "multiplied in bf16 where faster.",
            "auto",
            lands="training",
        ),
        Option("schedule", "How rates fall: linear, cosine.", "linear", lands="training"),
        Option(
            "packing",
            "Several examples in a row of a decoder: on, off, or auto: where padding costs more.",
            "auto",
            lands="training",
        ),
        Option(
            "gradient_checkpointing",
            "Compute layers twice, for a fraction of the memory.",
            False,
            type=bool,
            lands="training",
        ),
        Option(
            "margin",
            "How much lower a score may be to be as good.",
            otherwise="one standard error of the selection split",
            type=float,
            free=True,
        ),
        Option("confirm_seeds", "Confirm the best with so many seeds.", type=int, free=True),
        Option("random_seed", "Seed of all randomness.", 0, type=int),
        Option(
            "seeds",
            "Seed architectures, comma-separated, or none.",
            field="seed_architectures",
            parse=names,
        ),
        Option("warm_start", "Learn from this study, of another task perhaps."),
        Option(
            "cache_memory",
            "Most memory for states of the frozen layers: 4GiB, off.",
            otherwise="a quarter of what is free",
            free=True,
        ),
        Option("data", "Folder with the task's files, else AUTOPELT_DATA."),
        Option(
            "storage", "Database of the trials: postgresql://USER@HOST/NAME.", otherwise="study.db"
        ),
        Option(
            "tensorboard", "Write TensorBoard's files of each trial.", False, type=bool, free=True
        ),
        *(
            Option(name, words, lands="own data", otherwise=otherwise)
            for name, words, otherwise in (
                ("train", "CSV, TSV, Excel, JSON, Parquet, CoNLL, or a Hub name.", ""),
                ("validation", "selection split.", "cut"),
                ("test", "report split.", "cut"),
                ("text", "column of the text, or of paths of pictures or sounds.", ""),
                ("text_pair", "column of the second text.", ""),
                ("choices", "columns of choices, one of lists or several.", ""),
                ("negatives", "columns of texts that do not fit a query.", ""),
                ("label", "column of the label.", ""),
                ("label_names", "names of its numbers: bad,good or 1=bad,2=good.", ""),
                ("separator", "what stands between an example's labels.", "found out"),
                ("sentence", "column that tells which sentence a word is of.", ""),
                ("target", "column of the text to generate.", ""),
                ("train_target", "lines aligned with train.", ""),
                ("validation_target", "lines aligned with validation.", ""),
                ("test_target", "lines aligned with test.", ""),
                ("kind", "classification, regression, and so on.", ""),
                ("score", "the score to optimise, or FILE.py:FUNCTION for texts.", ""),
                ("group", "column of groups that are scored each, as language.", ""),
                ("positive", "the class of two that f1 is about.", "the rarer one"),
                ("class_weights", "balanced: all classes count the same in training.", ""),
                ("chat_template", "Jinja file for chats.", "the tokenizer's"),
                ("loss_on", "answers of a chat that are learnt: answers, last.", "answers"),
                ("too_long", "what becomes of long texts and chats: cut, drop, error.", "cut"),
                ("prefix", "words before each text of a T5.", ""),
                ("encoding", "of the files.", "found out"),
                ("delimiter", "character between fields; tab, blank.", "found out"),
                ("columns", "names of the columns of files without a header.", ""),
            )
        ),
        Option(
            "header",
            "the first line names the columns.",
            True,
            "yes",
            type=bool,
            lands="own data",
        ),
        Option(
            "generate",
            "texts to write for examples of a split, scored beside the loss.",
            0,
            "none",
            type=int,
            lands="own data",
        ),
        Option("ray_address", "A running Ray cluster: auto, or HOST:PORT.", lands="running"),
    )
}
"""Name -> option, in the order of the help."""
