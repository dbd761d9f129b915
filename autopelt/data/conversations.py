"""Conversations out of a table: lists of turns, ShareGPT's, Alpaca's columns, prompts with answers.

A conversation is a list of turns, each with ``role``, one of `ROLES`, and ``content``, a text.
"""

from __future__ import annotations

import ast
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autopelt.data.encoding import MOST_CHARACTERS
from autopelt.data.readers import Table
from autopelt.errors import UnavailableError, did_you_mean

Turn = dict[str, str]
Conversation = list[Turn]

SYSTEM, USER, ASSISTANT, TOOL = ROLES = ("system", "user", "assistant", "tool")

_ROLES: Mapping[str, str] = {
    **dict.fromkeys(("system", "developer"), SYSTEM),
    **dict.fromkeys(("user", "human", "prompter"), USER),
    **dict.fromkeys(("assistant", "gpt", "chatgpt", "bing", "bard", "model", "bot"), ASSISTANT),
    "function_call": ASSISTANT,
    **dict.fromkeys(("tool", "function", "observation", "function_response", "ipython"), TOOL),
}
"""Who speaks, as files have it -> our role."""

_SPEAKER, _SAID = ("role", "from", "speaker"), ("content", "value", "text")

_LISTS = ("messages", "conversations", "conversation", "chat", "turns")
"""Usual names of columns of lists of turns."""

_PAIRS = (
    ("instruction", "output"),
    ("instruction", "response"),
    ("prompt", "completion"),
    ("prompt", "response"),
    ("question", "response"),
)
_ASKED_FOR = (("question", "answer"), ("input", "output"), ("source", "target"))
"""Names of columns of a text and its answer; the latter say chat only where the user does."""

_MORE, _SYSTEMS = ("input", "context"), ("system", "system_prompt")
"""Columns that Alpaca and Dolly have beside an instruction; columns of a system turn."""


@dataclass(frozen=True)
class ChatForm:
    """Where in a table its conversations stand.

    Attributes:
        words: what was recognised, for a person.
        turns: the column of lists of turns, or "".
        asked, answer: without it, the columns of what is asked and of its answer.
        more, system, history: columns of more that is asked, of a system turn, of turns before.
    """

    words: str
    turns: str = ""
    asked: str = ""
    answer: str = ""
    more: str = ""
    system: str = ""
    history: str = ""


def chat_form(
    table: Table, text: str = "", target: str = "", *, forced: bool = False, asks: bool = False
) -> ChatForm | None:
    """Recognise conversations by the table's keys; None where there are none.

    Args:
        text: the column that the user named: of lists of turns, or of what is asked.
        target: the named column of answers.
        forced: the user says that these are chats; more pairs of names are tried.
        asks: there may be no answers.

    Raises:
        UnavailableError: a named column is not there.
    """
    table.require([name for name in (text, target) if name])
    names = {name.lower(): name for name in reversed(table.columns)}
    system = next((names[name] for name in _SYSTEMS if name in names), "")
    listed = () if target else (text,) if text else (*_LISTS, *names)
    for name in listed:
        column = names.get(name, name)
        if column in table and column not in _taken(names) and _holds_turns(table.column(column)):
            return ChatForm(f"'{column}' has lists of turns", column, system=system)
    pairs = (*_PAIRS, *(_ASKED_FOR if forced else ()))
    if text or target:
        pairs = ((text or "prompt", target or "completion"),) if forced else ()
        if text and not target:
            pairs = tuple((text, answer) for _, answer in (*_PAIRS, *_ASKED_FOR))
    for asked, answer in pairs:
        asked, answer = names.get(asked, asked), names.get(answer, answer)
        if asked in table and (answer in table or asks):
            more = next((names[n] for n in _MORE if n in names and asked == "instruction"), "")
            history = names.get("history", "")
            shown = " and ".join(f"'{name}'" for name in (asked, more) if name)
            words = f"{shown} {'are' if more else 'is'} answered by '{answer}'"
            return ChatForm(words, "", asked, answer, more, system, history)
    return None


def _taken(names: Mapping[str, str]) -> tuple[str, ...]:
    """Columns of lists of turns that are no whole conversations."""
    return tuple(names[n] for n in ("prompt", "completion", "chosen", "rejected") if n in names)


def _holds_turns(values: Sequence[Any]) -> bool:
    """Whether the first value of a column is a list of turns, or the writing of one."""
    first = next((value for value in values if value is not None), None)
    return written_turns(first) if isinstance(first, str) else _is_turns(first)


def _is_turns(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(t, dict) and _first(t, _SPEAKER) is not None for t in value)
        and any(key in value[0] for key in (*_SAID, "tool_calls"))
    )


def written_turns(text: str) -> bool:
    """Whether a text is the writing of a list of turns, in JSON or as Python shows it."""
    return text.lstrip()[:2] == "[{" and _is_turns(_parsed(text))


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        return None


def conversations(table: Table, form: ChatForm, *, asks: bool = False) -> list[Conversation]:
    """The conversations of a table; what is left out of them is counted in its notes.

    Answers before anything was asked are left out, and so are turns after the last answer.

    Args:
        form: from `chat_form`.
        asks: to be answered: the last answer is left out, where there is one.

    Raises:
        UnavailableError: names the line and the turn of what is no turn, of a role that is not
            known, of an empty text; of a conversation without an answer.
    """
    read, left_out = [], Counter[str]()
    wanted = (form.turns, form.asked, form.more, form.system, form.history)
    columns = {name: table.column(name) for name in wanted if name}
    if form.answer and not asks:
        columns[form.answer] = table.column(form.answer)
    for row in range(len(table)):
        reader = _Reader(table.where(row), {name: c[row] for name, c in columns.items()})
        turns = reader.turns(form)
        read.append(reader.finished(turns, left_out, asks))
    table.notes.extend(
        f"{count} of {len(table)} conversations {words}." for words, count in left_out.items()
    )
    return read


_EARLY = "begin with an answer to nothing, which is left out"
_LATE = "end without an answer; what follows the last one is left out"


@dataclass(frozen=True)
class _Reader:
    """Reads the conversation in a row of a table: `where` it stands, and what, by column."""

    where: str
    values: Mapping[str, Any]

    def turns(self, form: ChatForm) -> Conversation:
        """All turns as they stand there."""
        made: Conversation = []
        if form.system and (system := self._text(form.system)):
            made.append({"role": SYSTEM, "content": system})
        if form.turns:
            listed = self._list(form.turns, self.values[form.turns])
            return listed if listed and listed[0]["role"] == SYSTEM else made + listed
        for pair in self._history(form.history):
            made += [{"role": role, "content": said} for role, said in zip((USER, ASSISTANT), pair)]
        made += self._side(form.asked, USER, self._text(form.more) if form.more else "")
        if form.answer in self.values:
            made += self._side(form.answer, ASSISTANT)
        return made

    def finished(self, turns: Conversation, left_out: Counter[str], asks: bool) -> Conversation:
        """Without what is not to be learnt; checked."""
        turns = [turn for turn in turns if turn["role"] != SYSTEM or turn["content"].strip()]
        roles = [turn["role"] for turn in turns]
        if USER not in roles:
            raise self._error("asks nothing: it has no turn of the user")
        if ASSISTANT in roles and roles.index(ASSISTANT) < roles.index(USER):
            left_out[_EARLY] += 1
            first = roles.index(USER)
            turns = [t for t in turns[:first] if t["role"] == SYSTEM] + turns[first:]
        if asks:
            while turns[-1]["role"] == ASSISTANT:
                turns.pop()
        elif ASSISTANT not in [turn["role"] for turn in turns]:
            raise self._error(f"has no answer; its turns are by: {', '.join(dict.fromkeys(roles))}")
        else:
            left_out.update([_LATE] if turns[-1]["role"] != ASSISTANT else [])
            while turns[-1]["role"] != ASSISTANT:
                turns.pop()
        for number, turn in enumerate(turns, 1):
            if turn["role"] in (USER, ASSISTANT) and not turn["content"].strip():
                what = "answer" if turn["role"] == ASSISTANT else "question"
                raise self._error(f"has an empty {what} (turn {number}); fill it or remove it")
            if len(turn["content"]) > MOST_CHARACTERS:
                raise self._error(
                    f"has a turn of {len(turn['content']):,} characters, more than "
                    f"{MOST_CHARACTERS:,}; that is no text"
                )
        return turns

    def _error(self, what: str) -> UnavailableError:
        return UnavailableError(f"{self.where} {what.rstrip('.')}.")

    def _text(self, column: str) -> str:
        value = self.values[column]
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return ""
        if not isinstance(value, str):
            raise self._error(f"has {_shown(value)} in column '{column}', where a text is needed")
        return value

    def _side(self, column: str, role: str, more: str = "") -> Conversation:
        """What is asked, or its answer: a text, or a list of turns."""
        value = self.values[column]
        if isinstance(value, list) or (isinstance(value, str) and written_turns(value)):
            return self._list(column, value)
        parts = [text for text in (self._text(column), more) if text.strip()]
        return [{"role": role, "content": "\n\n".join(parts)}]

    def _history(self, column: str) -> list[Any]:
        """Pairs of what was asked and answered before, as LLaMA-Factory's files have them."""
        value = self.values.get(column)
        pairs = value if isinstance(value, list) else []
        if not all(isinstance(p, list) and [type(t) for t in p] == [str, str] for p in pairs):
            raise self._error(f"has no list of pairs of texts in column '{column}'")
        return pairs

    def _list(self, column: str, value: Any) -> Conversation:
        """A list of turns, or the writing of one."""
        turns = _parsed(value) if isinstance(value, str) else value
        if not isinstance(turns, list) or not turns:
            raise self._error(
                f"has {_shown(value)} in column '{column}', where a list of turns is needed, each "
                "with a role and a content"
            )
        return [self._turn(number, turn) for number, turn in enumerate(turns, 1)]

    def _turn(self, number: int, turn: Any) -> Turn:
        speaker = _first(turn, _SPEAKER) if isinstance(turn, dict) else None
        if not isinstance(speaker, str):
            raise self._error(
                f"has {_shown(turn)} as turn {number}; a turn has 'role' and 'content', or 'from' "
                "and 'value'"
            )
        role = _ROLES.get(speaker.strip().lower())
        if role is None:
            raise self._error(
                f"has a turn by '{speaker[:40]}' (turn {number}): "
                f"{did_you_mean(speaker.strip().lower(), _ROLES)}"
            )
        content = self._content(number, _first(turn, _SAID))
        if calls := turn.get("tool_calls"):
            content = "\n".join([*([content] if content.strip() else []), *map(_call, calls)])
        return {"role": role, "content": content}

    def _content(self, number: int, said: Any) -> str:
        """A text, or the texts of a list of parts."""
        parts = said if isinstance(said, list) else [said]
        texts = []
        for part in parts:
            text = part.get("text") if isinstance(part, dict) and said is parts else part
            if text is None and said is None:
                text = ""
            if not isinstance(text, str):
                raise self._error(
                    f"has {_shown(part)} in turn {number}, where a text is needed; only texts can "
                    "be learnt from"
                )
            texts.append(text)
        return "\n".join(texts)


def _first(turn: Mapping[str, Any], keys: Sequence[str]) -> Any:
    return next((turn[key] for key in keys if turn.get(key) is not None), None)


def _call(call: Any) -> str:
    """A call of a tool as text, as the Hermes models write it."""
    function = call.get("function", call) if isinstance(call, dict) else call
    return f"<tool_call>\n{json.dumps(function, ensure_ascii=False, default=str)}\n</tool_call>"


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:59]}…"


# ---------------------------------------------------------------------- of one conversation
def asked_in(conversation: Conversation) -> Conversation:
    """What comes before the last answer."""
    return conversation[:-1] if conversation[-1]["role"] == ASSISTANT else conversation


def opening(conversation: Conversation) -> str:
    """What is said before the first answer, as one text."""
    roles = [turn["role"] for turn in conversation]
    end = roles.index(ASSISTANT) if ASSISTANT in roles else len(roles)
    return "\n".join(turn["content"] for turn in conversation[:end])
