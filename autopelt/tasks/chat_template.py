"""Conversations as tokens by a chat template, and which of them are answers, token by token.

A template is Jinja text, rendered by transformers in its sandbox: the tokeniser's own, one of a
file, or `PLAIN`. What is learnt of an answer goes from the end of what a model is given to write it
(the template's generation prompt) to the end mark, without blanks behind that. It is found by
``{% generation %}`` where a template has it; else by rendering the turns before an answer and up to
it, of which the whole text must be a continuation; else, where a template writes early turns in
another way than late ones, by markers in the places of the answers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any

from autopelt.data.conversations import ASSISTANT, SYSTEM, TOOL, USER, Conversation, Turn
from autopelt.errors import AutopeltError, UnavailableError, UsageError, parameter
from autopelt.system.files import expanded, utf8_text
from autopelt.tasks.cutting import beginning, shortened
from autopelt.tasks.padding import begins_itself

PLAIN = (
    "{% for m in messages %}{{ m.role | capitalize + ':\n' + m.content }}"
    "{% if m.role == 'assistant' %}{{ eos_token }}{% endif %}{{ '\n\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'Assistant:\n' }}{% endif %}"
)
"""Where a tokeniser has no template: a line with the role, the text, an end token, an empty line.

A token that the tokeniser itself puts in front of all texts stands in front here as well.
"""

_TAG = re.compile(r"\{%-?\s*generation\s*-?%\}")
_MARK = "QX{}XQ"
"""A text that no template changes, to see what it does with a turn."""

Span = tuple[int, int]


def template_text(given: str, folder: Path) -> str:
    """A template's text: itself, or what is in a file, whose path is relative to a folder.

    Raises:
        UnavailableError: it is not there or cannot be read. UsageError: it is no template.
    """
    text = given
    if "{" not in given:
        path = folder / expanded(given)
        try:
            text = utf8_text(path)
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
            raise UnavailableError(
                f"{parameter('chat_template', given)} cannot be read: {reason}."
            ) from None
        if "{" not in text:
            raise UsageError(
                f"{parameter('chat_template', given)} is no Jinja template: it has no "
                "'{{ … }}' or '{% … %}'."
            )
    return text


@dataclass(frozen=True)
class Row:
    """A conversation as tokens; `learned` says of each whether it is of an answer."""

    ids: list[int]
    learned: list[bool]


class ChatTemplate:
    """A template with the tokeniser that it is for.

    Attributes:
        text: the template's source.
        words: which one it is, for a person.
    """

    def __init__(self, tokenizer: Any, given: str = "") -> None:
        """
        Args:
            given: a template's text; empty: the tokeniser's own, else `PLAIN`.

        Raises:
            UsageError: the template fails.
        """
        self.tokenizer = tokenizer
        self.text, self.words = given, "the chat template that is given"
        if not given:
            self.text, self.words = self._own()
        self._said(USER, ASSISTANT)

    def _own(self) -> tuple[str, str]:
        if getattr(self.tokenizer, "chat_template", None):
            try:
                return self.tokenizer.get_chat_template(), "the tokenizer's own chat template"
            except ValueError:
                names = ", ".join(self.tokenizer.chat_template)
                raise UsageError(
                    f"the tokeniser has several chat templates ({names}) and no default; write one "
                    f"into a file and give it with {parameter('chat_template')}."
                ) from None
        first = self.tokenizer.bos_token if begins_itself(self.tokenizer) else None
        text = ("{{ bos_token }}" if first else "") + PLAIN
        return text, "a plain template (User:, Assistant:), as the tokenizer has none of its own"

    # ------------------------------------------------------------------ what it can
    def _said(self, *roles: str) -> str:
        """What it makes of turns by these roles, each with a mark. Raises UsageError."""
        turns = [{"role": role, "content": _MARK.format(n)} for n, role in enumerate(roles)]
        try:
            text = self._render(turns)
        except Exception as error:  # of Jinja, or of anything that a template calls
            raise UsageError(f"{self.words} fails: {_reason(error)}.") from None
        if missing := [turn["role"] for turn in turns if turn["content"] not in text]:
            raise UsageError(f"{self.words} leaves out turns by {missing[0]}.")
        return text

    def _takes(self, *roles: str) -> bool:
        try:
            return bool(self._said(*roles))
        except UsageError:
            return False

    @cached_property
    def system(self) -> bool:
        """Whether it writes a system turn; else that becomes the beginning of the user's first."""
        return self._takes(SYSTEM, USER, ASSISTANT)

    @cached_property
    def tools(self) -> bool:
        """Whether it writes what a tool gave back."""
        return self._takes(USER, ASSISTANT, TOOL, ASSISTANT)

    @property
    def tags(self) -> bool:
        """Whether it says itself what an answer is, by ``{% generation %}``."""
        return bool(_TAG.search(self.text))

    @cached_property
    def end(self) -> str:
        """What it writes behind an answer, without blanks around; may be empty."""
        return self._said(USER, ASSISTANT).split(_MARK.format(1))[1].strip()

    @cached_property
    def lead(self) -> str:
        """Blanks that it writes between the prompt for an answer and the answer, as Mistral's."""
        turns = [{"role": role, "content": _MARK.format(0)} for role in (USER, ASSISTANT)]
        whole, opened = self._render(turns), self._render(turns[:1], prompt=True)
        between = whole[len(opened) : whole.rfind(_MARK.format(0))]
        return between if whole.startswith(opened) and not between.strip() else ""

    # ------------------------------------------------------------------ texts
    def _render(self, turns: Sequence[Turn], prompt: bool = False) -> str:
        text: str = self.tokenizer.apply_chat_template(
            list(turns), chat_template=self.text, tokenize=False, add_generation_prompt=prompt
        )
        return text

    def ready(self, conversation: Conversation) -> Conversation:
        """The conversation as the template can write it. Raises UnavailableError for a tool."""
        first = conversation[0]
        if first["role"] == SYSTEM and not self.system:
            after = conversation[1]
            joined = {**after, "content": f"{first['content']}\n\n{after['content']}"}
            conversation = [joined, *conversation[2:]]
        if not self.tools and any(turn["role"] == TOOL for turn in conversation):
            raise UnavailableError(
                f"{named(conversation)} has a turn by 'tool', which {self.words} cannot write; "
                f"leave it out or give a template that can with {parameter('chat_template')}."
            )
        return conversation

    def written(self, conversation: Conversation, last: bool = False) -> tuple[str, list[Span]]:
        """Its text, and from where to where in it answers are learnt, in order.

        Args:
            conversation: from `ready`. Without an answer at its end it is written for a model to
                answer, and nothing is learnt.
            last: only the last answer is learnt.

        Raises:
            UnavailableError: the template fails on it, or it cannot be told what is an answer.
        """
        try:
            if conversation[-1]["role"] != ASSISTANT:
                return self._render(conversation, prompt=True), []
            if self.tags:
                text, spans = self._tagged(conversation)
            else:
                text, spans = self._found(conversation, last)
        except AutopeltError:
            raise
        except Exception as error:  # as in `_said`
            raise UnavailableError(
                f"{named(conversation)} cannot be written: {self.words} fails with "
                f"'{_reason(error)}'."
            ) from None
        return text, spans[-1:] if last else spans

    def _tagged(self, conversation: Conversation) -> tuple[str, list[Span]]:
        from transformers.utils.chat_template_utils import render_jinja_template

        rendered: Any = render_jinja_template(
            [conversation],
            chat_template=self.text,
            return_assistant_tokens_mask=True,
            **self.tokenizer.special_tokens_map,
        )
        (text,), (places,) = rendered
        return text, [(int(start), int(end)) for start, end in places]

    def _found(self, conversation: Conversation, last: bool) -> tuple[str, list[Span]]:
        whole = self._render(conversation)
        places = [i for i, turn in enumerate(conversation) if turn["role"] == ASSISTANT]
        found = [self._span(conversation, i, whole) for i in places[-1 if last else 0 :]]
        spans = [span for span in found if span]
        if len(spans) < len(found):
            spans = self._by_markers(conversation, whole)
        if not spans:
            raise UnavailableError(
                f"{self.words} rewrites the answers of {named(conversation)}, so their tokens "
                f"cannot be told; say {parameter('loss_on', 'last')}, or give a template with "
                f"{{% generation %}} with {parameter('chat_template')}."
            )
        return whole, spans

    def _span(self, conversation: Conversation, i: int, whole: str) -> Span | None:
        """Where turn `i` is written in the whole text; None where its parts do not agree."""
        said, opened = conversation[i]["content"].strip(), self._render(conversation[:i], True)
        if self.end and whole.startswith(opened):  # as nearly all templates have it
            for text in (conversation[i]["content"], said):
                written = f"{self.lead}{text}{self.end}"
                if whole.startswith(written, len(opened)):
                    return len(opened), len(opened) + len(written)
        before = self._render(conversation[:i])
        upto = whole if i == len(conversation) - 1 else self._render(conversation[: i + 1])
        if not whole.startswith(before):
            return None
        start, place = _shared(whole, opened), whole.find(said, len(before))
        if start < len(opened) and place >= 0:  # the prompt has more than what was written
            start = min(start, place)
        if start < len(before):
            return None
        if whole.startswith(upto):
            return start, start + len(whole[start : len(upto)].rstrip())
        mark = upto[upto.rfind(said) + len(said) :].rstrip() if said in upto else None
        if mark is None or whole[start:place].strip():
            return None
        end = place + len(said)
        return (start, end + len(mark)) if whole.startswith(mark, end) else None

    def _by_markers(self, conversation: Conversation, whole: str) -> list[Span]:
        """All answers' places by what stands between them; none where answers are rewritten."""
        marked, answers = list(conversation), list[str]()
        for i, turn in enumerate(conversation):
            if turn["role"] == ASSISTANT:
                marked[i] = {**turn, "content": _MARK.format(f"A{len(answers)}A")}
                answers.append(turn["content"])
        between = re.split(_MARK.format(r"A\d+A"), self._render(marked))
        if len(between) != len(answers) + 1 or not whole.startswith(between[0]):
            return []
        spans, at = [], len(between[0])
        for answer, before, after in zip(answers, between[:-1], between[1:], strict=True):
            for said in (answer, answer.strip(), answer.lstrip(), answer.rstrip()):
                if whole.startswith(said + after, at):
                    break
            else:
                return []
            end = at + len(said)
            start = at - (len(self.lead) if before.endswith(self.lead) else 0)
            spans.append((start, end + (len(self.end) if after.startswith(self.end) else 0)))
            at = end + len(after)
        return spans if at == len(whole) else []

    def shortened(self, conversation: Conversation, limit: int, last: bool) -> Conversation:
        """The conversation with at most so many tokens, by the rule of `autopelt.tasks.cutting`."""

        def tokens(text: str) -> int:
            return len(self._ids([text])[0])

        def measure(turns: Conversation) -> int:
            prompt = turns[-1]["role"] != ASSISTANT
            return tokens(self._render(turns, prompt)) + (not self.end)

        room, over = limit, 1
        while over > 0:  # where a token is cut in two at an answer, a row has one more
            short = shortened(conversation, room, measure, tokens)
            over = len(self.rows([self.written(short, last)])[0].ids) - limit
            room -= max(1, over)
        return short

    # ------------------------------------------------------------------ tokens
    def rows(self, written: Sequence[tuple[str, list[Span]]]) -> list[Row]:
        """Texts of `written` as tokens; what follows the last answer is left out.

        A text is cut into tokens as a whole, as the tokeniser does it. Where a token would be of an
        answer and of what stands before it, as with blanks, it is cut there, as in generation.
        """
        cuts = [[0, *(place for span in spans for place in span)] for _, spans in written]
        pieces = [
            [text[a:b] for a, b in zip(at, [*at[1:], None])]
            for at, (text, _) in zip(cuts, written, strict=True)
        ]
        wholes = self._ids([text for text, _ in written])
        flat = iter(self._ids([piece for few in pieces for piece in few]))
        made = []
        for (text, spans), at, few, whole in zip(written, cuts, pieces, wholes, strict=True):
            parts = [next(flat) for _ in few]
            ends = [0, *accumulate(map(len, parts))]
            ids = [token for part in parts for token in part]
            if ids != whole:
                ids, ends = self._apart(text, [*at, len(text)], whole, ids, ends)
            if not spans:
                made.append(Row(ids, [False] * len(ids)))
                continue
            learned = [False] * ends[-2]
            for a, b in zip(ends[1:-1:2], ends[2:-1:2]):
                learned[a:b] = [True] * (b - a)
            made.append(self._ended(Row(ids[: ends[-2]], learned)))
        return made

    def _apart(
        self, text: str, at: list[int], whole: list[int], joined: list[int], ends: list[int]
    ) -> tuple[list[int], list[int]]:
        """Tokens and where the pieces between `at` end in them, where pieces are not the whole.

        A tokeniser that puts a blank before each text makes other tokens of pieces; the beginnings
        of the text tell where they end. Where they do not, the pieces' tokens are taken if they say
        the same text, else a token of two pieces counts to the later one.
        """
        begun = [*self._ids([text[:place] for place in at[1:-1]])]
        if all(whole[: len(ids)] == ids for ids in begun):
            return whole, [0, *map(len, begun), len(whole)]
        if self.tokenizer.decode(joined) == self.tokenizer.decode(whole):
            return joined, ends
        return whole, [0, *(_shared(whole, ids) for ids in begun), len(whole)]

    def _ids(self, texts: list[str]) -> list[list[int]]:
        found: list[list[int]] = (
            self.tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
            if texts
            else []
        )
        return found

    def _ended(self, row: Row) -> Row:
        """With an end token where the template writes nothing behind an answer."""
        end = self.tokenizer.eos_token_id
        if self.end or end is None:
            return row
        return Row([*row.ids, end], [*row.learned, True])


def _shared(one: Sequence[Any], other: Sequence[Any]) -> int:
    """How many items two sequences begin with alike."""
    pairs = enumerate(zip(one, other))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))


def named(conversation: Conversation) -> str:
    """Which one it is, for a message."""
    first = next((turn["content"] for turn in conversation if turn["role"] == USER), "")
    return beginning("the conversation", first)


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split()).rstrip(".")
    line = getattr(error, "lineno", None)
    return (f"line {line}: " if line else "") + (text[:200] or type(error).__name__)
