"""A decoder's examples as TRL takes them: readable where TRL makes of them what autopelt trained.

TRL tokenises ``messages`` (and learns answers where the chat template has ``{% generation %}``) or
``prompt`` and ``completion``. Which tokens it gets and which it learns is computed here the same
way (trl/trainer/sft_trainer.py, 1.16) and compared with what autopelt trained, example by example;
tokens behind the last learned one change nothing. Where any differ, tokens and labels are given,
with the text beside them to read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autopelt.data.conversations import ASSISTANT
from autopelt.export.recipe import Example, Recipe
from autopelt.tasks.padding import IGNORED

Tokens = tuple[list[int], list[bool]]
"""Of one example its tokens, and which of them are learned."""


@dataclass(frozen=True)
class Form:
    """One way to give TRL examples.

    Attributes:
        said: a sentence on it for the user.
        arguments: what SFTConfig is told.
        row: of an example as it was trained; None where it has no such row.
        tokens: what TRL makes of a row.
    """

    said: str
    arguments: Mapping[str, Any]
    row: Callable[[Example], Example | None]
    tokens: Callable[[Recipe, Example], Tokens]


def form_of(recipe: Recipe) -> tuple[str, Mapping[str, Any], Mapping[str, list[Example]]]:
    """The most readable form that TRL trains as autopelt did.

    Returns:
        A sentence on it, what SFTConfig is told, and the rows of each split.
    """
    if recipe.template is None:
        forms = [_PAIRS]
    else:
        forms = [_TAGGED, _ANSWER] if recipe.template.tags else [_ANSWER]
        forms = [_ANSWER] if recipe.last else forms
    for form in forms:
        rows = {name: list(map(form.row, few)) for name, few in recipe.rows.items()}
        behind: set[str] = set()
        if all(_same(recipe, form, name, rows[name], behind) for name in rows):
            also = f" TRL also learns {min(behind)!r} behind an answer." if behind else ""
            return form.said + also, form.arguments, rows  # type: ignore[return-value]  # no None
    tokens = {name: _trained(recipe, name) for name in recipe.splits}
    return "tokens and labels, of which TRL would make others by itself.", {}, tokens


def _same(
    recipe: Recipe, form: Form, split: str, rows: list[Example | None], behind: set[str]
) -> bool:
    """Whether TRL gets the same of all rows; blanks that it learns behind an answer are noted."""
    encoded = recipe.encoded[split]
    if len(encoded) != len(rows):
        return False
    ours = zip(encoded["input_ids"][:], encoded["labels"][:], strict=True)
    for row, (ids, labels) in zip(rows, ours, strict=True):
        if row is None:
            return False
        theirs, learned = form.tokens(recipe, row)
        count, wanted = len(ids), [label != IGNORED for label in labels]
        if theirs[:count] != ids or learned[:count] != wanted:
            return False
        if any(learned[count:]):
            more = recipe.tokenizer.decode(theirs[count:])
            if more.strip():
                return False
            behind.add(more)
    return True


# ------------------------------------------------------------------ texts
def _of_pair(recipe: Recipe, row: Example) -> Tokens:
    """What is behind the tokens that the prompt alone begins with."""
    tokenizer = recipe.tokenizer
    completion, end = row["completion"], tokenizer.eos_token
    if end and not completion.endswith(end):
        completion += end
    whole = list(tokenizer(row["prompt"] + completion, verbose=False)["input_ids"])
    return _behind(list(tokenizer(row["prompt"], verbose=False)["input_ids"]), whole)


def _behind(prompt: Sequence[int], whole: list[int]) -> Tokens:
    shared = next(
        (place for place, (a, b) in enumerate(zip(prompt, whole)) if a != b),
        min(len(prompt), len(whole)),
    )
    return whole, [place >= shared for place in range(len(whole))]


_PAIRS = Form(
    "rows of prompt and completion, of which TRL makes the tokens that autopelt trained.",
    {"completion_only_loss": True},
    lambda example: example,
    _of_pair,
)


# ------------------------------------------------------------------ conversations
def _split(example: Example) -> Example | None:
    """The turns before the only answer, and the answer."""
    *before, last = example["messages"]
    if last["role"] != ASSISTANT or not before:
        return None
    return {"prompt": before, "completion": [last]}


def _of_answer(recipe: Recipe, row: Example) -> Tokens:
    prompt = _written(recipe, row["prompt"], add_generation_prompt=True)["input_ids"]
    whole = _written(recipe, row["prompt"] + row["completion"])["input_ids"]
    return _behind(list(prompt), list(whole))


def _of_tagged(recipe: Recipe, row: Example) -> Tokens:
    made = _written(recipe, row["messages"], return_assistant_tokens_mask=True)
    return list(made["input_ids"]), [bool(mark) for mark in made["assistant_masks"]]


def _written(recipe: Recipe, turns: list[Example], **options: Any) -> Mapping[str, Any]:
    assert recipe.template is not None
    made: Mapping[str, Any] = recipe.tokenizer.apply_chat_template(
        turns, chat_template=recipe.template.text, tokenize=True, return_dict=True, **options
    )
    return made


_TAGGED = Form(
    "rows of messages, of which TRL makes the tokens that autopelt trained.",
    {"assistant_only_loss": True},
    lambda example: example,
    _of_tagged,
)

_ANSWER = Form(
    "rows of prompt and completion, lists of turns; TRL makes of them the tokens that autopelt "
    "trained.",
    {"completion_only_loss": True},
    _split,
    _of_answer,
)


# ------------------------------------------------------------------ tokens
def _trained(recipe: Recipe, split: str) -> list[Example]:
    """Tokens and labels, and what they were made of, to read, where nothing was left out."""
    encoded, rows = recipe.encoded[split], recipe.rows[split]
    readable = rows if len(rows) == len(encoded) else [{}] * len(encoded)
    pairs = zip(readable, encoded["input_ids"][:], encoded["labels"][:], strict=True)
    return [{**row, "input_ids": ids, "labels": labels} for row, ids, labels in pairs]
