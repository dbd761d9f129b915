"""Facts about a method live with the method: all are there, and nobody else keeps a table."""

import ast
import re
from dataclasses import replace
from pathlib import Path

import pytest
from closed_form import shapes_of

from autopelt.architecture.architecture import Architecture
from autopelt.backbones.families import FAMILIES
from autopelt.cards.look import method_look
from autopelt.methods import METHODS, in_order, named
from autopelt.methods.base import PATTERNS, Method
from autopelt.methods.module import OPTIONS, Module
from autopelt.modules import PELTS, Pelt

PACKAGE = Path(__file__).parents[2] / "autopelt"
CSS = (PACKAGE / "report" / "page.css").read_text(encoding="utf-8")
HUES = ("--purple", "--indigo", "--green", "--blue", "--orange", "--vermilion", "--brown")
"""One for each kind of method: rows at the input, keys, changes of weights, adapters, vectors."""
methods = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)


@methods
def test_a_method_has_every_fact(method: Method) -> None:
    for fact in ("name", "words", "short", "colour"):
        assert getattr(method, fact), fact
    assert method.learning_rate > 0
    assert method.locations
    assert method.usual_location in (*method.locations, "")
    assert method.options <= set(OPTIONS)
    assert method.colour in HUES
    assert method.pattern in PATTERNS
    assert f'[data-pattern="{method.pattern}"]'.replace("\\", 2 * "\\") in CSS or not method.pattern
    assert issubclass(PELTS[method.name], Pelt)


def test_no_two_methods_look_alike() -> None:
    for fact in ("words", "short", "drawn"):
        values = [getattr(method, fact) for method in METHODS.values()]
        assert len(set(values)) == len(values), fact
    looks = [method_look(name) for name in METHODS]
    assert len(set(looks)) == len(looks), "a hue is shared, its hatching is not"
    assert "--muted" not in {
        m.colour for m in METHODS.values()
    }  # the colour of a method that is not known


@pytest.mark.parametrize(
    ("method", "gate"),
    [(m, g) for m in METHODS.values() for g in (None, "mean") if not g or "gate" in m.options],
)
def test_a_method_is_exported_or_says_why_not(method: Method, gate: str | None) -> None:
    location = method.locations[0]
    layer = None if location == "embeddings" else 0
    module = Module(method.name, location, layer, 2 if method.size_word else 1, gate)
    if method.not_in_adapters(module, {module.key}) is None:
        assert "architecture" in method.adapters_config(module, 8)
        for key in ("down", "keys", "gate.weight"):
            assert isinstance(method.adapters_tensor(module, "a", key), str)
    if method.not_merged(module) is None:
        assert PELTS[method.name].merge is not Pelt.merge
    if method.not_in_peft(module) is None:
        assert PELTS[method.name].peft_forms is not Pelt.peft_forms
    for why in (
        method.not_merged(module),
        method.not_in_peft(module),
        method.not_in_adapters(module, {module.key}),
    ):
        assert why is None or re.match(r"(is|has|adds) ", why), "it goes on with 'lora at 0/ffn'"


def test_an_unknown_method_is_shown_by_its_name_and_exported_nowhere() -> None:
    module = Module("soft_thing", "ffn", 0, 2)
    method = named("soft_thing")
    assert (method.words, method.colour) == ("soft thing", "--muted")
    assert in_order(["soft_thing", "lora", "prompt", "lora"]) == ["prompt", "lora", "soft_thing"]
    assert Architecture((module,)).describe() == "soft_thing 2 at 0"
    assert method.not_merged(module)
    assert method.not_in_peft(module)
    assert method.not_in_adapters(module, ())


TABLES_ELSEWHERE = {
    "architecture/seeds.py": "a hand-made architecture is made of particular methods",
    "architecture/": "the key `prompt` of an architecture file is short for a row",
    "workflows/validate.py": "likewise: by its keys a file is taken for an architecture",
    "tasks/": "the setting `prefix` of a translation is no method",
    "workflows/options.py": "likewise",
    "data/conversations.py": "the column `prompt` of a chat is no method",
    "export/recipe.py": "the column `prompt` of rows that other programs read is no method",
    "export/trl_data.py": "likewise",
    "export/axolotl.py": "likewise",
    "export/llama_factory.py": "likewise",
}


def test_no_other_room_names_a_method() -> None:
    """A new method must be complete without an edit in cards, report, export, training, …."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        place = path.relative_to(PACKAGE).as_posix()
        if place.startswith(("methods/", "modules/")):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named_here = {
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and node.value in METHODS
        }
        if named_here:
            found[place] = named_here
    allowed = tuple(TABLES_ELSEWHERE)
    assert not {place: words for place, words in found.items() if not place.startswith(allowed)}
    assert set().union(*(v for p, v in found.items() if not p.startswith("architecture/"))) <= {
        "prefix",
        "prompt",
    }
    for place in (*(PACKAGE / "report").glob("*.js"), PACKAGE / "report" / "page.css"):
        text = place.read_text(encoding="utf-8")
        assert not [n for n in METHODS if "_" in n and n in text]
    assert not set(METHODS) & set(FAMILIES)


def test_rates_of_matrices_fall_with_the_width_of_a_decoder_and_of_nothing_else() -> None:
    narrow, wide, encoder = (
        replace(shapes_of(4, width), decoder=decoder)
        for width, decoder in ((576, True), (4096, True), (4096, False))
    )
    lora, ia3 = METHODS["lora"], METHODS["ia3"]
    assert lora.rate(narrow) == lora.rate(encoder) == lora.learning_rate
    assert lora.rate(wide) == pytest.approx(2e-4, rel=0.1), (
        "what QLoRA has for 7 billion parameters"
    )
    assert ia3.rate(wide) == ia3.learning_rate
