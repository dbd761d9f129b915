"""What click could not read of a command line, in a sentence that says what was meant."""

import re
from collections.abc import Iterator, Sequence

import click

from autopelt.workflows.options import option_meant

_EXTRA = re.compile(r"Got unexpected extra arguments? \((.*)\)")
_TRIAL = re.compile(r"[0-9]+|best|knee|smallest|confirmed")


def not_understood(error: click.UsageError, words: Sequence[str]) -> str:
    """One line for a person; `words` is the command line."""
    said = " ".join(error.format_message().split())
    if isinstance(error, click.NoSuchOption):
        return f"No such option '{_as_given(error, words)}'. {_option(error, words)}"
    if isinstance(error, click.MissingParameter):
        return f"{said.rstrip('.')}{_example(error)}"
    if (extra := _EXTRA.fullmatch(said)) is not None:
        return f"{said.rstrip('.')}{_argument(error, extra[1])}"
    return said


def _option(error: click.NoSuchOption, words: Sequence[str]) -> str:
    """Which option was meant, or whose it is."""
    if error.ctx is None:
        return ""
    given = _as_given(error, words).lstrip("-")
    meant = option_meant(given, _names(error.ctx.command))
    root = error.ctx.find_root()
    program = root.command
    assert isinstance(program, click.Group)
    homes = [
        name
        for name in program.list_commands(root)
        if (found := program.get_command(root, name)) is not None
        and given.replace("-", "_") in _names(found)
    ]
    if homes and error.ctx.info_name not in homes:
        return f"It is an option of {', '.join(homes)}; see {error.ctx.command_path} --help."
    if meant is None:
        return f"See {error.ctx.command_path} --help."
    return f"Did you mean '--{meant.replace('_', '-')}'?"


def _as_given(error: click.NoSuchOption, words: Sequence[str]) -> str:
    """The option as it was typed: of ``-trials`` click sees the first letter only."""
    short = error.option_name
    typed = (word for word in words if word.startswith(short) and not word.startswith("--"))
    return next(typed, short) if len(short) == 2 else short


def _names(command: click.Command) -> Iterator[str]:
    """Names of its options, with ``_``."""
    for given in command.params:
        for option in given.opts if isinstance(given, click.Option) else ():
            yield option.lstrip("-").replace("-", "_")


def _example(error: click.UsageError) -> str:
    """The first example of the command's help."""
    text = (error.ctx.command.help or "") if error.ctx is not None else ""
    found = re.search(r"^\s*(autopelt .+)$", text, re.MULTILINE)
    return f"; for example: {found[1].strip()}" if found else "."


def _argument(error: click.UsageError, extra: str) -> str:
    """What a word is that stands where no further one is taken."""
    from autopelt.study.meaning import meaning, meant_study

    word = extra.partition(" ")[0]
    known = error.ctx.params.values() if error.ctx is not None else ()
    studies = [v for v in known if isinstance(v, str) and meant_study(v) is not None]
    if _TRIAL.fullmatch(word) and studies:
        return f"; did you mean {studies[0].rstrip('/')}:{word}?"
    if said := meaning(word):
        return f"; {said}"
    return _example(error)
