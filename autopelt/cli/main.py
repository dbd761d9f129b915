"""The command line: parse, call, map errors to exit codes."""

import os
import re
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from autopelt import __version__
from autopelt.cli.console import asked_by, event, for_programs, say
from autopelt.cli.misread import not_understood
from autopelt.errors import (
    COMMAND,
    OF_THE_SYSTEM,
    PARAMETER,
    AutopeltError,
    UnavailableError,
    UsageError,
    did_you_mean,
    of_the_system,
    typed,
)
from autopelt.system.folded import folded
from autopelt.system.openmp import short_waits
from autopelt.system.signals import interruptible

INTERRUPTED = 130
NO_ADDRESSES = (
    "there is too little memory or address space to load what this needs; 'ulimit -v' shows what "
    "this shell allows, 'ulimit -v unlimited' allows all."
)
STOPPED = "stopped; nothing half-written is left. The same command begins again."

GROUPS = {
    "Search": ("search", "status", "resume", "report"),
    "Rely on what was found": ("confirm", "compare", "reproduce"),
    "Use it": ("train", "evaluate", "predict", "export"),
    "Look at one thing": ("show", "diff", "list"),
    "Before a search": ("doctor", "validate", "pretrain"),
}
"""Commands in the order in which one meets them."""

MODULES = {
    name: "search" if name == "resume" else name for names in GROUPS.values() for name in names
}
"""Command -> the module of this folder that has its options, its help and its body."""


class _Formatter(click.HelpFormatter):
    """Help whose examples fit as well, which click leaves as they are written."""

    def getvalue(self) -> str:
        return folded(super().getvalue(), self.width + 2)


class _Context(click.Context):
    formatter_class = _Formatter


OTHER_COMMANDS = {
    "search": "run fit tune start optimize optimise nas sweep go",
    "list": "ls",
    "resume": "continue restart",
    "evaluate": "eval test score",
    "predict": "infer inference generate apply",
    "show": "info inspect describe view open print",
    "status": "progress watch ps",
    "validate": "check lint schema",
    "export": "save convert merge ship",
    "train": "finetune fine-tune",
    "compare": "bench benchmark",
    "doctor": "env info-env setup",
    "report": "plot html",
}
"""Command -> what others call it, between blanks; only to say so."""


class _Commands(click.Group):
    """Imports a command when it is asked for, and names the likely one where one is unknown."""

    context_class = _Context

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(MODULES)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        longest = max(map(len, MODULES))
        for title, names in GROUPS.items():
            commands = [c for n in names if (c := self.get_command(ctx, n)) is not None]
            with formatter.section(title):
                formatter.write_dl(
                    [(f"{c.name:<{longest}}", c.get_short_help_str(limit=1000)) for c in commands]
                )

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in MODULES:
            return None
        objects = vars(import_module(f"autopelt.cli.{MODULES[cmd_name]}")).values()
        found = next(c for c in objects if isinstance(c, click.Command) and c.name == cmd_name)
        found.context_class = _Context
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in MODULES:
            raise UsageError(f"unknown command '{args[0]}': {_meant_by(args)}")
        return super().resolve_command(ctx, args)


def _meant_by(args: list[str]) -> str:
    """What somebody means who begins with a word that is no command."""
    from autopelt.study.meaning import meaning  # none of this is needed by a command that exists

    word, rest = args[0].lower(), args[1:]
    if word == "help":
        about = f"{rest[0]} " if rest and rest[0] in MODULES else ""
        return f"did you mean autopelt {about}--help?"
    if word == "version":
        return "did you mean autopelt --version?"
    if said := meaning(args[0]):
        return said
    others = (name for name, words in OTHER_COMMANDS.items() if word in words.split())
    return did_you_mean(next(others, word), MODULES)


@click.group(
    cls=_Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(
    __version__, "--version", prog_name="autopelt", message="%(prog)s %(version)s"
)
@click.pass_context
def cli(context: click.Context) -> None:
    """Find which small trainable modules should sit where in a transformer, and how big.

    A pretrained transformer stays as it is (frozen); LoRA, adapters, prefixes and their like are
    trained in it, within a budget of parameters. A search tries where, which and how big.

    \b
    Examples:
      autopelt search --task demo --budget 0.006%
      autopelt status reports/demo-minilm-0.006pct
      autopelt train reports/demo-minilm-0.006pct
    """
    if context.invoked_subcommand is None:
        say(WELCOME)


WELCOME = """\
Find which small trainable modules (LoRA, adapters, prefixes, …) should sit where in a pretrained \
transformer, and how big, within a budget of parameters.

Try it: a task and a model that are built in, nothing to download, a few minutes.
  autopelt search --task demo --budget 0.006%

Your own data: a table with a column of texts and one of labels, or a file of chats.
  autopelt search --train reviews.csv --budget 1%
  autopelt search --train chats.jsonl --model Qwen/Qwen3-0.6B --budget 0.5%

Does this machine have what it takes?   autopelt doctor
Which tasks are built in?               autopelt list tasks
All commands, and each one's options:   autopelt --help, autopelt search --help"""
"""What is said to somebody who only typed the program's name."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of the program; returns the exit code after printing at most one error line."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    with asked_by(words), interruptible():
        code = _main(words)
    if code == INTERRUPTED and arguments is None:
        # An interrupt within `exec`, as in imports, lets Python end itself by a signal afterwards.
        sys.stdout.flush()
        os._exit(code)
    return code


def _main(words: list[str]) -> int:
    try:
        os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
        os.environ.setdefault("DO_NOT_TRACK", "1")
        os.environ.update(short_waits())
        code = cli.main(args=words, prog_name="autopelt", standalone_mode=False)
    except AutopeltError as error:
        return _fail(in_words(error), error.exit_code, error.next)
    except click.UsageError as error:
        misread = UsageError(not_understood(error, words))
        return _fail(in_words(misread), error.exit_code, misread.next or _help(error))
    except click.ClickException as error:
        return _fail(" ".join(error.format_message().split()), error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        return _fail(STOPPED, INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OF_THE_SYSTEM as error:
        if os.environ.get("AUTOPELT_DEBUG"):
            raise
        said = of_the_system(error)
        return _fail(f"{said} AUTOPELT_DEBUG=1 shows where it arose.", said.exit_code)
    except Exception as error:
        if isinstance(error, ImportError) and "failed to map segment" in str(error):
            return _fail(NO_ADDRESSES, UnavailableError.exit_code)
        if isinstance(error, RuntimeError) and str(error).startswith("Symlink loop"):
            return _fail(f"{error}.", UnavailableError.exit_code)  # as Python says it until 3.12
        if for_programs():
            _fail(f"a bug: {type(error).__name__}: {error}", 1)
        raise
    return code if isinstance(code, int) else 0


def in_words(error: AutopeltError) -> str:
    """An error as a user of the command line reads it: with options and commands."""
    return COMMAND.sub(typed, PARAMETER.sub(_option, error.marked))


def _option(marked: re.Match[str]) -> str:
    """A marked parameter as a user of the command line writes it: ``--epochs 0``, ``--force``."""
    name, value = marked[1].replace("_", "-"), marked[2]
    if value == "=False":
        return f"--no-{name}"
    return f"--{name}" if value in (None, "=True") else f"--{name} {value[1:].strip(chr(39))}"


def _help(error: click.UsageError) -> str | None:
    """The help of the command that was not understood."""
    return None if error.ctx is None else f"{error.ctx.command_path} --help"


def _fail(message: str, code: int, following: str | None = None) -> int:
    if for_programs():
        event("error", error=message, exit=code, next=following)
    say("autopelt: " + message.replace("\n", "\\n"), err=True)
    return code
