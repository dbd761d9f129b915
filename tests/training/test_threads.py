"""CPU threads for a while."""

from contextlib import suppress

import torch

from autopelt.training.threads import cpu_threads


def test_threads_are_as_many_as_before_also_after_an_error() -> None:
    before = torch.get_num_threads()
    with cpu_threads(before + 2):
        assert torch.get_num_threads() == before + 2
    with suppress(KeyError), cpu_threads(before + 2):
        raise KeyError
    assert torch.get_num_threads() == before
