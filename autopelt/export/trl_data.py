"""A decoder's examples as TRL takes them: readable where TRL makes of them what autopelt trained.

TRL tokenises ``messages`` (and learns answers where the chat template has ``{% generation %}``) or
``prompt`` and ``completion``. Which tokens it gets and which it learns is computed here the same
way (trl/trainer/sft_trainer.py, 1.16) and compared with what autopelt trained, example by example;
tokens behind the last learned one change nothing. Where any differ, tokens and labels are given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autopelt.export.recipe import Example, Recipe, pairs
from autopelt.tasks.padding import IGNORED

Tokens = tuple[list[int], list[bool]]
"""Of one example its tokens, and which of them are learned."""


@dataclass(frozen=True)
class Form:
    """One way to give TRL examples.

    Attributes:
        said: a sentence on it for the user.
        arguments: what SFTConfig is told.
        rows: of a recipe's split.
        tokens: what TRL makes of a row.
    """

    said: str
    arguments: Mapping[str, Any]
    rows: Callable[[Recipe, str], Iterable[Example]]
    tokens: Callable[[Recipe, Example], Tokens] | None = None


def form_of(recipe: Recipe) -> Form:
    """The most readable form that TRL trains as autopelt did."""
    return next(form for form in _FORMS if _same(recipe, form))


def _same(recipe: Recipe, form: Form) -> bool:
    """Whether TRL gets the same of all examples."""
    if form.tokens is None:
        return True
    for split, encoded in recipe.encoded.items():
        if len(encoded) != len(recipe.splits[split]):
            return False  # some were dropped
        ours = zip(encoded["input_ids"][:], encoded["labels"][:], strict=True)
        for row, (ids, labels) in zip(form.rows(recipe, split), ours, strict=True):
            theirs, learned = form.tokens(recipe, row)
            count, wanted = len(ids), [label != IGNORED for label in labels]
            if theirs[:count] != ids or learned[:count] != wanted or any(learned[count:]):
                return False
    return True


def _of_pair(recipe: Recipe, row: Example) -> Tokens:
    """Of texts: what is behind the tokens that the prompt alone begins with."""
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


def _trained(recipe: Recipe, split: str) -> Iterable[Example]:
    encoded = recipe.encoded[split]
    for ids, labels in zip(encoded["input_ids"][:], encoded["labels"][:], strict=True):
        yield {"input_ids": ids, "labels": labels}


_FORMS = (
    Form(
        "rows of prompt and completion, of which TRL makes the tokens that autopelt trained.",
        {"completion_only_loss": True},
        pairs,
        _of_pair,
    ),
    Form(
        "tokens and labels as autopelt made them; TRL would make others of the texts.",
        {},
        _trained,
    ),
)
"""The first that is the same is taken."""
