"""Sixty shapes that files of users have: each is read as it is meant, or refused in one line.

A row is a name, what the file holds, what the user says, and then either what is read (the kind and
the first example, in words of the reader) or what the one line of the error must have.
"""

import bz2
import gzip
import json
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from autopelt.cli.main import main
from autopelt.errors import AutopeltError
from autopelt.tasks import Source, task_from_files

TWICE = [("good film", "pos"), ("bad film", "neg")] * 12
TOKENS = [["Anna", "sat"], ["in", "Berlin"]] * 12
TAGS = [["B-per", "O"], ["O", "B-loc"]] * 12


@dataclass
class Shape:
    """One file; `content` is text, bytes, or rows that are written as JSON lines."""

    file: str
    content: Any
    options: dict[str, Any] = field(default_factory=dict)
    kind: str = ""
    first: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    note: str = ""


def table(delimiter: str = ",", header: str = "text,label", rows: Any = TWICE) -> str:
    """Rows of fields with a delimiter between."""
    lines = [header.replace(",", delimiter)] if header else []
    return "\n".join([*lines, *(delimiter.join(map(str, row)) for row in rows)]) + "\n"


def labels(*values: Any, times: int = 12) -> list[dict[str, Any]]:
    """Objects with a text and one of these labels."""
    return [{"text": f"t{n}", "label": value} for n in range(times) for value in values]


def conll(separator: str, fields: str = "{word} {tag}", end: str = "\n") -> str:
    """The sentences of `TOKENS` in the CoNLL way."""
    fields = fields.replace(" ", separator)
    lines = []
    for words, tags in zip(TOKENS, TAGS, strict=True):
        pairs = enumerate(zip(words, tags, strict=True), 1)
        lines += [fields.format(n=n, word=word, tag=tag) for n, (word, tag) in pairs] + [""]
    return end.join(lines) + end


def rows_of_words(header: str, ids: bool = True) -> str:
    """A table with a row for each word."""
    lines = [header]
    for n, (words, tags) in enumerate(zip(TOKENS, TAGS, strict=True)):
        for place, (word, tag) in enumerate(zip(words, tags, strict=True)):
            lines.append(f"{f'Sentence: {n}' if ids or not place else ''},{word},{tag}")
    return "\n".join(lines) + "\n"


UNIVERSAL = "{n} {word} _ NOUN NN _ 0 root _ NER={tag}"
GOOD = {"text": "good film", "label": "pos"}
ANNA = {"words": ["Anna", "sat"], "tags": ["B-per", "O"]}
CLASSES, NUMBERS, WORDS = "classification", "regression", "token_classification"
AG = [("3", f"Wall St. Bears {n}", "Reuters - Short-sellers") for n in range(12)] + [
    ("4", f"Chips {n}", "A new one") for n in range(12)
]
SPLITS = {
    "train": [dict(zip(("text", "label"), row, strict=True)) for row in TWICE],
    "valid": [dict(zip(("text", "label"), row, strict=True)) for row in TWICE[:4]],
    "notes": "none",
}
CHAT = [
    {
        "messages": [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": f"who is {n}"},
            {"role": "assistant", "content": f"it is {n}"},
        ]
    }
    for n in range(24)
]


def exchange(asked: str, answer: str) -> dict[str, Any]:
    """A conversation of one question and its answer."""
    turns = zip(("user", "assistant"), (asked, answer), strict=True)
    return {"messages": [{"role": role, "content": said} for role, said in turns]}


SPANS = [{"text": f"Anna, {n}, sat.", "entities": [[0, 4, "per"]]} for n in range(24)]
OBJECTS = [dict(zip(("text", "label"), row, strict=True)) for row in TWICE]

SHAPES = {
    # tables of text
    "csv": Shape("a.csv", table(), {}, CLASSES, GOOD),
    "tsv": Shape("a.tsv", table("\t"), {}, CLASSES, GOOD),
    "tab": Shape("a.tab", table("\t"), {}, CLASSES, GOOD),
    "csv-semicolons": Shape("a.csv", table(";"), {}, CLASSES, GOOD, note="by semicolons"),
    "csv-tabs": Shape("a.csv", table("\t"), {}, CLASSES, GOOD, note="by tabs"),
    "csv-bars": Shape("a.csv", table("|"), {}, CLASSES, GOOD, note="by vertical bars"),
    "tsv-commas": Shape("a.tsv", table(","), {}, CLASSES, GOOD, note="by commas"),
    "txt-table": Shape("a.txt", table("\t"), {}, CLASSES, GOOD, note="by tabs"),
    "no-ending": Shape("a", table(), {}, CLASSES, GOOD),
    "delimiter-said": Shape(
        "a.csv",
        table("~", rows=[(f"{t}, {t}", x) for t, x in TWICE]),
        {"delimiter": "~"},
        CLASSES,
        {"text": "good film, good film", "label": "pos"},
    ),
    "delimiter-idle": Shape("a.jsonl", OBJECTS, {"delimiter": ";"}, error="no effect on a file"),
    "semicolons-in-commas": Shape(
        "a.csv",
        table(rows=[(f"{t};", x) for t, x in TWICE]),
        {},
        CLASSES,
        {"text": "good film;", "label": "pos"},
    ),
    "quoted-lines": Shape(
        "a.csv",
        "text,label\r\n" + '"a ""b"",\r\nc",x\r\n"d",y\r\n' * 12,
        {},
        CLASSES,
        {"text": 'a "b",\r\nc', "label": "x"},
    ),
    "tsv-plain-quotes": Shape(
        "a.tsv",
        "text\tlabel\n" + '"good" film\tpos\n"bad film"\tneg\n' * 12,
        {},
        CLASSES,
        {"text": '"good" film', "label": "pos"},
    ),
    "tsv-quoted": Shape(
        "a.tsv",
        "text\tlabel\n" + '"a\n""good"" film"\tpos\nbad film\tneg\n' * 12,
        {},
        CLASSES,
        {"text": 'a\n"good" film', "label": "pos"},
        note="in quotes, which are taken off",
    ),
    "unused-columns": Shape(
        "spam.csv",
        table(header="v1,v2,,,", rows=[(x, t, "", "", "") for t, x in TWICE]),
        {"text": "v2", "label": "v1"},
        CLASSES,
        GOOD,
    ),
    "index-column": Shape(
        "a.csv",
        table(header=",text,label", rows=[(n, *row) for n, row in enumerate(TWICE)]),
        {},
        CLASSES,
        GOOD,
    ),
    "empty-fields-beyond": Shape(
        "a.csv", table(rows=[(*row, "", "") for row in TWICE]), {}, CLASSES, GOOD
    ),
    "column-twice-unused": Shape(
        "a.csv",
        table(header="id,text,label,id", rows=[(1, *r, 2) for r in TWICE]),
        {},
        CLASSES,
        GOOD,
    ),
    "column-twice-used": Shape(
        "a.csv",
        table(header="text,text,label", rows=[(t, *r) for t, r in zip("ab" * 12, TWICE)]),
        error="has the column 'text' more than once",
    ),
    "ag-news": Shape(
        "train.csv",
        table(header="", rows=[tuple(f'"{v}"' for v in row) for row in AG]),
        {
            "columns": "class,title,body",
            "text": "title",
            "text_pair": "body",
            "label": "class",
            "label_names": "1=World,2=Sports,3=Business,4=Tech",
        },
        CLASSES,
        {"text": "Wall St. Bears 0", "text_pair": "Reuters - Short-sellers", "label": "Business"},
    ),
    "no-header": Shape(
        "train.csv", table(header=""), {"header": False, "text": "1", "label": "2"}, CLASSES, GOOD
    ),
    "no-header-unsaid": Shape(
        "train.csv", table(header="", rows=[r[::-1] for r in AG]), error="If the first line is an"
    ),
    "too-few-columns": Shape("a.csv", table(), {"columns": "text"}, error="names 1 columns, but"),
    "comma-in-a-text": Shape(
        "a.csv", table(rows=[*TWICE, ("a, b", "x")]), error="line 26 has 3 fields"
    ),
    "excel-sep": Shape(
        "a.csv", "sep=;\r\n" + table(";"), {}, CLASSES, GOOD, note="separated by semicolons"
    ),
    "old-mac": Shape("a.tsv", table("\t").replace("\n", "\r"), {}, CLASSES, GOOD),
    "capitals": Shape("a.csv", table(header="Text,LABEL"), {}, CLASSES, GOOD),
    "git-lfs": Shape(
        "a.csv", "version https://git-lfs.github.com/spec/v1\noid 1\n", error="git lfs pull"
    ),
    # encodings and packing
    "utf-8-mark": Shape("a.csv", table().encode("utf-8-sig"), {}, CLASSES, GOOD),
    "utf-16": Shape("a.csv", table().encode("utf-16"), {}, CLASSES, GOOD),
    "utf-16-unmarked": Shape("a.csv", table().encode("utf-16-le"), {}, CLASSES, GOOD, note="utf"),
    "cp1252": Shape(
        "a.csv",
        table(rows=[(f"café “{t}” à £5", x) for t, x in TWICE]).encode("cp1252"),
        {},
        CLASSES,
        {"text": "café “good film” à £5", "label": "pos"},
        note="is read as cp1252 (for example 'café'",
    ),
    "encoding-said": Shape(
        "a.csv",
        table(rows=[(f"čaša {t}", x) for t, x in TWICE]).encode("cp1250"),
        {"encoding": "cp1250"},
        CLASSES,
        {"text": "čaša good film", "label": "pos"},
    ),
    "encoding-unknown": Shape("a.csv", table(), {"encoding": "latin9000"}, error="Allowed:"),
    "utf-8-broken": Shape(
        "a.csv", table(rows=[("čšž", "x")] * 3).encode() + b"\xe9,y\n", error="in line 5; mend"
    ),
    "nul": Shape("a.csv", table() + "a\0b,x\n", error="line 26 has a NUL character"),
    "gz": Shape("a.csv.gz", gzip.compress(table().encode()), {}, CLASSES, GOOD),
    "bz2": Shape("a.tsv.bz2", bz2.compress(table("\t").encode()), {}, CLASSES, GOOD),
    "zst": Shape(
        "a.csv.zst", pa.compress(table().encode(), codec="zstd", asbytes=True), {}, CLASSES, GOOD
    ),
    "xlsx": Shape("a.xlsx", "excel", {}, CLASSES, GOOD, note="has 2 sheets; the first, 'mine'"),
    "xlsx-broken": Shape("a.xlsx", b"PK no", error="is not a readable spreadsheet"),
    "gz-broken": Shape("a.csv.gz", b"text,label\n", error="cannot be unpacked"),
    # JSON
    "jsonl": Shape("a.jsonl", OBJECTS, {}, CLASSES, GOOD),
    "jsonl-optional-keys": Shape(
        "a.jsonl",
        [{**row, **({"more": n} if n % 3 else {})} for n, row in enumerate(OBJECTS)],
        {},
        CLASSES,
        GOOD,
    ),
    "jsonl-missing-key": Shape(
        "a.jsonl", [*OBJECTS, {"label": "pos"}], error="line 25 has an empty text in column 'text'"
    ),
    "jsonl-lists": Shape("a.jsonl", TWICE, {"columns": "text,label"}, CLASSES, GOOD),
    "jsonl-nested": Shape(
        "a.jsonl",
        [{"id": 1, "data": {"text": t, "gold": [x, 0.5]}} for t, x in TWICE],
        {"text": "data.text", "label": "data.gold.0"},
        CLASSES,
        GOOD,
    ),
    "json-list": Shape("a.json", json.dumps(OBJECTS, indent=1), {}, CLASSES, GOOD),
    "json-columns": Shape(
        "a.json", json.dumps({k: [o[k] for o in OBJECTS] for k in GOOD}), {}, CLASSES, GOOD
    ),
    "json-of-pandas": Shape(
        "a.json",
        json.dumps({k: {str(n): o[k] for n, o in enumerate(OBJECTS)} for k in GOOD}),
        {},
        CLASSES,
        GOOD,
    ),
    "json-by-id": Shape(
        "a.json", json.dumps({f"q{n}": o for n, o in enumerate(OBJECTS)}), {}, CLASSES, GOOD
    ),
    "json-data": Shape("a.json", json.dumps({"version": 1, "data": OBJECTS}), {}, CLASSES, GOOD),
    "json-splits": Shape(
        "a.json", json.dumps(SPLITS), {}, CLASSES, GOOD, note="notes of its keys are no splits"
    ),
    "json-splits-of-lists": Shape(
        "a.json",
        json.dumps({"train": TWICE, "val": TWICE[:4]}),
        {"text": "1", "label": "2"},
        CLASSES,
        GOOD,
    ),
    "json-nested": Shape("a.json", json.dumps({"nlu": {"examples": OBJECTS}}), {}, CLASSES, GOOD),
    "json-of-spacy": Shape(
        "a.json",
        json.dumps([["Anna sat", {"entities": [[0, 4, "per"]]}]] * 24),
        {"text": "1", "label": "2.entities"},
        WORDS,
        ANNA,
    ),
    "json-nothing": Shape("a.json", '{"a": 1, "b": {}}', error="its keys are: a, b"),
    "parquet-names": Shape("a.parquet", "hub", {}, CLASSES, GOOD),
    "questions": Shape(
        "a.jsonl",
        [
            {"id": n, "title": None, "context": f"{n} cats", "question": "?", "answers": "cats"}
            for n in range(24)
        ],
        {},
        "question_answering",
        {"context": "0 cats", "question": "?", "answers": ["cats"], "starts": [2]},
    ),
    # labels
    "bool": Shape("a.jsonl", labels(True, False), {}, CLASSES, {"text": "t0", "label": "true"}),
    "one-and-one-point": Shape(
        "a.jsonl", labels(1, 2.0), {"kind": CLASSES}, error="a number with a decimal point (2.0)"
    ),
    "text-one-and-one-point": Shape(
        "a.csv",
        table(rows=[("a", "1"), ("b", "1.0")] * 9),
        {"kind": CLASSES},
        error="'1' and '1.0' in column 'label', which are one number",
    ),
    "mixed-types": Shape("a.jsonl", labels("a", 1), error="others are a text ('a')"),
    "list-label": Shape(
        "a.jsonl", labels(["a"], ["a", "b"]), {"kind": CLASSES}, error="one label an example"
    ),
    "written-list-label": Shape(
        "a.csv",
        table(rows=[("a", "['x']"), ("b", "['y']")] * 9),
        {"kind": CLASSES},
        error="has a list (['x'])",
    ),
    "written-lists": Shape(
        "a.csv",
        table("\t", rows=[("a", "['x', 'y']"), ("b", "[]"), ("c", '["y"]')] * 9),
        {},
        "multi_label",
        {"text": "a", "label": ["x", "y"]},
        note="a list of labels for each example, written as text",
    ),
    "one-hot-label": Shape(
        "a.jsonl", labels([1, 0], [0, 1]), {"kind": CLASSES}, error="which of them is 1"
    ),
    "object-label": Shape("a.jsonl", labels({"id": 1}, {"id": 2}), error="like label.id"),
    "number-text": Shape(
        "a.jsonl", [{"text": n, "label": "ab"[n % 2]} for n in range(9)], error="a whole number (0)"
    ),
    "list-text": Shape("a.jsonl", [{"text": ["a", "b"], "label": "x"}] * 9, error="like text.0"),
    "written-list-text": Shape(
        "a.csv", "text,label\n" + "\"['a', 'b']\",x\n" * 9, error="written as text"
    ),
    "chat": Shape("a.jsonl", CHAT, {}, "chat", CHAT[0], note="'messages' has lists of turns"),
    "sharegpt": Shape(
        "a.jsonl",
        [
            {"conversations": [{"from": "human", "value": f"w{n}"}, {"from": "gpt", "value": "x"}]}
            for n in range(24)
        ],
        {},
        "chat",
        exchange("w0", "x"),
        note="'conversations' has lists of turns",
    ),
    "alpaca": Shape(
        "a.json",
        json.dumps([{"instruction": "add", "input": f"1 {n}", "output": "x"} for n in range(24)]),
        {},
        "chat",
        exchange("add\n\n1 0", "x"),
        note="'instruction' and 'input' are answered by 'output'",
    ),
    "alpaca-generated": Shape(
        "a.jsonl",
        [{"instruction": "add", "input": f"1 {n}", "output": "x"} for n in range(24)],
        {"kind": "generation"},
        "generation",
        {"source": "add\n\n1 0", "target": "x"},
    ),
    "prompt-completion": Shape(
        "a.csv",
        table(header="prompt,completion", rows=[(f"w{n}", "x") for n in range(24)]),
        {},
        "chat",
        exchange("w0", "x"),
        note="'prompt' is answered by 'completion'",
    ),
    "prompt-completion-turns": Shape(
        "a.jsonl",
        [{"prompt": row["messages"][:2], "completion": row["messages"][2:]} for row in CHAT],
        {},
        "chat",
        CHAT[0],
        note="'prompt' is answered by 'completion'",
    ),
    "question-answer": Shape(
        "a.jsonl",
        [{"question": f"w{n}", "answer": "x"} for n in range(24)],
        {"kind": "chat"},
        "chat",
        exchange("w0", "x"),
    ),
    "chat-of-columns": Shape(
        "a.jsonl",
        [{"q": f"w{n}", "a": "x"} for n in range(24)],
        {"kind": "chat", "text": "q", "target": "a"},
        "chat",
        exchange("w0", "x"),
    ),
    "chat-in-a-table": Shape(
        "a.csv",
        "id,messages\n" + "".join(f'{n},"{row["messages"]}"\n' for n, row in enumerate(CHAT)),
        {},
        "chat",
        CHAT[0],
        note="'messages' has lists of turns",
    ),
    "chat-unanswered": Shape(
        "a.jsonl", [{"messages": CHAT[0]["messages"][:2]}] * 9, error="line 1 has no answer; its"
    ),
    "chat-nothing": Shape(
        "a.jsonl", [{"a": "x"}] * 9, {"kind": "chat"}, error="A chat has a column of lists of turns"
    ),
    "chat-long-line": Shape(
        "a.jsonl",
        [{"messages": [{"role": "user", "content": "word " * 2_000_000}]}],
        error="line 1 has 10000",
    ),
    "chat-long-turn": Shape(
        "a.json",
        json.dumps([{"prompt": "word " * 2_000_000, "completion": "x"}] * 2),
        error="has a turn of 10,000,000 characters, more than 1,000,000; that is no text",
    ),
    "template-missing": Shape(
        "a.jsonl",
        CHAT,
        {"chat_template": "no.jinja"},
        error="chat_template='no.jinja' cannot be read: No such file",
    ),
    "loss-on-what": Shape("a.jsonl", CHAT, {"loss_on": "all"}, error="'answers' or 'last'"),
    "template-of-no-chat": Shape(
        "a.csv", table(), {"loss_on": "last"}, error="would have no effect: a classification takes"
    ),
    "chat-as-text": Shape("a.jsonl", CHAT, {"label": "messages"}, error="has no column 'text'"),
    "chat-by-path": Shape(
        "a.jsonl",
        CHAT,
        {"text": "messages.1.content", "target": "messages.2.content"},
        "generation",
        {"source": "who is 0", "target": "it is 0"},
    ),
    "ids": Shape(
        "a.csv",
        table(rows=[(f"t{n}", n % 77) for n in range(400)]),
        {},
        CLASSES,
        {"text": "t0", "label": "0"},
        note="look like ids (if amounts, say kind regression)",
    ),
    "stars-with-points": Shape(
        "a.csv",
        table(rows=[(f"t{n}", f"{n % 5}.0") for n in range(40)]),
        {},
        NUMBERS,
        {"text": "t0", "label": 0.0},
    ),
    "capitals-of-labels": Shape(
        "a.csv",
        table(rows=[("a", "x"), ("b", "X"), ("c", "y")] * 9),
        {},
        CLASSES,
        {"text": "a", "label": "x"},
        note="The labels X and x differ in capital letters only",
    ),
    "ages": Shape(
        "a.csv",
        table(rows=[(f"t{n}", 18 + n % 60) for n in range(400)]),
        {},
        NUMBERS,
        {"text": "t0", "label": 18.0},
        note="if classes, say kind classification",
    ),
    "codes": Shape(
        "a.csv",
        table(rows=[("a", "1E5"), ("b", "2E7")] * 9),
        {},
        CLASSES,
        {"text": "a", "label": "1E5"},
    ),
    "decimal-commas": Shape(
        "a.csv",
        table(";", rows=[("a", "3,5"), ("b", "2")] * 9),
        error="write 3.5, or name the kind",
    ),
    "thousands": Shape(
        "a.csv",
        table(";", rows=[(f"t{n}", f"{1000 + n:,}") for n in range(60)]),
        error="'1,000', a number with a comma; write 1000, or 1.000 if its comma is decimal",
    ),
    "millions": Shape(
        "a.csv",
        table(";", rows=[(f"t{n}", f"{1_234_567 + n:,}.50") for n in range(60)]),
        error="write 1234567.50, or name the kind",
    ),
    "thousands-as-numbers": Shape(
        "a.csv",
        table(";", rows=[("a", "12,500"), ("b", "2")] * 9),
        {"kind": NUMBERS},
        error="a finite number without commas: write 12500, or 12.500 if its comma is decimal",
    ),
    "nan-by-name": Shape(
        "a.csv",
        table(rows=[("a", "Nan"), ("b", "Ban")] * 9),
        {},
        CLASSES,
        {"text": "a", "label": "Nan"},
    ),
    # words with tags
    "conll-tabs": Shape("a.conll", conll("\t"), {}, WORDS, ANNA),
    "conll-crlf": Shape("a.bio", conll(" ", end="\r\n"), {}, WORDS, ANNA),
    "conll-2003": Shape(
        "a.conll", conll(" ", "{word} NN I-NP {tag}"), {}, WORDS, ANNA, note="has 4 fields a line"
    ),
    "conll-column": Shape(
        "a.conll",
        conll(" ", "{word} {tag} I-{n}"),
        {"label": "2"},
        WORDS,
        ANNA,
        note="has 3 fields a line",
    ),
    "conll-u": Shape(
        "a.conllu",
        conll("\t", UNIVERSAL).replace("\tNOUN", "\tVERB", 3),
        {},
        WORDS,
        {"words": ["Anna", "sat"], "tags": ["VERB", "VERB"]},
    ),
    "conll-u-misc": Shape("a.conllu", conll("\t", UNIVERSAL), {"label": "misc:NER"}, WORDS, ANNA),
    "conll-u-nothing": Shape(
        "a.conllu", conll("\t", UNIVERSAL), {"label": "ner"}, error="upos, xpos, feats"
    ),
    "conll-one-tab": Shape(
        "a.conll",
        conll(" ").replace("in O", "in\tO", 1),
        {},
        WORDS,
        ANNA,
        note="lines have a tab: 4",
    ),
    "conll-odd": Shape(
        "a.conll",
        conll(" ") + "New York B-loc\n",
        error="has 3 fields ('New York B-loc'), but most",
    ),
    "conll-2012": Shape(
        "a.conll", conll(" ", "bc/doc 0 {n} {word} {tag}"), error="name that of the words with text"
    ),
    "conll-2012-named": Shape(
        "a.conll",
        conll(" ", "bc/doc 0 {n} {word} {tag} -"),
        {"text": "4", "label": "5"},
        WORDS,
        ANNA,
    ),
    "conll-words-only": Shape("a.conll", "a\nb\n\nc\n", error="Each line is a word and its tag"),
    "rows-of-words": Shape("a.csv", rows_of_words("sentence,word,tag"), {}, WORDS, ANNA),
    "rows-of-words-filled": Shape(
        "ner.csv",
        rows_of_words("Sentence #,Word,Tag", ids=False),
        {},
        WORDS,
        ANNA,
    ),
    "rows-of-words-named": Shape(
        "ner.csv",
        rows_of_words("doc,w,t"),
        {"sentence": "doc", "text": "w", "label": "t"},
        WORDS,
        ANNA,
    ),
    "rows-of-words-gaps": Shape(
        "ner.tsv", "word\ttag\n" + conll("\t"), {"kind": WORDS, "label": "tag"}, WORDS, ANNA
    ),
    "word-in-a-sentence": Shape(
        "a.csv",
        "sentence,word,label\n" + "A good film,film,pos\nA bad film,film,neg\n" * 9,
        {"text": "sentence"},
        CLASSES,
        {"text": "A good film", "label": "pos"},
    ),
    "spans": Shape(
        "a.jsonl",
        SPANS,
        {},
        WORDS,
        {
            "words": ["Anna", ",", "0", ",", "sat", "."],
            "tags": ["B-per", "O", "O", "O", "O", "O"],
        },
    ),
    "spans-as-objects": Shape(
        "a.jsonl",
        [
            {"text": "Anna sat", "label": [{"start": 0, "end": 3, "label": "per"}]},
        ]
        * 24,
        {},
        WORDS,
        ANNA,
        note="24 spans begin or end within a word",
    ),
    "spans-beyond": Shape(
        "a.jsonl",
        [{"text": "Anna", "entities": [[0, 9, "per"]]}] * 9,
        error="within the 4 char",
    ),
    "lists": Shape(
        "a.jsonl",
        [{"tokens": w, "ner_tags": t} for w, t in zip(TOKENS, TAGS, strict=True)],
        {},
        WORDS,
        ANNA,
    ),
    "lists-of-numbers": Shape(
        "a.jsonl",
        [{"tokens": w, "ner_tags": [len(x) // 4 for x in t]} for w, t in zip(TOKENS, TAGS)],
        {"label_names": ["O", "B-per"]},
        WORDS,
        ANNA,
    ),
    "lists-of-numbers-unnamed": Shape(
        "a.jsonl", [{"tokens": ["a"], "ner_tags": [1]}] * 9, error="name these in their order"
    ),
    "texts-of-words": Shape(
        "a.csv",
        table(header="words,tags", rows=[(" ".join(w), " ".join(t)) for w, t in zip(TOKENS, TAGS)]),
        {"kind": WORDS},
        WORDS,
        ANNA,
    ),
}


def written(folder, shape):
    path = folder / shape.file
    content = shape.content
    if shape.content == "hub":
        from datasets import ClassLabel, Dataset, Features, Value

        features = Features(text=Value("string"), label=ClassLabel(names=["neg", "pos"]))
        numbers = [{"text": t, "label": int(x == "pos")} for t, x in TWICE]
        pq.write_table(Dataset.from_list(numbers, features).data.table, path)
        return str(path)
    if shape.content == "excel":
        with pd.ExcelWriter(path) as book:
            pd.DataFrame(TWICE, columns=["text", "label"]).to_excel(book, sheet_name="mine")
            pd.DataFrame([1]).to_excel(book, sheet_name="other")
        return str(path)
    if isinstance(content, list):
        content = "\n".join(map(json.dumps, content)) + "\n"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def test_there_are_sixty_of_them():
    assert len(SHAPES) >= 60


@pytest.mark.parametrize("name", [name for name, shape in SHAPES.items() if not shape.error])
def test_a_file_is_read_as_it_is_meant(tmp_path, name):
    shape = SHAPES[name]
    task = task_from_files(written(tmp_path, shape), **shape.options)
    assert task.kind == shape.kind
    parts = task.origin.find(Source())
    assert parts.readers["train"]()[0] == shape.first
    assert len(task.load(Source()).train) > 5
    assert shape.note in " ".join(parts.notes)
    said = {note for note in parts.notes if not note.startswith("The task is")}
    assert bool(said) <= bool(shape.note)


@pytest.mark.parametrize("name", [name for name, shape in SHAPES.items() if shape.error])
def test_a_file_that_cannot_be_meant_is_refused_in_one_line(tmp_path, name):
    shape = SHAPES[name]
    with pytest.raises(AutopeltError) as info:
        task_from_files(written(tmp_path, shape), **shape.options).load(Source())
    assert "\n" not in str(info.value)
    assert shape.error in str(info.value)
    assert info.value.exit_code in (2, 3)


def test_the_way_out_is_an_option_on_the_command_line(tmp_path, capsys):
    shape = SHAPES["no-header-unsaid"]
    assert main(["search", "--train", written(tmp_path, shape), "--space", "tiny"]) == 3
    said = capsys.readouterr().err
    assert "name the columns with --columns or number them with --no-header" in said


def test_files_that_people_have_are_read_as_they_are_meant(real_data):
    """SST-2's sentences and the entities of WNUT 17, as they are published."""
    task = task_from_files(str(real_data / "glue" / "SST-2" / "train.tsv"), text="sentence")
    parts = task.origin.find(Source())
    first = parts.readers["train"]()[0]
    assert (task.kind, first["label"]) == (CLASSES, "0")
    assert first["text"] == "hide new secretions from the parental units "
    assert parts.notes == [
        "The task is a classification, scored by accuracy: 'label' has 2 distinct values (0, 1)."
    ]
    folder = real_data / "ner" / "wnut17"
    task = task_from_files(
        str(folder / "wnut17train.conll"), validation=str(folder / "emerging.dev.conll")
    )
    parts = task.origin.find(Source())
    sizes = [len(parts.readers[part]()) for part in ("train", "selection")]
    assert (task.kind, sizes) == (WORDS, [3394, 1009])
    assert parts.notes == [
        "The task is a token classification, scored by span_f1: 'tags' has a list of tags for "
        "each example."
    ]
