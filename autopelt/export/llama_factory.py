"""A configuration that LLaMA-Factory trains: ``llamafactory-cli train FOLDER/llama_factory.yaml``.

Its keys are arguments of LLaMA-Factory (llamafactory/hparams, 0.9.5) and of transformers' Trainer;
``data/dataset_info.json`` describes the splits as its loader reads it (llamafactory/data). It
trains LoRA and DoRA of one rank and one alpha on maps that are named, and whole models.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from autopelt.data.conversations import ASSISTANT, SYSTEM, TOOL, USER
from autopelt.errors import UsageError, parameter
from autopelt.export.axolotl import require_lora, require_whole
from autopelt.export.recipe import Example, Recipe, write_rows
from autopelt.export.yaml_file import write_config
from autopelt.system.files import write_text
from autopelt.tasks.chat_template import named
from autopelt.tasks.padding import begins_itself

NAME = "llama-factory"
FILE = "llama_factory.yaml"


def write(recipe: Recipe, folder: Path, out: Path) -> None:
    """The configuration and ``data``, into a folder that will be called `out`.

    Raises:
        UsageError: LLaMA-Factory cannot train what is attached.
    """
    values = _values(recipe, out.resolve())
    _require_turns(recipe)
    for split in recipe.splits:
        write_rows(folder / "data" / f"{split}.jsonl", _rows(recipe, split))
    about = {split: _about(recipe, f"{split}.jsonl") for split in recipe.splits}
    write_text(folder / "data" / "dataset_info.json", json.dumps(about, indent=2) + "\n")
    run = f"llamafactory-cli train {out / FILE}"
    chat = ["It also learns the blanks that the template writes behind an answer."]
    write_config(folder / FILE, values, recipe, run, NAME, out, *(chat if recipe.template else []))


def _values(recipe: Recipe, out: Path) -> dict[str, Any]:
    training, source = recipe.chosen.training, recipe.chosen.setup.source
    revision = {"model_revision": source.revision} if source.revision else {}
    return {
        "model_name_or_path": recipe.model,
        **revision,
        "stage": "sft",
        "do_train": True,
        **_adapter(recipe),
        "dataset_dir": str(out / "data"),
        "dataset": "train",
        "eval_dataset": "selection",
        **({"template": "empty"} if recipe.template is None else {}),
        **({"mask_history": True} if recipe.last else {}),
        "cutoff_len": recipe.limit,
        "packing": False,
        "per_device_train_batch_size": training.batch_size,
        "per_device_eval_batch_size": training.batch_size,
        "gradient_accumulation_steps": 1,
        "num_train_epochs": float(training.epochs),
        "optim": "adamw_torch",
        "learning_rate": recipe.rate,
        "lr_scheduler_type": training.schedule,
        "warmup_steps": recipe.warmup_steps,
        "weight_decay": recipe.weight_decay,
        "max_grad_norm": training.clip_norm,
        "bf16": training.precision != "fp32",
        "disable_gradient_checkpointing": not training.gradient_checkpointing,
        "eval_strategy": "epoch",
        "save_strategy": "epoch",
        "load_best_model_at_end": True,
        "metric_for_best_model": "eval_loss",
        "report_to": "none",
        "seed": recipe.chosen.random_seed,
        "output_dir": str(out / "model"),
    }


def _about(recipe: Recipe, file: str) -> dict[str, Any]:
    """What ``dataset_info.json`` says of a split."""
    if recipe.template is None:
        columns = {"prompt": "prompt", "response": "completion"}
        return {"file_name": file, "formatting": "alpaca", "columns": columns}
    tags = {
        "role_tag": "role",
        "content_tag": "content",
        "user_tag": USER,
        "assistant_tag": ASSISTANT,
        "system_tag": SYSTEM,
        "observation_tag": TOOL,
        "function_tag": "function",
    }
    columns = {"messages": "messages"}
    return {"file_name": file, "formatting": "sharegpt", "columns": columns, "tags": tags}


def _rows(recipe: Recipe, split: str) -> Iterable[Example]:
    """Pairs have beginning and end tokens in their texts, as the empty template adds none."""
    if recipe.template is not None:
        return recipe.rows[split]
    tokenizer = recipe.tokenizer
    first = tokenizer.bos_token if begins_itself(tokenizer) else ""
    end = tokenizer.eos_token or ""
    return [
        {"prompt": first + row["prompt"], "completion": row["completion"] + end}
        for row in recipe.rows[split]
    ]


def _require_turns(recipe: Recipe) -> None:
    """Raise UsageError for conversations that it would read otherwise, or skip."""
    if recipe.template is None:
        return
    if not recipe.own_template:
        raise UsageError(
            f"cannot export to {NAME}: it takes the chat template from the tokenizer, and this one "
            f"is of a file or autopelt's own; {parameter('to', 'axolotl')} and "
            f"{parameter('to', 'script')} (TRL) take it along."
        )
    for examples in recipe.rows.values():
        for example in examples:
            roles = [turn["role"] for turn in example["messages"]]
            roles = roles[1:] if roles[0] == SYSTEM else roles
            if roles != [USER, ASSISTANT] * (len(roles) // 2):
                raise UsageError(
                    f"cannot export to {NAME}: it takes turns of user and assistant only, and not "
                    f"{named(example['messages'])}; "
                    f"{parameter('to', 'axolotl')} and {parameter('to', 'script')} (TRL) take it."
                )


_QUANTISED: Mapping[str, Mapping[str, Any]] = {
    "int8": {"quantization_bit": 8, "quantization_method": "bnb"},
    "nf4": {"quantization_bit": 4, "quantization_method": "bnb", "quantization_type": "nf4"},
}
"""How frozen linear maps are kept."""


def _adapter(recipe: Recipe) -> dict[str, Any]:
    """What is trained."""
    config, settings = recipe.peft.config, recipe.peft.settings
    if not config:
        return {"finetuning_type": "full"}
    require_lora(recipe, NAME)
    if patterns := [name for name in ("rank_pattern", "alpha_pattern") if name in settings]:
        what = "rank" if "rank_pattern" in patterns else "alpha"
        usual = settings["r" if what == "rank" else "lora_alpha"]
        values = {usual, *settings[patterns[0]].values()}
        raise UsageError(
            f"cannot export to {NAME}: it has one {what} for all maps, and here they are "
            f"{', '.join(f'{value:g}' for value in sorted(values))}; {parameter('to', 'axolotl')} "
            f"and {parameter('to', 'script')} (TRL) can say that."
        )
    require_whole([settings["lora_alpha"]], NAME)
    pissa = settings["init_lora_weights"] is not True
    return {
        "finetuning_type": recipe.peft.kind,
        **_QUANTISED.get(recipe.chosen.setup.quantised, {}),
        "lora_rank": settings["r"],
        "lora_alpha": settings["lora_alpha"],
        "lora_dropout": 0.0,
        "lora_target": ",".join(settings["target_modules"]),
        **({"use_dora": True} if settings["use_dora"] else {}),
        **({"pissa_init": True, "pissa_iter": -1} if pissa else {}),
    }
