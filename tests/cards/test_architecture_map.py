from dataclasses import replace

import pytest
from example_studies import LAYERS

from autopelt.architecture.architecture import Architecture
from autopelt.cards.architecture_map import MOST_ROWS, architecture_map, card, draw
from autopelt.cards.card import NothingToShow
from autopelt.methods.module import EMBEDDINGS, Module


def only(record, *architectures):
    """A study whose complete trials have these architectures, all on the front."""
    trials = tuple(
        replace(
            record.trials[1],
            number=i,
            architecture=a,
            label="",
            score=0.5 + i / 1000,
            count=replace(record.trials[1].count, deployed=1000 + i),
        )
        for i, a in enumerate(architectures)
    )
    return replace(record, trials=trials)


def test_rows_are_front_members_with_modules_by_growing_size(example):
    m = architecture_map(example)
    assert [t.number for t in m.trials] == [
        t.number for t in example.front if t.architecture.modules
    ]
    assert all(len(b.modules) == len(m.trials) for b in m.bands)


def test_a_cell_has_the_largest_size_of_its_method_and_layer(example):
    a = Architecture(
        (Module("lora", "attention.query", 2, 4), Module("lora", "attention.value", 2, 16))
    )
    (band,) = architecture_map(only(example, a)).bands
    assert band.sizes == [[0, 0, 16, 0, 0, 0]]
    assert band.layers == tuple(range(LAYERS))


def test_usage_is_the_share_of_rows_with_any_module_there(example):
    a = Architecture((Module("lora", "attention.query", 0, 4),))
    b = Architecture(
        (Module("lora", "attention.query", 0, 4), Module("lora", "attention.key", 5, 4))
    )
    (band,) = architecture_map(only(example, a, b)).bands
    assert band.usage == [1.0, 0, 0, 0, 0, 0.5]


def test_a_method_at_the_embeddings_has_one_column(example):
    a = Architecture((Module("prompt", EMBEDDINGS, None, 10),))
    record = only(example, a)
    (band,) = architecture_map(record).bands
    assert band.layers == (None,)
    assert band.sizes == [[10]]
    assert "at the embeddings only" in card(record).lead
    assert len(card(record).figures) == 1


def test_an_unknown_method_gets_a_band_as_well(example):
    a = Architecture((Module("brand_new", "ffn", 1, 3),))
    assert [b.method for b in architecture_map(only(example, a)).bands] == ["brand_new"]
    assert card(only(example, a)).figures


def test_a_long_front_is_thinned_and_keeps_its_ends(example):
    many = [Architecture((Module("lora", "attention.query", 0, n + 1),)) for n in range(90)]
    m = architecture_map(only(example, *many))
    assert len(m.trials) == MOST_ROWS
    assert (m.trials[0].number, m.trials[-1].number) == (0, 89)


def test_the_lead_says_where_the_modules_sit(example):
    high = Architecture(
        (Module("lora", "attention.query", 5, 4), Module("prefix", "attention", 0, 4))
    )
    lead = card(only(example, high)).lead
    assert "LoRA sits mostly in the upper layers" in lead
    assert "prefix sits mostly in the lower layers" in lead


def test_a_front_of_the_head_alone_has_no_map(example):
    with pytest.raises(NothingToShow):
        architecture_map(only(example, Architecture()))


def test_a_method_without_size_has_a_dot_where_it_is(example):
    a = Architecture((Module("ia3", "attention.key", 1, 1), Module("ia3", "ffn.out", 1, 1)))
    figure = draw(architecture_map(only(example, a))).plot
    assert [list(row) for row in figure.data[0].text] == [["", "•", "", "", "", ""]]


def test_methods_used_as_often_are_all_named(example):
    two = Architecture((Module("ia3", "attention.key", 1, 1), Module("layer_norm", "norms", 4, 1)))
    three = Architecture((*two.modules, Module("lora", "attention.key", 2, 4)))
    lead = card(only(example, two)).lead
    assert lead.startswith("LayerNorm tuning and IA3 are the methods used most by the 1 front")
    assert card(only(example, three)).lead.startswith("All methods are used alike by the 1 front")
