"""Tables of the documentation that are made from the code, between two comments of a page."""

import os
import re


def table_of(path, mark, made):
    """The table of a page at a mark; AUTOPELT_WRITE_DOCS=1 writes what is made there first."""
    if os.environ.get("AUTOPELT_WRITE_DOCS"):
        write_table(path, mark, made)
    return read_table(path, mark)


def read_table(path, mark):
    """What stands in a page between a mark and its end."""
    found = _between(mark).search(path.read_text(encoding="utf-8"))
    assert found
    return found[2]


def write_table(path, mark, made):
    """Replace it."""
    text = path.read_text(encoding="utf-8")
    path.write_text(_between(mark).sub(lambda m: m[1] + made + m[3], text), encoding="utf-8")


def _between(mark):
    return re.compile(rf"(<!-- {mark}: [^>]*-->\n)(.*?)(<!-- end -->)", re.DOTALL)


def markdown(header, rows):
    """A table of cells, which are texts, as it stands in a page."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
