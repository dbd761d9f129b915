"""What vLLM's LoRA loader takes of a folder of peft.

From its public source (``vllm/lora/peft_helper.py``, ``lora_model.py`` and ``vllm/config/lora.py``,
read in November 2026): of ``adapter_config.json`` it reads ``r``, ``lora_alpha``,
``target_modules``, ``bias``, ``modules_to_save``, ``use_rslora`` and ``use_dora``, and neither
pattern: all targets get the scale lora_alpha / r, each at the rank that its tensors have. It
refuses DoRA, biases, modules that are saved whole, and tensors with other names than
``lora_A.weight`` and ``lora_B.weight``.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MAX_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""What ``--max-lora-rank`` may be; without it the largest rank is 16."""


def verdict(folder: Path, shown: str) -> str | None:
    """One sentence on a folder of peft, of a language model; None of another task.

    Args:
        shown: how the sentence calls the folder.
    """
    config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    if config["task_type"] != "CAUSAL_LM":
        return None
    why = _in_the_way(config)
    if why is not None:
        return f"vLLM does not load it: {why}. Serve what autopelt export --to merged writes."
    most = next(rank for rank in MAX_RANKS if rank >= config["r"])
    command = ["vllm", "serve", config["base_model_name_or_path"], "--enable-lora"]
    command += ["--max-lora-rank", str(most), "--lora-modules", f"tuned={shown}"]
    if (folder / "chat_template.jinja").is_file():  # else it takes the base model's
        command += ["--chat-template", f"{shown}/chat_template.jinja"]
    return f"vLLM loads it where it has LoRA for the model: {shlex.join(command)}"


def _in_the_way(config: Mapping[str, Any]) -> str | None:
    """Why the loader refuses an adapter, or would scale it wrongly; None where it does neither."""
    if config["peft_type"] != "LORA":
        return f"it takes LoRA, and this is {config['peft_type']}"
    if config["use_dora"]:
        return "it takes LoRA without DoRA's magnitudes"
    if config["modules_to_save"]:
        return f"it takes no modules that are saved whole ({', '.join(config['modules_to_save'])})"
    if config["r"] > MAX_RANKS[-1]:
        return f"it takes ranks up to {MAX_RANKS[-1]}, and this has {config['r']}"
    return None
