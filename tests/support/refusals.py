"""What a bad input must get from the command line: one line that helps, soon, and nothing else."""

import io
import re
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass

from autopelt.cli.main import main

REFUSED = (2, 3, 4)
"""Exit codes of what is the user's to mend."""

LONGEST = 1000
"""Characters of a line."""

_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True)
class Answer:
    """What a command said.

    Attributes:
        code: its exit code; None where an exception came out.
        out: what it wrote to stdout.
        err: what it wrote to stderr, or the traceback.
        seconds: of this process's CPU time.
    """

    code: int | None
    out: str
    err: str
    seconds: float

    @property
    def line(self) -> str:
        """Its last line on stderr."""
        return (self.err.strip("\n").split("\n") or [""])[-1]


def ask(words: Sequence[str]) -> Answer:
    """Run a command line in this process."""
    code: int | None = None
    raised = ""
    begun = time.process_time()
    with _captured() as (out, err):
        try:
            code = main(list(words))
        except BaseException as error:  # a parser written in Rust panics with one of these
            raised = "".join(traceback.format_exception(error))
    seconds = time.process_time() - begun
    return Answer(code, out.getvalue(), raised or err.getvalue(), seconds)


@contextmanager
def _captured() -> Iterator[tuple[io.StringIO, io.StringIO]]:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        yield out, err


def faults(answer: Answer, named: Sequence[str] = ()) -> list[str]:
    """What is wrong with the answer to a bad input; none where it is refused as it should be.

    Args:
        answer: what was said.
        named: what the line must have in it, in capitals or not.
    """
    found = shown_wrongly(answer)
    if answer.code not in REFUSED:
        return [*found, f"exit code {answer.code}"]
    lines = answer.err.strip("\n").split("\n")
    if len(lines) != 1:
        found.append(f"{len(lines)} lines")
    if not answer.line.startswith("autopelt: "):
        found.append("not said by autopelt")
    found += [f"'{part}' is not named" for part in named if part.lower() not in answer.line.lower()]
    return found


def shown_wrongly(answer: Answer) -> list[str]:
    """What no output may have, whether the input was good or bad."""
    found = []
    for text in (answer.out, answer.err):
        if "Traceback" in text:
            found.append("a traceback")
        if steering := _STEERING.search(text):
            found.append(f"{steering[0]!r} reaches the terminal")
        lines = (line for line in text.split("\n") if line[:1] not in ("{", "["))  # a program's
        if any(len(line) > LONGEST for line in lines):
            found.append("a line that is too long")
    return found
