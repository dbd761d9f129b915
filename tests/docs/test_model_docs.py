"""The table of models cannot go stale: it is made here, of what is found on each family.

To write it anew: AUTOPELT_WRITE_DOCS=1 pytest tests/docs/test_model_docs.py
"""

from pathlib import Path

import transformers
import yaml
from docs_table import markdown, table_of
from families import FOUND, config_of
from zoo import CONFIGS

from autopelt.backbones.description import describe_as, read
from autopelt.backbones.head import HEADS
from autopelt.backbones.shapes import shapes_of_config
from autopelt.methods import METHODS, fits
from autopelt.methods.places import LINEAR

PAGE = Path(__file__).resolve().parents[2] / "docs" / "models.md"
GOLDEN = yaml.safe_load((PAGE.parents[1] / "tests/backbones/places.yaml").read_text("utf-8"))
WORDS = {
    "sequence_classification": "texts",
    "token_classification": "tokens",
    "question_answering": "answers",
    "seq2seq": "text to text",
    "causal_lm": "text",
}
HEADER = ("family", "linear maps", "adapters", "prefix", "prompt", "heads")


def row(family):
    config = config_of(family)
    if family in FOUND:  # as its own test finds it
        describe_as(config, read(GOLDEN[family]))
    shapes = shapes_of_config(config)

    def yes(method, location):
        return "yes" if fits(METHODS[method], location, shapes) else "-"

    maps = [at for at in LINEAR if at in shapes.locations]
    behind = [at for at in ("attention", "ffn") if yes("sequential_adapter", at) == "yes"]
    heads = [
        words
        for kind, words in WORDS.items()
        if type(config) in getattr(transformers, HEADS[kind])._model_mapping
    ]
    return (
        f"`{family}`",
        _short(maps),
        ", ".join(behind) or "-",
        yes("prefix", "attention"),
        yes("prompt", "embeddings"),
        ", ".join(heads) or "-",
    )


def _short(maps):
    """``attention: query, key; ffn: in, out``."""
    parts = {}
    for at in maps:
        branch, _, name = at.partition(".")
        parts.setdefault(branch, []).append(name)
    return "; ".join(f"{branch}: {', '.join(names)}" for branch, names in parts.items()) or "-"


def test_the_table_of_models_is_the_truth():
    table = markdown(HEADER, map(row, sorted(CONFIGS | FOUND)))
    assert table_of(PAGE, "models", table) == table
