"""New bad inputs, as many as are wanted: what does each command say to them?

    python tests/hostile/fuzz.py --inputs 1500 --seed 0

Valid files are spoiled (bytes flipped, cut, doubled; values of every type at every place), options
get values of every kind, members of a study are damaged. Each input goes through the real command
line in this process. What an answer must be is `refusals.faults`'s to say; an input that turns out
to be right may succeed, but not in silence.
"""

import argparse
import collections
import io
import json
import os
import random
import shlex
import shutil
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import click
import hypothesis
import pandas as pd
import spoiled
import yaml
from hypothesis import strategies as st
from refusals import Answer, ask, faults, shown_wrongly
from spoiled import as_json, as_yaml

from autopelt.cli.main import cli

HANGS = 60
"""Seconds after which an input counts as one that hangs."""

SOON = 2.0
"""CPU seconds within which what is bad is refused."""


@dataclass(frozen=True)
class Attack:
    """One bad input: a file's bytes, where they go, and the command line.

    Attributes:
        kind: its subject.
        words: the command line, in the folder of `Stage`.
        file: path within that folder; "" for none.
        content: of the file.
    """

    kind: str
    words: tuple[str, ...]
    file: str = ""
    content: bytes = b""


ROWS = [{"text": f"the cat {n} sat", "label": "yes" if n % 2 else "no"} for n in range(60)]
ANSWERS = [
    {"context": f"Acme{n} is in Berlin", "question": "where ?",
     "answers": {"text": ["Berlin"], "answer_start": [9 + len(str(n))]}}
    for n in range(40)
]  # fmt: skip
CHATS = [
    {
        "messages": [
            {"role": "user", "content": f"why {n} ?"},
            {"role": "assistant", "content": "so"},
        ]
    }
    for n in range(40)
]
CHOICES = [
    {"question": f"what {n} ?", "options": ["a", "b", "c"], "answer": "AB"[n % 2]}
    for n in range(40)
]
TOPICS = [{"text": f"it rained {n}", "label": ["rain", "cat"][: n % 3]} for n in range(40)]
NUMBERS = [{"text": f"the cat {n}", "label": 0.5 * (n % 5)} for n in range(40)]
PAIRS = [
    {"query": f"where is {n} ?", "positive": f"{n} is here", "negative": "no"} for n in range(40)
]
WRITTEN = [{"text": f"the cat {n}", "target": f"mat {n}"} for n in range(40)]
TABLE = "text,label\n" + "".join(f'"{row["text"]}, it",{row["label"]}\n' for row in ROWS)
TAGS = "".join(f"the\tO\nAnna\tB-name\nsat{n}\tO\n\n" for n in range(40))
CONFIG = {
    "task": "demo", "model": "model", "space": "tiny", "budget": "4%", "trials": 3, "workers": 1,
    "objectives": "score,params", "sampler": "random", "seed_architectures": ["lora-r1"],
    "random_seed": 0, "trial_timeout": "30m", "cache_memory": "64MiB", "margin": 0.1,
    "training": {"epochs": 1, "batch_size": 8, "train_examples": 16, "warmup": 0.1,
                 "learning_rate_factor": 2.0, "precision": "fp32", "schedule": "linear"},
}  # fmt: skip
SPACE = {
    "name": "mine", "description": "d", "layer_switch": False, "learning_rate_multiplier": [1, 2],
    "modules": [
        {"method": "lora", "location": ["attention.query", "attention.value"], "sizes": [0, 2],
         "per": "layer", "layers": "0-1", "alpha": ["rank", 16], "start": ["random"]},
        {"method": "sequential_adapter", "location": "ffn", "sizes": [0, 2], "gate": [False, True]},
        {"method": "prompt", "location": "embeddings", "sizes": [0, 2]},
    ],
}  # fmt: skip
ARCHITECTURE = {
    "modules": [
        {"layers": "0-1", "method": "lora", "location": "attention.query", "size": 2, "alpha": 4},
        {"layers": [0, 1], "method": "sequential_adapter", "location": "ffn", "size": 2},
    ],
    "prompt": 2, "learning_rate_multiplier": 2.0,
}  # fmt: skip
TASK = {
    "train": "data.csv", "text": "text", "label": "label", "kind": "classification",
    "score": "accuracy", "label_names": ["no", "yes"], "encoding": "utf-8", "delimiter": ",",
}  # fmt: skip

OUT = "out"
HOST = {
    "search": "search --task demo --model model --space tiny --budget 4% --trials 2 --epochs 1 "
    "--train-examples 16 --workers 1 --dry-run",
    "own": "search --train data.csv --model model --space tiny --budget 4% --dry-run",
    "resume": "resume study",
    "compare": "compare --task demo --model model --methods lora-r1 --seeds 1 --rates 1 --epochs 1 "
    f"--train-examples 16 --out {OUT}",
    "confirm": "confirm study --seeds 1 --top 1",
    "diff": "diff study:0 study:1",
    "doctor": "doctor --no-ray --fetch demo",
    "evaluate": "evaluate trained",
    "export": f"export study --to csv --out {OUT}.csv",
    "list": "list architectures --model model",
    "predict": f"predict trained data.csv --out {OUT}.csv",
    "pretrain": f"pretrain --text data.csv --model model --epochs 1 --out {OUT}",
    "report": "report study",
    "reproduce": "reproduce study:0",
    "show": "show lora-r2 --model model",
    "status": "status study",
    "train": f"train study --epochs 1 --out {OUT}",
    "validate": "validate space.yaml --model model",
}
"""A right invocation of each command."""

AWAY = {"storage", "ray_address", "help", "config_file"}
"""Options whose values would be asked for over a network, or belong to another subject."""

TARGETS = ("autopelt", "adapters", "peft", "merged", "script", "csv", "parquet", "gguf-ready")


FILES = {
    "config.yaml": CONFIG, "space.yaml": SPACE, "task.yaml": TASK,
    "architecture.yaml": ARCHITECTURE,
}  # fmt: skip


STUDY = Path(__file__).parents[1] / "fixtures" / "study-7d51a0e"


class Stage:
    """A folder with one valid thing of each kind, and what is spoiled of it.

    Args:
        root: an empty folder, which becomes the working directory.
        fresh: its study is searched, confirmed and trained here; else an older one is taken.
    """

    def __init__(self, root: Path, fresh: bool = True) -> None:
        from in_process import train_in_this_process
        from tiny_models import make_tiny_bert

        train_in_this_process()
        self.root = root
        os.chdir(root)
        make_tiny_bert(root / "model")
        _make_tiny_decoder(root / "decoder")
        for name, tree in FILES.items():
            (root / name).write_text(yaml.safe_dump(tree, sort_keys=False))
        (root / "data.csv").write_text(TABLE)
        self.kept = root / "kept"
        self.kept.mkdir()
        if fresh:
            search = HOST["search"].replace(" --dry-run", " --objectives both")
            for line in (
                f"{search} --seeds lora-r1,lora-r8 --trials 3 --out kept/study",
                "confirm kept/study --seeds 1 --top 1",
                "train kept/study --epochs 1 --out kept/trained",
            ):
                answer = ask(line.split())
                assert answer.code == 0, answer
        else:
            (root / "tiny-bert").symlink_to("model")
            shutil.copytree(STUDY, self.kept / "study")
            shutil.copytree(STUDY / "trained", self.kept / "trained")
        self.members = sorted(
            str(path.relative_to(self.kept))
            for path in self.kept.rglob("*")
            if path.is_file() and path.suffix in (".db", ".yaml", ".json", ".jsonl", ".safetensors")
        )
        self.model_files = sorted(p.name for p in (root / "model").iterdir())
        self.before = {path.name for path in root.iterdir()}

    def answer(self, attack: Attack) -> Answer:
        """What the command line says to it, with a fresh study and trained folder."""
        os.chdir(self.root)
        for name in ("study", "trained"):
            if any(word.partition(":")[0].startswith(name) for word in attack.words) or attack.file:
                shutil.rmtree(name, ignore_errors=True)
                shutil.copytree(self.kept / name, name)
        if attack.file.startswith("model/"):
            shutil.copytree("model", "spoiled")
            Path("spoiled", attack.file.partition("/")[2]).write_bytes(attack.content)
        elif attack.file:
            Path(attack.file).write_bytes(attack.content)
        signal.signal(signal.SIGALRM, _hangs)
        signal.alarm(HANGS)
        try:
            return ask(attack.words)
        finally:
            signal.alarm(0)
            os.chdir(self.root)
            for path in self.root.iterdir():
                if path.name not in self.before:
                    shutil.rmtree(
                        path
                    ) if path.is_dir() and not path.is_symlink() else path.unlink()
            for name, tree in FILES.items():
                (self.root / name).write_text(yaml.safe_dump(tree, sort_keys=False))
            (self.root / "data.csv").write_text(TABLE)

    def attack(self, draw: random.Random) -> Attack:
        """Any bad input."""
        kinds = (_options, _yaml, _data, self._studies, self._models, _predictions)
        return draw.choices(kinds, (2, 2, 2, 2, 1, 0.5))[0](draw)

    def _models(self, draw: random.Random) -> Attack:
        """A model's configuration, tokenizer or weights."""
        name = draw.choice(self.model_files)
        content = _spoiled(draw, name, (self.root / "model" / name).read_bytes())
        uses = [
            "show lora-r2 --model spoiled",
            HOST["search"].replace("--model model", "--model spoiled"),
        ]
        if name == "config.json":
            uses.append("show lora-r2 --model-config spoiled/config.json")
        return Attack("models", tuple(draw.choice(uses).split()), f"model/{name}", content)

    def _studies(self, draw: random.Random) -> Attack:
        """A member of a study or of a trained folder."""
        name = draw.choice(self.members)
        content = _spoiled(draw, name, (self.kept / name).read_bytes())
        uses = OF_TRAINED if name.startswith("trained") else OF_STUDIES
        return Attack("studies", tuple(draw.choice(uses).split()), name, content)


OF_STUDIES = (
    *("status study", "report study", "show study", "resume study --trials 3"),
    *("export study --to peft --out out", "export study --to csv --out out.csv"),
    *("train study --epochs 1 --out out", "diff study:0 study:1", "predict study data.csv"),
    *("confirm study --seeds 1 --top 1", "reproduce study:0", "validate study/config.yaml"),
    *("report study kept/study --out out", "show study:confirmed"),
)
OF_TRAINED = (
    *("evaluate trained", "predict trained data.csv"),
    *(f"export trained --to {to} --out out" for to in TARGETS[:4]),
)


def _spoiled(draw: random.Random, name: str, content: bytes) -> bytes:
    """A file's bytes, spoiled as such, or by what they hold."""
    if draw.random() < 0.6:
        if name.endswith(".json"):
            return as_json(spoiled.tree(draw, json.loads(content)))
        if name.endswith(".jsonl"):
            lines = [json.loads(line) for line in content.splitlines()]
            return b"\n".join(map(as_json, spoiled.rows(draw, lines))) + b"\n"
        if name.endswith(".yaml"):
            return as_yaml(spoiled.tree(draw, yaml.safe_load(content)))
    return spoiled.text(draw, content)


def _make_tiny_decoder(folder: Path) -> None:
    from tiny_models import tiny

    from autopelt.tasks import task_from_files

    own = folder.with_name("own.csv")
    own.write_text("text,target\n" + "the cat,a mat\n" * 30)
    task = task_from_files(str(own), kind="generation", score="loss")
    _, model, tokenizer = tiny("gpt2", task)
    tokenizer.chat_template = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    own.unlink()


def _hangs(*_: object) -> None:
    raise TimeoutError(f"nothing was said for {HANGS} s")


def _options(draw: random.Random) -> Attack:
    """One or two options or arguments of a command with any value."""
    name = draw.choice(sorted(HOST))
    command = cli.get_command(click.Context(cli), "search" if name == "own" else name)
    assert command is not None
    line = HOST[name].split()
    for _ in range(draw.choice((1, 1, 2))):
        word = spoiled.word(draw)
        given = draw.choice([p for p in command.params if p.name not in AWAY])
        option = given.opts[0]
        if isinstance(given, click.Argument) or draw.random() < 0.1:
            line[draw.randint(1, len(line) - 1)] = word
        elif isinstance(given, click.Option) and given.is_flag:
            line.append(option)
        elif option in line and line.index(option) + 1 < len(line):
            line[line.index(option) + 1] = word
        else:
            line += [option, word]
    if name in ("search", "own") and "--dry-run" not in line:
        line.append("--dry-run")
    return Attack("options", tuple(line))


def _yaml(draw: random.Random) -> Attack:
    """A configuration, space, architecture or task file."""
    uses = {
        "config.yaml": ["search --config config.yaml --dry-run", "validate config.yaml"],
        "space.yaml": [
            HOST["search"].replace("tiny", "space.yaml"),
            "validate space.yaml --model model --as space",
        ],
        "architecture.yaml": [
            "show architecture.yaml --model model",
            "validate architecture.yaml --model model --as architecture",
        ],
        "task.yaml": [
            "search --task task.yaml --model model --space tiny --budget 4% --dry-run",
            "validate task.yaml --as task",
        ],
    }
    name = draw.choice(sorted(uses))
    content = _spoiled(draw, name, as_yaml(FILES[name]))
    return Attack("YAML", tuple(draw.choice(uses[name]).split()), name, content)


EXAMPLES = {
    "answers": ANSWERS, "chats": CHATS, "choices": CHOICES, "topics": TOPICS, "rows": ROWS,
    "numbers": NUMBERS, "pairs": PAIRS, "written": WRITTEN,
}  # fmt: skip


def _data(draw: random.Random) -> Attack:
    """A file of examples."""
    name = draw.choice((*EXAMPLES, "table", "table", "tags", "parquet"))
    if name == "table":
        ending = draw.choice(("csv", "tsv", "txt", "csv.gz", "xlsx", "data"))
        content = spoiled.text(draw, TABLE.encode())
    elif name == "tags":
        ending, content = draw.choice(("conll", "tsv", "iob2")), spoiled.text(draw, TAGS.encode())
    elif name == "parquet":
        ending, content = "parquet", spoiled.text(draw, _parquet())
    else:
        ending = draw.choice(("jsonl", "json", "ndjson"))
        made = spoiled.rows(draw, EXAMPLES[name])
        content = as_json(made) if ending == "json" else b"\n".join(map(as_json, made))
        if draw.random() < 0.2:
            content = spoiled.text(draw, content)
    model = "decoder" if name in ("chats", "written") else "model"
    line = f"search --train bad.{ending} --model {model} --space tiny --budget 9% --dry-run"
    return Attack("data", tuple(line.split()), f"bad.{ending}", content)


def _parquet() -> bytes:
    file = io.BytesIO()
    pd.DataFrame(ROWS).to_parquet(file)
    return file.getvalue()


def _predictions(draw: random.Random) -> Attack:
    """A file to predict for."""
    if draw.random() < 0.5:
        ending, content = "csv", spoiled.text(draw, TABLE.encode())
    else:
        ending, content = "jsonl", b"\n".join(map(as_json, spoiled.rows(draw, ROWS)))
    return Attack("predict", ("predict", "trained", f"bad.{ending}"), f"bad.{ending}", content)


def wrong_with(attack: Attack, answer: Answer) -> list[str]:
    """What is wrong with an answer; an input that turned out to be right may be taken."""
    if answer.code == 0:
        found = shown_wrongly(answer)
        return found if (answer.out + answer.err).strip() else [*found, "silence"]
    if answer.code == 5 and attack.words[0] == "reproduce":
        return shown_wrongly(answer)
    return faults(answer)


def inputs(stage: Stage, count: int, seed: int) -> list[Attack]:
    """So many, drawn by hypothesis."""
    made: list[Attack] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count, database=None, deadline=None, phases=[hypothesis.Phase.generate]
    )
    @hypothesis.given(st.randoms(use_true_random=True))
    def draw(random: random.Random) -> None:
        made.append(stage.attack(random))

    draw()
    return made


def main() -> int:
    """Try them all, print a line for each fault and the count of each kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="folder for inputs that found something")
    given = parser.parse_args()
    keep = None if given.keep is None else given.keep.resolve()
    root = Path(tempfile.mkdtemp(prefix="bad-inputs"))
    stage = Stage(root)
    codes: collections.Counter[str] = collections.Counter()
    found, slowest = 0, 0.0
    for number, attack in enumerate(inputs(stage, given.inputs, given.seed)):
        if keep is not None:
            keep.mkdir(exist_ok=True)
            (keep / "now").write_text(repr(attack))
        answer = stage.answer(attack)
        codes[f"{attack.kind}: {answer.code}"] += 1
        wrong = wrong_with(attack, answer)
        if answer.code:
            slowest = max(slowest, answer.seconds)
            wrong += ["not soon"] * (answer.seconds > SOON)
        if wrong:
            found += 1
            where = f"{number} {shlex.join(attack.words)!r:.300} [{attack.file}]"
            print(f"{where} {'; '.join(wrong)}: {answer.err[-600:]!r}", flush=True)
        if keep is not None:
            how = f"{answer.code} {wrong} {answer.seconds:.2f}"
            said = f"{attack!r}\n{how}\n{answer.err}\n{answer.out}"
            name = f"{number}{'-wrong' if wrong else ''}.txt"
            (keep / name).write_text(said, errors="backslashreplace")
    os.chdir("/")
    shutil.rmtree(root)
    for kind, count in sorted(codes.items()):
        print(f"{kind}  {count}")
    print(f"{sum(codes.values())} inputs, {found} faults, at most {slowest:.1f} s of CPU for one")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
