"""What is too long loses its oldest turns, then the middle of its longest texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopelt.errors import UsageError
from autopelt.tasks.cutting import GAP, shortened, without_middle


def _turns(*said, system=""):
    roles = ("user", "assistant")
    turns = [{"role": roles[n % 2], "content": content} for n, content in enumerate(said)]
    return [*([{"role": "system", "content": system}] if system else []), *turns]


def _size(turns):
    """Two words around each turn."""
    return sum(2 + len(turn["content"].split()) for turn in turns)


def _cut(turns, limit):
    return shortened(turns, limit, _size, lambda text: len(text.split()))


@given(st.lists(st.integers(), max_size=30), st.integers(0, 40))
def test_first_and_last_tokens_stay(ids, room):
    cut = without_middle(ids, room)
    assert len(cut) == min(len(ids), room)
    half = len(cut) // 2
    assert cut == [*ids[:half], *ids[len(ids) - (len(cut) - half) :]]


def test_the_oldest_turns_go_first_as_few_as_will_do():
    turns = _turns("a b", "c", "d e", "f", "g", "h", system="s")
    assert _cut(turns, _size(turns)) == turns
    assert _cut(turns, _size(turns) - 1) == turns[:1] + turns[3:]
    assert _cut(turns, 9) == turns[:1] + turns[5:]


def test_the_middle_of_the_longest_texts_goes_where_one_exchange_is_too_long():
    long = " ".join(f"w{n}" for n in range(100))
    cut = _cut(_turns("old", "old", long, "yes", system="be kind"), 40)
    assert [turn["role"] for turn in cut] == ["system", "user", "assistant"]
    assert (cut[0]["content"], cut[2]["content"]) == ("be kind", "yes")
    assert cut[1]["content"].startswith("w0 w1 ")
    assert cut[1]["content"].endswith(" w98 w99")
    assert GAP in cut[1]["content"]
    assert 30 < _size(cut) <= 40
    both = _cut(_turns(long, long), 40)
    assert _size(both[:1]) == pytest.approx(_size(both[1:]), abs=2)


@given(st.lists(st.integers(1, 60), min_size=1, max_size=4), st.integers(16, 100))
def test_what_is_cut_keeps_to_the_limit(sizes, limit):
    turns = _turns(*(text for n in sizes for text in ("word " * n, "said " * n)), system="s")
    cut = _cut(turns, limit)
    assert _size(cut) <= limit
    assert cut[-1]["role"] == "assistant"
    assert cut[0] == turns[0]


def test_of_a_few_words_none_is_spent_on_a_gap():
    """A gap of many tokens, as of a tokeniser of bytes."""

    def tokens(text):
        return len(text.encode())

    turns = _turns("the cat sat on the mat", "it rained all day")
    cut = shortened(turns, 14, lambda few: sum(tokens(t["content"]) for t in few), tokens)
    assert [turn["content"] for turn in cut] == ["the mat", "it day"]


def test_a_limit_below_what_the_template_takes_is_refused():
    with pytest.raises(UsageError, match=r"max_length=4.*is too short: .* takes 4 tokens"):
        _cut(_turns("a b", "c d"), 4)
