"""A script that trains a decoder's architecture with TRL's SFTTrainer, on the study's splits."""

from __future__ import annotations

import json
import shlex
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autopelt.export.recipe import TEMPLATE, Recipe, write_rows, write_template
from autopelt.export.trl_data import form_of
from autopelt.system.files import write_text

_TEMPLATE = f"""\
tokenizer.chat_template = (HERE / "{TEMPLATE}").read_text(encoding="utf-8")
"""

_QUANTISED = {
    "int8": ", quantization_config=BitsAndBytesConfig(load_in_8bit=True)",
    "nf4": """, quantization_config=BitsAndBytesConfig(
    load_in_4bit=True,
    bnb_4bit_quant_type="nf4",
    bnb_4bit_use_double_quant=True,
    bnb_4bit_compute_dtype=torch.bfloat16,
)""",
}
"""How frozen linear maps are kept."""

_WITHOUT_DROPOUT = """\
for module in model.modules():
    if isinstance(module, torch.nn.Dropout):
        module.p = 0.0
"""


def write(recipe: Recipe, folder: Path, out: Path) -> None:
    """``train.py``, ``architecture.yaml`` and ``data``, into a folder that will be called `out`."""
    said, arguments, rows = form_of(recipe)
    for split, few in rows.items():
        write_rows(folder / "data" / f"{split}.jsonl", few)
    write_template(recipe, folder)
    write_text(folder / "architecture.yaml", recipe.chosen.architecture.to_yaml())
    write_text(folder / "train.py", _filled(recipe, said, arguments, out))


def _filled(recipe: Recipe, said: str, arguments: Mapping[str, Any], out: Path) -> str:
    chosen, peft = recipe.chosen, recipe.peft
    template = (Path(__file__).parent / "trl_template.py.txt").read_text("utf-8")
    command = ["autopelt", "export", chosen.name, "--to", "script", "--out", str(out)]
    quantised = chosen.setup.quantised
    more = ", BitsAndBytesConfig" if quantised else ""
    imports = [f"from transformers import AutoModelForCausalLM, AutoTokenizer{more}"]
    if peft.config:
        imports.insert(0, f"from peft import {peft.config}")
    settings = {**peft.settings, "task_type": "CAUSAL_LM"}
    called = f"adapter = {peft.config}(\n{_lines(settings)}\n)\n" if peft.config else ""
    values = {
        "WORDS": chosen.architecture.describe(),
        "COMMAND": shlex.join(command),
        "DIFFERENCES": "\n".join(
            textwrap.fill(text, 99, initial_indent="* ", subsequent_indent="  ")
            for text in _differences(recipe, said)
        ),
        "IMPORTS": "\n".join(imports),
        "MODEL_VALUE": _python(recipe.model),
        "REVISION_VALUE": _python(chosen.setup.source.revision),
        "TEMPLATE": _TEMPLATE if recipe.template and not recipe.own_template else "",
        "DTYPE_VALUE": "float32" if chosen.setup.keep == "fp32" else "bfloat16",
        "QUANTISED": _QUANTISED.get(quantised, ""),
        "DROPOUT": "" if chosen.training.dropout else _WITHOUT_DROPOUT,
        "ARGUMENTS": _lines(_arguments(recipe, arguments)),
        "PEFT": called,
        "PEFT_ARGUMENT": "\n    peft_config=adapter," if peft.config else "",
    }
    for key, value in values.items():
        template = template.replace(f"<{key}>", value)
    return template


@dataclass(frozen=True)
class _Code:
    """Python that stands as it is."""

    text: str


def _arguments(recipe: Recipe, more: Mapping[str, Any]) -> dict[str, Any]:
    """What SFTConfig is told."""
    training = recipe.chosen.training
    gpu = "torch.cuda.is_available() and torch.cuda.is_bf16_supported()"
    return {
        "num_train_epochs": training.epochs,
        "per_device_train_batch_size": training.batch_size,
        "per_device_eval_batch_size": training.batch_size,
        "gradient_accumulation_steps": 1,
        "learning_rate": recipe.rate,
        "lr_scheduler_type": training.schedule,
        "warmup_steps": recipe.warmup_steps,
        "weight_decay": recipe.weight_decay,
        "max_grad_norm": training.clip_norm,
        "optim": "adamw_torch",
        "max_length": recipe.limit,
        "packing": False,
        "train_sampling_strategy": "group_by_length",
        **more,
        "bf16": False if training.precision == "fp32" else _Code(gpu),
        "gradient_checkpointing": training.gradient_checkpointing,
        "eval_strategy": "epoch",
        "save_strategy": "epoch",
        "save_total_limit": 2,
        "load_best_model_at_end": True,
        "metric_for_best_model": "eval_loss",
        "logging_steps": 10,
        "report_to": "none",
        "seed": recipe.chosen.random_seed,
    }


def _lines(values: dict[str, Any]) -> str:
    return "\n".join(f"    {key}={_python(value)}," for key, value in values.items())


def _python(value: Any) -> str:
    """A value with its texts in double quotes."""
    if isinstance(value, _Code):
        return value.text
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)}: {_python(v)}" for k, v in value.items()) + "}"
    return json.dumps(value) if isinstance(value, str | list) else repr(value)


def _differences(recipe: Recipe, data: str) -> list[str]:
    """Sentences on what TRL does otherwise, and on what looks as if it did."""
    training = recipe.chosen.training
    told = [
        "Random numbers: the start of the modules and the order of the examples are TRL's. Both "
        "put examples of like length into a batch.",
        "Schedule: in step s of W warm-up steps autopelt's rate is (s + 1) / W, TRL's s / (W - 1); "
        "from there on they are equal.",
        "Loss: the mean over the learned tokens of a batch, in both.",
        f"Optimiser: AdamW with one rate for all that is trained, in both{_decay(recipe)}.",
        f"Data: {data}",
    ]
    if training.packing != "off":
        told.append(
            "Packing: autopelt packs the examples of a batch; TRL packs the data set, which makes "
            "other batches, so it is off. With FlashAttention, padding_free=True with "
            "max_length=None comes near."
        )
    if _drops(recipe.config) and training.dropout:
        told.append(
            "Dropout: TRL has the backbone's in all layers, autopelt from the lowest layer with a "
            "module upwards."
        )
    if not recipe.by_loss:
        told.append(
            "Best epoch: by the loss on the selection split, where autopelt took "
            f"{recipe.task.metric.name}."
        )
    return told


def _decay(recipe: Recipe) -> str:
    if not recipe.peft.config:
        return "; TRL leaves biases and norms without weight decay"
    off = "; weight decay is off, as it would draw peft's factors to 0, where ours go to 1"
    return "" if recipe.peft.decays else off


def _drops(config: Any) -> bool:
    """Whether a model has dropout."""
    values = config.to_dict().items()
    return any("drop" in key and isinstance(value, float) and value > 0 for key, value in values)
