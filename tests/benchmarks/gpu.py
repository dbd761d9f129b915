"""Every figure that needs a GPU, by one command, within ten minutes, as a table.

    python tests/benchmarks/gpu.py --out gpu.md                # on a GPU
    python tests/benchmarks/gpu.py --small --out cpu.md        # the same code, tiny, on a processor

What is run, most telling first: architectures in one batch, and their losses beside the processor's
(`together.py`); a decoder's step in each precision (`precisions.py`); its tokens a second, packed
and not, beside peft, and its memory with gradient checkpointing (`decoder.py`); the forecast of
memory (`memory_forecast.py`); whole searches with one and with several trials on the GPU. Each part
is a process of its own with what is left of the time; one that does not end is told as such, and so
is one that fails. Nothing is measured here: the parts do that. Writes Markdown.
"""

import argparse
import platform
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from measuring import json_lines

HERE = Path(__file__).parent


def searches(folder: Path, model: str, small: bool) -> dict[str, list[str]]:
    """Commands of whole searches, by what they tell."""
    trials = "3" if small else "14"
    common = ["-m", "autopelt", "search", "--task", "demo", "--model", model, "--trials", trials]
    common += ["--train-examples", "32", "--epochs", "1", "--budget", "20%"] if small else []
    ways = {
        "one at a time": ["--workers", "1"],
        "four workers": ["--workers", "4"],
        "four in a batch": ["--workers", "1", "--trials-per-worker", "4"],
    }
    if small:
        ways = {"two in a batch": ["--workers", "1", "--trials-per-worker", "2"]}
    return {
        f"search of {trials} trials, {name}": [
            *common, *own, "--out", str(folder / name.replace(" ", "-")),
        ]
        for name, own in ways.items()
    }  # fmt: skip


def parts(folder: Path, model: str, small: bool) -> dict[str, list[str]]:
    """Arguments of Python for each part, by its name."""

    def script(name: str, *arguments: str) -> list[str]:
        return [str(HERE / f"{name}.py"), *arguments]

    if small:
        size = ("--width", "64", "--layers", "2")
        together = ("--model", model, "--examples", "32", "--members", "1,2")
        decoder = (*size, "--examples", "8")
        forecast = ("--case", "gpt2")
    else:
        size = ("--width", "2048", "--layers", "16")
        together = ("--model", model)
        decoder = (*size, "--examples", "256")
        forecast = ()
    return {
        "together": script("together", *together),
        "precisions": script("precisions", *size),
        "decoder, mixed lengths": script("decoder", "--part", "mixed", *decoder),
        "decoder, one length": script("decoder", "--part", "equal", *decoder),
        "memory forecast": script("memory_forecast", *forecast),
    } | searches(folder, model, small)


def told(arguments: list[str], seconds: float) -> list[str]:
    """What a part prints of JSON, or, of a search, that it ended; else why not."""
    try:
        done = subprocess.run(
            [sys.executable, *arguments], capture_output=True, text=True, timeout=seconds
        )
    except subprocess.TimeoutExpired as late:
        out = late.stdout or b""
        lines = out.decode() if isinstance(out, bytes) else out
        return [*_rows(lines), f"stopped after {seconds:.0f} s"]
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no word").splitlines()[-1]
        return [*_rows(done.stdout), f"failed with {done.returncode}: {last[:200]}"]
    return _rows(done.stdout) or ["ended"]


def _rows(text: str) -> list[str]:
    said = json_lines(text)
    return [", ".join(f"{key} {_short(value)}" for key, value in row.items()) for row in said]


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def device() -> str:
    """What runs the trainings, in words."""
    import torch

    name = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return f"{name}, {platform.machine()}, torch {torch.__version__}"


def main() -> None:
    """Run the parts in turn and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="Markdown file to write")
    parser.add_argument("--seconds", type=float, default=570, help="for all parts")
    parser.add_argument("--model", default="minilm", help="encoder of the trainings")
    parser.add_argument("--part", action="append", help="only these, by the start of their name")
    parser.add_argument("--small", action="store_true", help="tiny sizes")
    given = parser.parse_args()
    end = time.monotonic() + given.seconds
    lines = [f"{date.today()}, {device()}", "", "| part | seconds | figures |", "|---|---|---|"]
    with tempfile.TemporaryDirectory() as folder:
        for name, arguments in parts(Path(folder), given.model, given.small).items():
            if given.part and not name.startswith(tuple(given.part)):
                continue
            begun, left = time.monotonic(), end - time.monotonic()
            rows = told(arguments, left) if left > 5 else ["no time was left"]
            spent = time.monotonic() - begun
            lines += [f"| {name} | {spent:.0f} | {row} |" for row in rows]
            given.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
            print(lines[-1], flush=True)


if __name__ == "__main__":
    main()
