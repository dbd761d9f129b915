"""autopelt's own folder: architecture, weights, description, and a model card with a snippet."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

from autopelt.architecture.architecture import Architecture
from autopelt.export.trained import DESCRIPTION, Trained, load_trained
from autopelt.modules.attachment import count_attached
from autopelt.system.units import format_score, format_share


def write(trained: Trained, out: Path, model: str | None) -> None:
    """Copy architecture and weights, and say what they need."""
    made, _ = load_trained(trained, model)  # what cannot be loaded is not exported
    for name in ("architecture.yaml", "weights.safetensors"):
        shutil.copyfile(trained.folder / name, out / name)
    commit = getattr(made.config, "_commit_hash", None)
    if commit and "@" not in trained.model:
        trained = replace(trained, model=f"{trained.model}@{commit}")
    text = json.dumps(trained.describe(), indent=2, ensure_ascii=False)
    (out / DESCRIPTION).write_text(text + "\n", encoding="utf-8")
    architecture = Architecture.from_yaml((out / "architecture.yaml").read_text(encoding="utf-8"))
    count = count_attached(made)
    (out / "README.md").write_text(
        _card(trained, architecture, count.deployed, count.share), encoding="utf-8"
    )


_OF_CLASSES = ("sequence_classification", "image_classification", "audio_classification")
"""Heads that give one row of numbers for an example."""


def _card(trained: Trained, architecture: Architecture, deployed: int, share: float) -> str:
    scores = [
        f"- {metric} on the {split} split: {format_score(value)}"
        for split, metrics in trained.scores.items()
        for metric, value in metrics.items()
        if isinstance(value, int | float)
    ]
    labels = f"- labels: {', '.join(trained.labels)}" if trained.labels else ""
    lines = [
        f"# {trained.task or 'A task'} on {trained.model}",
        "",
        f"- architecture `{architecture.id}`: {architecture.describe()}",
        f"- trainable parameters: {deployed:,} ({format_share(share)} of the backbone), the task "
        "head apart",
        f"- backbone: `{trained.model}`, unchanged and not in this folder",
        *([labels] if labels else []),
        *scores,
        "",
        "```python",
        "from autopelt.export import load_exported",
        "",
        'model, tokenizer = load_exported("path/to/this/folder")',
        *_read(trained),
        f'inputs = tokenizer({_example(trained)}, return_tensors="pt")',
        "outputs = model(**inputs)",
        _shown(trained),
        "```",
        "",
    ]
    return "\n".join(lines)


def _read(trained: Trained) -> list[str]:
    """Lines that read what is no text."""
    if trained.head == "image_classification":
        return ["from PIL import Image", 'picture = Image.open("picture.png").convert("RGB")']
    if trained.head == "audio_classification":
        return ["import soundfile", 'sound, rate = soundfile.read("sound.wav")']
    return []


def _example(trained: Trained) -> str:
    if trained.head == "image_classification":
        return "picture"
    if trained.head == "audio_classification":
        return "sound, sampling_rate=rate"
    return (
        '"A first text.", "A second text."'
        if trained.head not in ("seq2seq", "none")
        else '"A text."'
    )


def _shown(trained: Trained) -> str:
    if trained.kind == "multi_label":
        shares = "outputs.logits[0].sigmoid().tolist()"
        return f"print(dict(zip(model.config.id2label.values(), {shares})))"
    if trained.kind == "ordinal":
        rank = "round(sum(rank * share for rank, share in enumerate(shares)))"
        return (
            f"shares = outputs.logits[0].softmax(-1).tolist()\nprint(model.config.id2label[{rank}])"
        )
    if trained.head in _OF_CLASSES and len(trained.labels) > 1:
        return "print(model.config.id2label[outputs.logits.argmax().item()])"
    return "print(outputs)"
