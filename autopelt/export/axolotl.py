"""A configuration that axolotl trains: ``axolotl train FOLDER/axolotl.yaml``.

Its keys are those of axolotl's own schema (axolotl/utils/schemas, 0.19). It trains LoRA and DoRA,
with ranks and scales that may differ from map to map (``lora_rank_pattern``,
``lora_alpha_pattern``) if they are whole numbers, and whole models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from autopelt.data.conversations import ASSISTANT
from autopelt.errors import UsageError, parameter
from autopelt.export.recipe import TEMPLATE, Example, Recipe, write_rows, write_template
from autopelt.export.yaml_file import write_config

NAME = "axolotl"
FILE = "axolotl.yaml"


def write(recipe: Recipe, folder: Path, out: Path) -> None:
    """The configuration and ``data``, into a folder that will be called `out`.

    Raises:
        UsageError: axolotl cannot train what is attached.
    """
    values = _values(recipe, out.resolve())
    for split in recipe.splits:
        write_rows(folder / "data" / f"{split}.jsonl", map(_row(recipe), recipe.rows[split]))
    write_template(recipe, folder)
    write_config(folder / FILE, values, recipe, f"axolotl train {out / FILE}", NAME, out)


def _values(recipe: Recipe, out: Path) -> dict[str, Any]:
    training, source = recipe.chosen.training, recipe.chosen.setup.source
    revision = {"revision_of_model": source.revision} if source.revision else {}
    return {
        "base_model": recipe.model,
        **revision,
        **_adapter(recipe),
        **({**_template(recipe, out), **_turn_end(recipe)} if recipe.template else {}),
        "datasets": [_data(recipe, out, "train")],
        "test_datasets": [_data(recipe, out, "selection")],
        "dataset_prepared_path": str(out / "prepared"),
        "train_on_inputs": False,
        "sequence_len": recipe.limit,
        "excess_length_strategy": "truncate",
        "sample_packing": False,
        "group_by_length": True,
        "micro_batch_size": training.batch_size,
        "gradient_accumulation_steps": 1,
        "num_epochs": training.epochs,
        "optimizer": "adamw_torch",
        "learning_rate": recipe.rate,
        "lr_scheduler": training.schedule,
        "warmup_steps": recipe.warmup_steps,
        "weight_decay": recipe.weight_decay,
        "max_grad_norm": training.clip_norm,
        "bf16": False if training.precision == "fp32" else "auto",
        "gradient_checkpointing": training.gradient_checkpointing,
        "evals_per_epoch": 1,
        "saves_per_epoch": 1,
        "load_best_model_at_end": True,
        "metric_for_best_model": "eval_loss",
        "greater_is_better": False,
        "seed": recipe.chosen.random_seed,
        "output_dir": str(out / "model"),
    }


def _row(recipe: Recipe) -> Callable[[Example], Example]:
    """Of an example, with marks of the turns that are learned where not all answers are."""
    if not recipe.last:
        return lambda example: example

    def marked(example: Example) -> Example:
        turns = example["messages"]
        return {
            "messages": [
                {**turn, "train": place == len(turns) - 1} for place, turn in enumerate(turns)
            ]
        }

    return marked


def _data(recipe: Recipe, out: Path, split: str) -> dict[str, Any]:
    """A split: conversations by their template, or pairs, joined as they were trained."""
    path = {"path": str(out / "data" / f"{split}.jsonl"), "ds_type": "json", "split": "train"}
    if recipe.template is None:
        return path | {
            "type": {
                "field_instruction": "prompt",
                "field_output": "completion",
                "format": "{instruction}",
                "no_input_format": "{instruction}",
            }
        }
    learned = {"roles_to_train": [], "message_field_training": "train"}
    return path | {
        "type": "chat_template",
        **_template(recipe, out),
        "field_messages": "messages",
        "message_property_mappings": {"role": "role", "content": "content"},
        **(learned if recipe.last else {"roles_to_train": [ASSISTANT]}),
        "train_on_eos": "turn",
    }


def _template(recipe: Recipe, out: Path) -> dict[str, str]:
    """Which chat template writes the conversations."""
    if recipe.own_template:
        return {"chat_template": "tokenizer_default"}
    return {"chat_template": "jinja", "chat_template_jinja": str(out / TEMPLATE)}


def _turn_end(recipe: Recipe) -> dict[str, Any]:
    """What ends a turn, where that is another token than a text's end."""
    assert recipe.template is not None
    end, tokenizer = recipe.template.end, recipe.tokenizer
    special = end in tokenizer.get_added_vocab() and end != tokenizer.eos_token
    return {"eot_tokens": [end]} if special else {}


_QUANTISED: Mapping[str, Mapping[str, Any]] = {
    "int8": {"load_in_8bit": True},
    "nf4": {"adapter": "qlora", "load_in_4bit": True},
}
"""How frozen linear maps are kept."""


def _adapter(recipe: Recipe) -> dict[str, Any]:
    """What is trained."""
    config, settings = recipe.peft.config, recipe.peft.settings
    if not config:
        return {}
    require_lora(recipe, NAME)
    alphas = [settings["lora_alpha"], *settings.get("alpha_pattern", {}).values()]
    require_whole(alphas, NAME)
    patterns = {
        f"lora_{name}": settings[name]
        for name in ("rank_pattern", "alpha_pattern")
        if name in settings
    }
    more = {}
    if settings["use_dora"]:
        more["peft_use_dora"] = True
    if settings["init_lora_weights"] is not True:
        more["peft_init_lora_weights"] = settings["init_lora_weights"]
    if settings.get("fan_in_fan_out"):
        more["lora_fan_in_fan_out"] = True
    return {
        "adapter": recipe.peft.kind,
        **_QUANTISED.get(recipe.chosen.setup.quantised, {}),
        "lora_r": settings["r"],
        "lora_alpha": settings["lora_alpha"],
        "lora_dropout": 0.0,
        "lora_target_modules": settings["target_modules"],
        **patterns,
        **more,
    }


def require_lora(recipe: Recipe, to: str) -> None:
    """Raise UsageError for another type of peft than LoRA."""
    if recipe.peft.config != "LoraConfig":
        raise UsageError(
            f"cannot export to {to}: it trains LoRA, DoRA and whole models, and this is "
            f"{recipe.peft.kind}; {parameter('to', 'script')} trains it with TRL."
        )


def require_whole(alphas: list[float], to: str) -> None:
    """Raise UsageError for an alpha that is no whole number, as rank-stabilised LoRA has."""
    wrong = next((alpha for alpha in alphas if not float(alpha).is_integer()), None)
    if wrong is not None:
        raise UsageError(
            f"cannot export to {to}: its lora_alpha is a whole number, and here one is {wrong:g}; "
            f"{parameter('to', 'script')} trains it with TRL."
        )
