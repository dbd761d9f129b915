"""Tables of the documentation that are made from the code, between two comments of a page."""

import os
import re


def table_of(path, mark, made):
    """The table of a page at a mark; AUTOPELT_WRITE_DOCS=1 writes what is made there first."""
    text = path.read_text(encoding="utf-8")
    pattern = rf"(<!-- {mark}: [^>]*-->\n)(.*?)(<!-- end -->)"
    if os.environ.get("AUTOPELT_WRITE_DOCS"):
        text = re.sub(pattern, lambda m: m[1] + made + m[3], text, flags=re.DOTALL)
        path.write_text(text, encoding="utf-8")
    found = re.search(pattern, text, flags=re.DOTALL)
    assert found
    return found[2]


def markdown(header, rows):
    """A table of cells, which are texts, as it stands in a page."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
