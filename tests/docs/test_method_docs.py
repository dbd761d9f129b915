"""docs/methods.md and the table of search-space.md are made from the methods themselves.

To write the tables anew: AUTOPELT_WRITE_DOCS=1 pytest tests/docs/test_method_docs.py
"""

import re
import sys
from pathlib import Path

import pytest
from docs_table import markdown, table_of
from transformers import BertConfig

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.counter import ShapeCounter
from autopelt.architecture.seeds import seed_architecture
from autopelt.backbones.shapes import shapes_of_config
from autopelt.methods import METHODS, in_order
from autopelt.methods.module import EMBEDDINGS, Module

DOCS = Path(__file__).resolve().parents[2] / "docs"
ORDERED = [METHODS[name] for name in in_order(METHODS)]


def head(method):
    """What stands at the head of the method's file."""
    return sys.modules[type(method).__module__].__doc__


def formula(method):
    """The first span of code that is no mere name."""
    spans = re.findall(r"``(.*?)``", head(method), flags=re.DOTALL)
    return " ".join(next(span for span in spans if not re.fullmatch(r"[\w.]+", span)).split())


def source(method):
    """The first paper with a link: (authors, address)."""
    found = re.search(r"\(([^()]*?\d{4}),\s+(https://[^\s,;)]+)", head(method))
    return " ".join(found[1].split()), found[2]


def parameters(method):
    """What is said of the number of deployed parameters."""
    found = re.search(r"(?:Parameters|Deployed): (.*?)\.(?:\s|$)", head(method), flags=re.DOTALL)
    return " ".join(found[1].replace("``", "`").split())


def modules(method, gate=None):
    """One module of the method at each of its locations."""
    return [
        Module(method.name, at, None if at == EMBEDDINGS else 0, 1, gate) for at in method.locations
    ]


def listed(locations):
    return ", ".join(f"`{at}`" for at in locations)


def said(method, why_not):
    """Where a method can be said to be somewhere: everywhere, without a gate, at some places."""
    there = tuple(m.location for m in modules(method) if why_not(m) is None)
    if not there:
        return "no"
    gated = "gate" in method.options and any(why_not(m) is None for m in modules(method, "mean"))
    words = "yes" if there == method.locations else f"at {listed(there)}"
    return words if gated or "gate" not in method.options else f"{words}, without a gate"


def papers():
    rows = []
    for method in ORDERED:
        authors, address = source(method)
        rows.append((method.words, f"`{formula(method)}`", f"[{authors}]({address})"))
    return markdown(("method", "what it computes", "paper"), rows)


def facts():
    config = BertConfig(
        hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536
    )
    shapes = shapes_of_config(config)
    assert shapes.backbone_parameters == 22_713_216, "MiniLM's"
    rows = []
    for method in ORDERED:
        if method.by_hand:
            name = next(iter(method.by_hand))
            architecture, example = seed_architecture(name, shapes), f"`{name}`"
        else:
            at = [Module(method.name, method.usual_location, n, 24) for n in range(shapes.layers)]
            architecture, example = Architecture(tuple(at)), f"{method.size_word} 24"
        count = ShapeCounter(shapes).count(architecture).deployed
        rows.append(
            (
                f"`{method.name}`",
                parameters(method),
                f"{example}: {count:,}",
                f"{method.learning_rate:g}{'*' if method.falls_with_width else ''}",
                "yes" if "gate" in method.options else "no",
                said(method, method.not_merged),
                said(method, method.not_in_peft),
                said(method, lambda m, of=method: of.not_in_adapters(m, {m.key})),
            )
        )
    exports = ("merged", "peft", "adapters")
    return markdown(("method", "parameters", "of MiniLM", "rate", "gate", *exports), rows)


def locations():
    alike = {}
    for method in ORDERED:
        alike.setdefault((method.locations, method.size_word), []).append(method.name)
    rows = [
        (", ".join(f"`{name}`" for name in names), listed(at), size or "none: `[0, 1]`")
        for (at, size), names in alike.items()
    ]
    return markdown(("method", "locations", "size"), rows)


@pytest.mark.parametrize(
    ("page", "mark", "make"),
    [
        ("methods.md", "papers", papers),
        ("methods.md", "facts", facts),
        ("search-space.md", "locations", locations),
    ],
)
def test_a_table_is_what_the_methods_say(page, mark, make):
    made = make()
    why = "run: AUTOPELT_WRITE_DOCS=1 pytest tests/docs/test_method_docs.py"
    assert table_of(DOCS / page, mark, made) == made, why
