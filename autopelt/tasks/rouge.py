"""ROUGE of summaries (Lin 2004, W04-1013): F1 of shared words, pairs of words and subsequences.

Words are runs of letters and digits in lower case, without stemming: what the package
``rouge_score`` computes, except that it knows no letters beyond a to z.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

_WORDS = re.compile(r"[^\W_]+")


def rouge_n(found: str, gold: str, size: int) -> float:
    """F1 of runs of `size` words (section 2)."""
    counts = [Counter(_runs(_words(text), size)) for text in (found, gold)]
    same = (counts[0] & counts[1]).total()
    return _f1(same, counts[0].total(), counts[1].total())


def rouge_l(found: str, gold: str) -> float:
    """F1 of the longest common subsequence of words (section 3.1)."""
    ours, theirs = _words(found), _words(gold)
    return _f1(len(_shared(theirs, ours)), len(ours), len(theirs))


def rouge_lsum(found: str, gold: str) -> float:
    """F1 of what the sentences share, a line each (section 3.2).

    For each gold sentence, the union of its longest common subsequences with all found ones; no
    word counts more often than it occurs on either side.
    """
    ours, theirs = ([_words(line) for line in text.split("\n")] for text in (found, gold))
    left = [Counter(word for line in lines for word in line) for lines in (ours, theirs)]
    sizes = [counter.total() for counter in left]
    hits = 0
    for sentence in theirs:
        for place in sorted({i for line in ours for i in _shared(sentence, line)}):
            word = sentence[place]
            if left[0][word] > 0 and left[1][word] > 0:
                hits += 1
                left[0][word] -= 1
                left[1][word] -= 1
    return _f1(hits, *sizes)


def _f1(same: int, found: int, gold: int) -> float:
    return 2 * same / (found + gold) if same else 0.0


def _words(text: str) -> list[str]:
    return _WORDS.findall(text.lower())


def _runs(words: Sequence[str], size: int) -> list[tuple[str, ...]]:
    return list(zip(*(words[start:] for start in range(size))))


def _shared(gold: Sequence[str], found: Sequence[str]) -> list[int]:
    """Places in `gold` of one longest common subsequence, from the last to the first."""
    table = [[0] * (len(found) + 1)]
    for word in gold:
        above, row = table[-1], [0]
        for j, other in enumerate(found):
            row.append(above[j] + 1 if word == other else max(above[j + 1], row[j]))
        table.append(row)
    places, i, j = [], len(gold), len(found)
    while i and j:
        if gold[i - 1] == found[j - 1]:
            places.append(i - 1)
            i, j = i - 1, j - 1
        elif table[i][j - 1] > table[i - 1][j]:
            j -= 1
        else:
            i -= 1
    return places
