"""The part of plotly.js that a page draws with, cut out of the whole script.

The script of the package `plotly` has some fifty kinds of traces and a renderer of maps; a page
draws three of these. It is a bundle as esbuild makes them: a function for each CommonJS module,
``var NAME=W((exports,module)=>{…});``, which whoever needs it calls as ``NAME()``, and between them
ES modules, whose functions lie open and which CommonJS reaches by calling what starts them. The
last module registers the traces. Kept is what that one reaches if it registers those asked for; a
word that only looks like a name keeps a module too many, never one too few. A script of another
make stays whole: pages draw the same with it, only later.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

_TEXTS = r""""(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`"""
_TEXT = re.compile(_TEXTS)
_BRACKET = re.compile(
    # A slash after one of these begins a regular expression, after anything else it divides.
    rf"{_TEXTS}|(?<=[=(,:?&|!;{{}}\[])/(?![*/])(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/"
    r"|[{}()\[\]]"
)
_MODULE = re.compile(r"(?<=\}\);)var ([\w$]+)=([\w$]+)\((?=[\w$(])")
_REGISTERED = re.compile(r"register\(\[((?:[\w$]+\(\),?)+)\]\)")
_CALLED = re.compile(r"(?<![\w$.])([\w$]+)\(\)")
_WORD = re.compile(r"[\w$]{2,}")
_TOP = re.compile(r"(?:\bvar |\bfunction |,)([\w$]{2,})")
_STARTED = re.compile(r"([\w$]+)=[\w$]+\(\(\)=>\{")
_TRACE = re.compile(r'moduleType:"trace",name:"(\w+)"')
_SAME_AS = re.compile(r"var [^{]*\{(?:\"use strict\";)?[\w$]+\.exports=([\w$]+)\(\)\}\);?")


@dataclass(frozen=True)
class _Piece:
    """One module, or the ES modules between two.

    Attributes:
        text: its source.
        calls: what CommonJS calls to have it.
        top: names by which one ES module knows another; none for a CommonJS module.
    """

    text: str
    calls: tuple[str, ...]
    top: frozenset[str] = frozenset()


def part(script: str, traces: frozenset[str]) -> str:
    """plotly.js with these kinds of traces (and `scatter`, which it always has), or all of it."""
    found = list(_MODULE.finditer(script))
    wrap = Counter(m[2] for m in found).most_common(1)
    starts = [m for m in found if m[2] == wrap[0][0]]
    if len(starts) < 2:
        return script
    pieces = list(_pieces(script, starts))
    last = starts[-1].start()
    registered = _REGISTERED.search(script, last)
    if registered is None:
        return script
    where = {name: piece for piece in pieces for name in piece.calls}
    wanted = [n for n in _CALLED.findall(registered[1]) if _trace(n, where) in traces]
    if len(wanted) != len(traces):
        return script
    end = script[last : registered.start(1)], script[registered.end(1) :]
    tail = end[0] + ",".join(f"{name}()" for name in wanted) + end[1]
    head = script[: starts[0].start()]
    needed = _reached(tail, pieces, where, set(_WORD.findall(head)))
    return head + "".join(piece.text for piece in pieces if id(piece) in needed) + tail


def _pieces(script: str, starts: list[re.Match[str]]) -> Iterator[_Piece]:
    """All modules but the last."""
    for start, following in pairwise(starts):
        text = script[start.start() : following.start()]
        inner = [m.end() for m, depth in _brackets(text) if depth == 0 and m[0] in ")]}"]
        end = inner[0] + 1 if inner else len(text)  # with its semicolon
        yield _Piece(text[:end], (start[1],))
        if rest := text[end:]:
            yield _Piece(rest, tuple(_STARTED.findall(rest)), frozenset(_TOP.findall(_open(rest))))


def _brackets(text: str) -> Iterator[tuple[re.Match[str], int]]:
    """Each bracket outside of strings, and how many are open after it."""
    depth = 0
    for found in _BRACKET.finditer(text):
        if found[0] in "([{":
            depth += 1
        elif found[0] in ")]}":
            depth -= 1
        else:
            continue
        yield found, depth


def _open(text: str) -> str:
    """What lies in no bracket."""
    parts, at = [], 0
    for found, depth in _brackets(text):
        if depth == 0:
            at = found.end()
        elif depth == 1 and found[0] in "([{":
            parts.append(text[at : found.start()])
    return " ".join([*parts, text[at:]])


def _trace(name: str, where: dict[str, _Piece]) -> str:
    """The kind of trace that a module is, "" for another module."""
    while name in where:
        text = where[name].text
        if found := _TRACE.search(text):
            return found[1]
        again = _SAME_AS.fullmatch(text)
        name = again[1] if again else ""
    return ""


def _reached(
    tail: str, pieces: list[_Piece], where: dict[str, _Piece], helpers: set[str]
) -> set[int]:
    """`id` of each piece that the end of the script comes to."""
    # A name at the top is declared once; a word that two pieces have there is none.
    times = Counter(name for piece in pieces for name in piece.top)
    known = {
        name: piece
        for piece in pieces
        for name in piece.top
        if times[name] == 1 and name not in helpers
    }
    reached: set[int] = set()
    ahead = [where[name] for name in _CALLED.findall(tail) if name in where]
    while ahead:
        piece = ahead.pop()
        if id(piece) in reached:
            continue
        reached.add(id(piece))
        ahead += [where[name] for name in set(_CALLED.findall(piece.text)) if name in where]
        if piece.top:
            words = set(_WORD.findall(_TEXT.sub("", piece.text)))
            ahead += [known[name] for name in words if name in known]
    return reached
