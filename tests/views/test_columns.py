"""Tables that fit a terminal: whole words, and what matters least is left out first."""

import random

import pytest

from autopelt.system.folded import cells
from autopelt.views.columns import Column, Table

COLUMNS = (
    Column("trial"),
    Column("accuracy"),
    Column("observed", minor=2),
    Column("share", minor=1),
    Column("architecture", words=True),
)


@pytest.mark.parametrize("width", range(60, 141))
def test_no_line_is_longer_than_the_width_and_no_word_is_cut(width: int) -> None:
    chance = random.Random(width)
    table = Table(*COLUMNS)
    for _ in range(4):
        numbers = ["7" * chance.randint(1, 12) for _ in range(4)]
        words = ["a日.,-"[chance.randrange(5)] * chance.randint(1, 20) for _ in range(20)]
        table.add(*numbers, " ".join(words[: chance.randrange(20)]))
    head, body = table.lines(width)
    assert all(cells(line) <= width for line in head + body)
    words = set(" ".join(body).split())
    assert {word for row in table.rows for word in (row[0], *row[-1].split())} <= words


def made() -> Table:
    table = Table(*COLUMNS)
    table.add("3", "0.9", "0.88 to 0.92", "0.1%", "adapter 8 at 2-5 and a long prefix")
    return table


def test_in_a_pipe_a_row_is_a_line() -> None:
    assert made().lines(None) == (
        ["trial  accuracy      observed  share  architecture"],
        ["    3       0.9  0.88 to 0.92   0.1%  adapter 8 at 2-5 and a long prefix"],
    )


def test_what_matters_least_is_left_out_first_and_named() -> None:
    assert made().lines(48) == (
        ["trial  accuracy  share  architecture"],
        [
            "    3       0.9   0.1%  adapter 8 at 2-5 and a",
            "                        long prefix",
            "(in a wider terminal also: observed)",
        ],
    )


def test_where_nothing_fits_a_row_is_a_line_for_each_of_its_cells() -> None:
    assert made().lines(30) == (
        [],
        [
            "trial         3",
            "accuracy      0.9",
            "observed      0.88 to 0.92",
            "share         0.1%",
            "architecture  adapter 8 at 2-5",
            "              and a long",
            "              prefix",
        ],
    )


def test_without_rows_there_is_nothing() -> None:
    assert Table(*COLUMNS).lines(80) == ([], [])


def test_what_a_cell_holds_neither_steers_the_terminal_nor_is_markup() -> None:
    table = Table(Column("method", words=True))
    table.add("\x1b[31mred\x07\n[red]x[/]")
    _, body = table.lines(80)
    assert body == ["\\x1b[31mred\\x07 [red]x[/]"]
