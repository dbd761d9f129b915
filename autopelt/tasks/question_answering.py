"""Extractive question answering: the span of a context that answers a question, or none does.

A context that is too long for the model is read in overlapping windows, a row each; the best span
of all windows is the answer (Devlin et al. 2019, arXiv:1810.04805, section 4.2). Where training
examples have questions without an answer, the first token stands for "no answer", and its score
against the best span's decides (section 4.3 there).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from autopelt.data.readers import Table
from autopelt.data.squad import split_answers
from autopelt.errors import UnavailableError, UsageError, parameter
from autopelt.tasks.answers import exact_match, word_f1
from autopelt.tasks.base import PREDICTION, Task, complete
from autopelt.tasks.columns import texts
from autopelt.tasks.padding import MODEL_INPUTS, Batch, model_inputs, require_offsets
from autopelt.tasks.squad2 import BEST_THRESHOLD, Answered

if TYPE_CHECKING:
    from datasets import Dataset
    from torch import Tensor

LONGEST_ANSWER = 30
"""Tokens of an answer; longer spans are not considered."""

LONGEST_QUESTION = 64
"""Tokens of a question; the rest is cut off."""

CANDIDATES = 20
"""Starts and ends that are combined."""


class QuestionAnswering(Task):
    """Softmax over the positions of start and end.

    A raw example has ``context``, ``question``, ``answers`` (texts) and ``starts`` (characters in
    the context), maybe ``title``; without texts it has no answer. Answers that do not stand where
    they should are left out, and questions that have no other; both are noted.

    Attributes:
        abstains: training examples have questions without an answer, so a model may find none.
        threshold: share of doubt above which there is no answer; None: what is best for what is
            scored.
    """

    kind: ClassVar[str] = "question_answering"
    known_scores: ClassVar[tuple[str, ...]] = ("f1", "exact_match")
    own_options: ClassVar[frozenset[str]] = frozenset({"group"})
    rows_at_once: ClassVar[int] = 200
    head = "question_answering"
    columns = ("question", "context")
    max_length = 384
    abstains: bool = False
    threshold: float | None = None

    @classmethod
    def raw(cls, table: Table, named: Mapping[str, str]) -> dict[str, list[Any]]:
        """Contexts, questions, answers; where an answer starts is looked up if it is not said."""
        table.require(["context", "question", "answers"])
        columns: dict[str, list[Any]] = {
            name: texts(table, name) for name in ("context", "question")
        }
        given = split_answers(dict(table.columns), table.where)
        answers = [_listed(value) for value in given["answers"]]
        for row, value in enumerate(answers):
            if not isinstance(value, list) or not all(isinstance(a, str) for a in value):
                raise UnavailableError(
                    f"{table.where(row)} has no list of texts in column 'answers'."
                )
        columns["answers"] = answers
        columns["starts"] = given.get("starts") or [
            [context.find(answer) for answer in row]
            for context, row in zip(columns["context"], answers)
        ]
        for row, starts in enumerate(columns["starts"]):
            if not isinstance(starts, list) or not all(isinstance(s, int) for s in starts):
                raise UnavailableError(
                    f"{table.where(row)} has no list of whole numbers in column 'starts'."
                )
        titles = [str(title or "") for title in given.get("title", [])]
        return columns | ({"title": titles} if titles and all(titles) else {})

    @property
    def outputs(self) -> int:
        """Start and end."""
        return 2

    def groups(self, dataset: Dataset) -> Sequence[Any]:
        """Questions on one article, or else on one context, stay together."""
        return dataset["title" if "title" in dataset.column_names else "context"][:]

    def learn_labels(self, train: Dataset) -> None:
        """Whether there are questions without an answer."""
        self.abstains = not all(train["answers"][:])

    def finish(self, dataset: Dataset, part: str, notes: list[str]) -> Dataset:
        """Leave out answers that are not in their context, and questions that have no other.

        A question without an answer has the text "" as its answer from here on.
        """
        kept, answers, starts, wrong, none = [], [], [], 0, 0
        columns = (dataset["context"][:], dataset["answers"][:], dataset["starts"][:])
        for row, (context, given, begins) in enumerate(zip(*columns, strict=True)):
            right = [
                (text, begin)
                for text, begin in zip(given, begins)
                if text and begin >= 0 and context[begin : begin + len(text)] == text
            ]
            wrong += len(given) - len(right)
            none += not given
            if right or not given:
                kept.append(row)
                answers.append([text for text, _ in right] or [""])
                starts.append([begin for _, begin in right] or [0])
        if wrong:
            notes.append(
                f"{part}: {wrong} answers do not stand in their context where they should; they "
                "are left out."
            )
        if len(kept) < len(dataset):
            notes.append(
                f"{part}: {len(dataset) - len(kept)} of {len(dataset)} questions are left out: "
                "they have no usable answer."
            )
        if none:
            then = "" if self.abstains else ", but every training example has one"
            notes.append(f"{part}: {none} of {len(kept)} questions have no answer{then}.")
        if not kept or (part == "train" and none == len(kept)):
            raise UnavailableError(
                f"task '{self.name}': no question of the {part} data has an answer in its context."
            )
        chosen = dataset.select(kept).remove_columns(["answers", "starts"])
        return chosen.add_column("answers", answers).add_column("starts", starts)

    def encode(self, dataset: Dataset, tokenizer: Any, max_length: int) -> Dataset:
        """Tokenise question and context into windows that overlap by a third.

        Returns:
            A row for each window: model inputs, ``start_positions`` and ``end_positions`` (tokens;
            0 where the window lacks the answer), ``length``, ``full_length`` (the same: nothing is
            lost), ``example`` (index in `dataset`), ``begins`` and ``ends`` (characters in the
            context by token; -1 off the context), ``context`` and ``answers``. A question that was
            cut has ``question_cut`` 1.
        """
        require_offsets(self.name, tokenizer)
        if max_length < 16:
            raise UsageError(
                f"task '{self.name}' needs a length limit of 16 tokens at least, not {max_length}; "
                f"raise {parameter('max_length')}."
            )
        return super().encode(dataset, tokenizer, max_length)

    def encode_batch(
        self, batch: Mapping[str, list[Any]], tokenizer: Any, max_length: int
    ) -> dict[str, list[Any]]:
        """Windows of a few examples."""
        questions, cut = _short_questions(batch["question"], tokenizer, max_length)
        windows = tokenizer(
            questions,
            list(batch["context"]),
            truncation="only_second",
            max_length=max_length,
            stride=max_length // 3,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            verbose=False,
        )
        sources = windows["overflow_to_sample_mapping"]
        rows: dict[str, list[Any]] = {key: windows[key] for key in MODEL_INPUTS if key in windows}
        lengths = [len(ids) for ids in rows["input_ids"]]
        places = ("start_positions", "end_positions", "begins", "ends")
        rows |= {key: [] for key in places}
        for row, source in enumerate(sources):
            begins, ends = _characters(windows, row, batch["context"][source])
            start = batch["starts"][source][0]
            stop = start + len(batch["answers"][source][0])
            values = (*_positions(begins, ends, start, stop), begins, ends)
            for key, value in zip(places, values, strict=True):
                rows[key].append(value)
        rows |= {"length": lengths, "full_length": lengths}
        for key in ("example", "context", "answers"):
            rows[key] = [batch[key][source] for source in sources]
        return rows | {"question_cut": [int(cut[source]) for source in sources]}

    def notes(self, encoded: Dataset) -> list[str]:
        """Questions that were cut, and how many windows there are."""
        notes = []
        cut = {e for e, c in zip(encoded["example"][:], encoded["question_cut"][:]) if c}
        if cut:
            notes.append(f"{len(cut)} questions are too long and were cut.")
        examples = len(set(encoded["example"][:]))
        if examples < len(encoded):
            notes.append(
                f"{examples} questions are read in {len(encoded)} windows: some contexts are too "
                "long for one."
            )
        return notes

    def collate(self, rows: Sequence[Mapping[str, Any]], tokenizer: Any) -> Batch:
        """Model inputs of shape (rows, tokens), start and end positions of shape (rows,)."""
        import torch

        batch = model_inputs(rows, tokenizer)
        width = batch["input_ids"].shape[1]
        left = tokenizer.padding_side == "left"
        for name in ("start_positions", "end_positions"):
            values = [row[name] + (width - row["length"] if left else 0) for row in rows]
            batch[name] = torch.tensor(values, dtype=torch.long)
        return batch

    def loss_of_scores(self, outputs: Any, batch: Batch) -> Tensor:
        """Cross-entropy of start and end, halved; unlike the model's own, not over padding."""
        import torch
        from torch.nn.functional import cross_entropy

        padding = ~batch["attention_mask"].bool()
        low = torch.finfo(torch.float32).min
        start, end = (
            cross_entropy(logits.float().masked_fill(padding, low), batch[positions])
            for logits, positions in (
                (outputs.start_logits, "start_positions"),
                (outputs.end_logits, "end_positions"),
            )
        )
        return (start + end) / 2

    loss = loss_of_scores

    def predictions(self, outputs: Any, batch: Batch) -> list[Any]:
        """Scores of start and end by token, without padding: arrays of shape (2, tokens)."""
        import torch

        both = torch.stack([outputs.start_logits, outputs.end_logits], dim=1).detach().float().cpu()
        masks = batch["attention_mask"].bool().cpu()
        return [row[:, mask].numpy() for row, mask in zip(both, masks)]

    def constant(self, train: Dataset) -> Any | None:
        """That there is no answer, where the model may say so: scores of a window's first token."""
        return np.zeros((2, 1)) if self.abstains else None

    def decided(self, selection: Mapping[str, float]) -> Task:
        """With the threshold above which there is no answer."""
        task = copy.copy(self)
        task.threshold = selection.get(BEST_THRESHOLD[self.metric.name])
        return task

    def score(self, predictions: Sequence[Any], encoded: Dataset) -> dict[str, float]:
        """F1 and exact match by SQuAD's official definition, means over questions, 0 to 1.

        Where the model may find no answer they are those of SQuAD 2.0, with its other scores.
        """
        complete(predictions, encoded)
        answers, doubts = self.best_spans(predictions, encoded)
        gold = dict(zip(_examples(encoded), encoded["answers"][:]))
        if self.abstains:
            right = [[text for text in gold[example] if text] for example in answers]
            answered = Answered(list(answers.values()), list(doubts.values()), right)
            scores = answered.scores(self.metric.name, self.threshold)
        else:
            f1 = [word_f1(text, gold[example]) for example, text in answers.items()]
            exact = [exact_match(text, gold[example]) for example, text in answers.items()]
            scores = {"f1": float(np.mean(f1)), "exact_match": float(np.mean(exact))}
        return {self.metric.name: scores.pop(self.metric.name), **scores}

    def worded(self, answers: Sequence[Any], encoded: Dataset) -> list[dict[str, Any]]:
        """The text of each example's best span, "" where there is no answer."""
        spans, doubts = self.best_spans(answers, encoded)
        if self.threshold is None:
            return [{PREDICTION: spans[example]} for example in sorted(spans)]
        return [
            {PREDICTION: "" if doubts[example] > self.threshold else spans[example]}
            for example in sorted(spans)
        ]

    def best_spans(
        self, predictions: Sequence[Any], encoded: Dataset
    ) -> tuple[dict[int, str], dict[int, float]]:
        """By example, the text of the best span of all windows, and the doubt about it.

        The doubt is the logistic function of what the least score of "no answer" in a window is
        above the best span's.
        """
        best: dict[int, tuple[float, str]] = {}
        nulls: dict[int, float] = {}
        here = "begins" in encoded.column_names
        nowhere = [[-1]] * len(encoded)
        columns = (
            _examples(encoded),
            encoded["begins"][:] if here else nowhere,
            encoded["ends"][:] if here else nowhere,
            encoded["context"][:],
        )
        for scores, example, begins, ends, context in zip(predictions, *columns):
            allowed = np.asarray(begins)[: scores.shape[1]] >= 0  # of `constant`, the first alone
            value, start, end = best_span(scores, allowed)
            nulls[example] = min(nulls.get(example, math.inf), float(scores[:, 0].sum()))
            if example not in best or value > best[example][0]:
                text = context[begins[start] : ends[end]] if start >= 0 else ""
                best[example] = (value, text)
        doubts = {
            example: _logistic(nulls[example] - value) for example, (value, _) in best.items()
        }
        return {example: text for example, (_, text) in best.items()}, doubts


def _examples(dataset: Dataset) -> Sequence[int]:
    """The example of each encoded row; raw ones are one each."""
    raw = "example" not in dataset.column_names
    examples: Sequence[int] = range(len(dataset)) if raw else dataset["example"][:]
    return examples


def _logistic(value: float) -> float:
    return (1 + math.tanh(value / 2)) / 2


def _listed(value: Any) -> Any:
    """A text as a list of texts, nothing as none."""
    listed = [value] if isinstance(value, str) else [] if value is None else value
    return [] if listed == [""] else listed


def best_span(scores: Any, allowed: Any) -> tuple[float, int, int]:
    """The span with the highest sum of start and end score.

    Args:
        scores: shape (2, tokens): of start and of end.
        allowed: shape (tokens,): tokens of the context.

    Returns:
        Score, first token and last token (included); (-inf, -1, -1) where none is allowed.
    """
    places = np.flatnonzero(allowed)
    starts = places[np.argsort(-scores[0][places], kind="stable")[:CANDIDATES]]
    ends = places[np.argsort(-scores[1][places], kind="stable")[:CANDIDATES]]
    if not len(places):
        return -np.inf, -1, -1
    sums = scores[0][starts][:, None] + scores[1][ends][None, :]
    length = ends[None, :] - starts[:, None] + 1
    sums = np.where((length > 0) & (length <= LONGEST_ANSWER), sums, -np.inf)
    row, column = np.unravel_index(int(np.argmax(sums)), sums.shape)
    if np.isneginf(sums[row, column]):  # all starts lie behind all ends: one token is an answer
        place = int(places[np.argmax(scores[0][places] + scores[1][places])])
        return float(scores[0][place] + scores[1][place]), place, place
    return float(sums[row, column]), int(starts[row]), int(ends[column])


def _characters(windows: Any, row: int, context: str) -> tuple[list[int], list[int]]:
    """Where each token of a window begins and ends in the context; -1 for tokens off it."""
    begins, ends = [], []
    for part, (begin, end) in zip(windows.sequence_ids(row), windows["offset_mapping"][row]):
        inside = part == 1 and end > begin
        begins.append(_past_blanks(context, begin, end) if inside else -1)
        ends.append(end if inside else -1)
    return begins, ends


def _past_blanks(text: str, begin: int, end: int) -> int:
    """Where a token's word begins: some tokenisers count the blank in front of it as its own."""
    while begin < end - 1 and text[begin].isspace():
        begin += 1
    return begin


def _positions(
    begins: Sequence[int], ends: Sequence[int], start: int, stop: int
) -> tuple[int, int]:
    """Tokens that hold the first and the last character of an answer; (0, 0) if one is missing."""
    holds_first = [i for i, (b, e) in enumerate(zip(begins, ends)) if b >= 0 and b <= start < e]
    holds_last = [i for i, (b, e) in enumerate(zip(begins, ends)) if b >= 0 and b < stop <= e]
    return (holds_first[0], holds_last[-1]) if holds_first and holds_last else (0, 0)


def _short_questions(
    questions: Sequence[str], tokenizer: Any, max_length: int
) -> tuple[list[str], list[bool]]:
    """Questions without the blanks around them, cut so that most of the limit is the context's."""
    limit = min(LONGEST_QUESTION, max_length // 3)
    stripped = [question.strip() for question in questions]
    pieces = tokenizer(
        stripped, add_special_tokens=False, return_offsets_mapping=True, verbose=False
    )
    long = [len(ids) > limit for ids in pieces["input_ids"]]
    short = [
        text[: offsets[limit - 1][1]] if is_long else text
        for text, offsets, is_long in zip(stripped, pieces["offset_mapping"], long)
    ]
    return short, long
