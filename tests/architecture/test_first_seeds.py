"""What a study begins with: names of seed architectures, each once, that its model can have."""

from dataclasses import replace

import pytest
from closed_form import shapes_of

from autopelt.architecture.first_seeds import FIRST, WRITING, default_seeds
from autopelt.architecture.seeds import seed_architecture

PLAIN = shapes_of(6, 384)
SHAPES = replace(PLAIN, locations=(*PLAIN.locations, "norms"))


@pytest.mark.parametrize(("writes", "count"), [(False, 18), (True, 18)])
def test_the_names_are_seeds_each_once(writes: bool, count: int) -> None:
    names = default_seeds(replace(SHAPES, decoder=writes), writes)
    assert len(set(names)) == len(names) == count
    assert len({seed_architecture(name, SHAPES).id for name in names}) == count
    first = WRITING if writes else FIRST
    assert names[: len(dict(first))] == tuple(dict(first))
    assert len(set(first)) == len(first)


def test_what_writes_text_has_something_to_train_in_each() -> None:
    assert all(seed_architecture(name, SHAPES).modules for name in default_seeds(SHAPES, True))
