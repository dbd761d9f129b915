"""How threads that share a matrix product wait for one another."""

import os

_SPINS = "GOMP_SPINCOUNT"
_CHOSEN = (_SPINS, "OMP_WAIT_POLICY")


def short_waits() -> dict[str, str]:
    """Environment of a process that is to load PyTorch; what the user has chosen stays.

    GNU's OpenMP, that of PyTorch's wheels for Linux, lets a thread that has done its part of a
    product look some 300,000 times whether the others have, before it sleeps. Where other work
    keeps these from running, it burns the time that they wait for, and a training can take fifty
    times as long. Never to look, as ``OMP_WAIT_POLICY=PASSIVE`` says, makes each small product wait
    for the kernel, a third more time on an idle machine; 2000 looks are as fast as the default
    there and lose little on a busy one (docs/benchmarks-2026-11.md). Other runtimes do not read it.
    """
    chosen = {name: os.environ[name] for name in _CHOSEN if name in os.environ}
    return chosen or {_SPINS: "2000"}
