"""What is done with texts and conversations of more tokens than a model is to be given.

Of a conversation the oldest turns go first; its system turn, the user's last turn and what follows
it stay. If that is still too long, the longest texts lose their middle, where `GAP` is put. A text
before an answer that is asked of a decoder loses its middle too: the question stands at its end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from autopelt.data.conversations import SYSTEM, USER, Conversation
from autopelt.errors import UnavailableError, UsageError, parameter

CUT, DROP, ERROR = TOO_LONG = ("cut", "drop", "error")

GAP = " … "
"""Stands where the middle of a text was."""

_SHARE = 4
"""So many times its own tokens a text must keep for `GAP` to stand in it."""

Measure = Callable[[Conversation], int]


def without_middle(ids: Sequence[int], room: int) -> list[int]:
    """The first and the last tokens, `room` in all; of an odd number one more of the last."""
    if len(ids) <= room:
        return list(ids)
    room = max(0, room)
    return [*ids[: room // 2], *ids[len(ids) - (room - room // 2) :]]


def shortened(
    conversation: Conversation, limit: int, measure: Measure, tokens: Callable[[str], int]
) -> Conversation:
    """The conversation within `limit` tokens, by the rule above.

    Args:
        measure: tokens of a conversation as it is written. tokens: of a text.

    Raises:
        UsageError: what stands between the texts is too long already.
    """
    size = measure(conversation)
    if size <= limit:
        return conversation
    kept = [turn for turn in conversation[:1] if turn["role"] == SYSTEM]
    rest = conversation[len(kept) :]
    begins = [place for place, turn in enumerate(rest) if turn["role"] == USER and place]
    few, many = 0, len(begins)  # the first turn to begin with that is late enough
    while few < many:
        middle = (few + many) // 2
        if measure(kept + rest[begins[middle] :]) <= limit:
            many = middle
        else:
            few = middle + 1
    if begins:
        rest = rest[begins[min(few, len(begins) - 1)] :]
        size = measure(kept + rest)
    return kept + rest if size <= limit else _texts_cut(kept + rest, size, limit, measure, tokens)


def _texts_cut(
    turns: Conversation, size: int, limit: int, measure: Measure, tokens: Callable[[str], int]
) -> Conversation:
    """Turns of `size` tokens with the longest texts cut to one length, as far as it takes."""
    texts, gap = [turn["content"] for turn in turns], tokens(GAP)
    sizes = [tokens(text) for text in texts]
    made, around = turns, size - sum(sizes)
    over, room = size - limit, limit - around
    while over > 0:
        most = _level(sizes, room)
        if most < 1:
            raise UsageError(
                f"{parameter('max_length', limit)} is too short: what the chat template puts "
                f"around the texts takes {around} tokens."
            )
        made = [
            {**turn, "content": _part(text, size, most, gap)}
            for turn, text, size in zip(turns, texts, sizes, strict=True)
        ]
        over = measure(made) - limit
        room -= max(1, over)
    return made


def _level(sizes: Sequence[int], room: int) -> int:
    """The largest size to which all sizes may be cut so that they take `room` in all."""
    left, size = room, 0
    for place, size in enumerate(sorted(sizes)):
        share = left // (len(sizes) - place)
        if share < size:
            return share
        left -= size
    return size


def _part(text: str, size: int, most: int, gap: int) -> str:
    """Beginning and end of a text of `size` tokens that has more than `most`.

    Of a few tokens `GAP`, which has `gap`, would take too large a share; a blank stands then.
    """
    if size <= most:
        return text
    between, most = (GAP, most - gap) if most > _SHARE * gap else (" ", most)
    keep = max(2, len(text) * most // size)
    return f"{text[: keep // 2].rstrip()}{between}{text[len(text) - (keep - keep // 2) :].lstrip()}"


def beginning(what: str, text: str) -> str:
    """Which text it is, for a message: ``the text that begins with 'who is'``."""
    shown = " ".join(text.split())
    return f"{what} that begins with '{shown[:40]}{'…' if len(shown) > 40 else ''}'"


def refuse(which: str, size: int, limit: int) -> UnavailableError:
    """The error for what is too long where that is not to be."""
    return UnavailableError(
        f"{which} has {size} tokens, more than {limit}; give a larger {parameter('max_length')} if "
        f"the model has room, or {parameter('too_long', CUT)} or {parameter('too_long', DROP)}."
    )
