"""A folder that `peft` loads: one adapter of one of its types.

What a module is in peft, the module says (`Pelt.peft_forms`); here is chosen the form that all
modules can take, and written: ``adapter_config.json`` names every target in full, with patterns
for the settings in which targets differ; the weights are ``base_model.model.{path}.{name}``, and
the task head is a module that is saved whole. A configuration beside the adapter's would make the
folder look like a whole model, so class names and kind of problem go to ``base/config.json``, and
README.md has the lines that load both.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from autopelt.architecture.architecture import Architecture
from autopelt.backbones.backbone import Backbone
from autopelt.backbones.description import describe_as
from autopelt.backbones.head import HEADS, head_kind
from autopelt.backbones.source import resolve
from autopelt.errors import UsageError, parameter
from autopelt.export import vllm
from autopelt.export.trained import Trained, load_trained, require_plain_head
from autopelt.methods import method_of
from autopelt.methods.module import Module
from autopelt.modules import Pelt
from autopelt.modules.attachment import attached, attachment, head_parameters
from autopelt.modules.building import part_name
from autopelt.modules.checkpoint import write_tensors
from autopelt.modules.peft_forms import SAVED, NotInPeftError, PeftForm
from autopelt.system.files import write_text

_TASK_TYPES = {
    "sequence_classification": "SEQ_CLS",
    "token_classification": "TOKEN_CLS",
    "question_answering": "QUESTION_ANS",
    "seq2seq": "SEQ_2_SEQ_LM",
    "causal_lm": "CAUSAL_LM",
    "none": "FEATURE_EXTRACTION",
}
_PREPARES = {
    "image_classification": "AutoImageProcessor",
    "audio_classification": "AutoFeatureExtractor",
}
"""What makes a model's inputs where that is no tokenizer."""

_PATTERNS = {"r": "rank_pattern", "lora_alpha": "alpha_pattern", "alpha": "alpha_pattern"}
"""Where peft takes settings that differ from target to target."""


def write(trained: Trained, out: Path, model: str | None) -> None:
    """Write configuration, weights and labels. Raises UsageError for what peft cannot say."""
    source = resolve(model or trained.model)
    made, tokenizer = load_trained(trained, model)
    require_plain_head(made, "peft")
    base, revision = source.path_or_name, source.revision
    if source.kind != "hub":
        base = str(Path(base).resolve())
    write_model(made, out, trained.head, base, revision)
    describe_as(made.config, None)
    made.config.architectures = [type(made).__name__]
    made.config.save_pretrained(out / "base")
    if writes := trained.head == "causal_lm":  # with its chat template, which may be another one
        tokenizer.save_pretrained(out)
    prepares = _PREPARES.get(trained.head, "AutoTokenizer")
    text = _card(HEADS[trained.head], prepares, base, revision, writes)
    served = vllm.verdict(out, "path/to/this/folder")
    write_text(out / "README.md", text if served is None else f"{text}\n{served}\n")


def write_attached(model: PreTrainedModel, out: Path, base: str) -> None:
    """Write what is attached to a model object of the user's.

    Args:
        model: with an architecture attached.
        out: folder that exists.
        base: where the backbone can be loaded from.

    Raises:
        UsageError: peft cannot say it, or nobody else knows the model's head.
    """
    require_plain_head(model, "peft")
    write_model(model, out, head_kind(model), base)


def _card(auto: str, prepares: str, base: str, revision: str | None, whole: bool) -> str:
    """How to load the folder; `whole`: it has the tokenizer as well."""
    named = json.dumps(base) + ("" if revision is None else f", revision={json.dumps(revision)}")
    return f"""---
base_model: {json.dumps(base)}
library_name: peft
---
An adapter on `{base}`, and in `base` the configuration with the names of its classes:

```python
from peft import PeftModel
from transformers import AutoConfig, {auto}, {prepares}

folder = "path/to/this/folder"
config = AutoConfig.from_pretrained(f"{{folder}}/base")
base = {auto}.from_pretrained({named}, config=config)
model = PeftModel.from_pretrained(base, folder).eval()
tokenizer = {prepares}.from_pretrained({"folder" if whole else named})
```
"""


def write_model(
    model: PreTrainedModel, out: Path, head: str, base: str, revision: str | None = None
) -> None:
    """Write what is attached to a model.

    Args:
        model: with an architecture attached.
        out: folder that exists.
        head: a key of `autopelt.backbones.head.HEADS`.
        base: name of the backbone, for the configuration.
        revision: of the backbone.

    Raises:
        UsageError: names the module in the way.
    """
    architecture = attached(model) or Architecture()
    check(architecture)
    chosen = _of_one_kind(_yielded(model, architecture))
    task = _TASK_TYPES.get(head)
    for module, form in chosen:
        if form.tasks and task not in form.tasks:
            why = f"is the same in peft for {' and '.join(form.tasks)}, and the task is {task}"
            raise _refused(module, why)
    targets = _on_targets(chosen)
    forms = [form.among(targets) for form in targets]
    names = {id(module): name for name, module in model.named_modules()}
    saved = {names[id(form.target)]: form for form in forms if form.peft_type == SAVED}
    wrapped = {
        names[id(form.target)]: form
        for form in forms
        if form.peft_type != SAVED and form.target is not None
    }
    head_tensors = head_parameters(model)
    config: dict[str, Any] = {
        "peft_type": next((f.peft_type for f in forms if f.peft_type != SAVED), "LN_TUNING"),
        "task_type": task,
        "inference_mode": True,
        "base_model_name_or_path": base,
        "revision": revision,
    }
    for form in forms:
        config |= form.config
    if wrapped:
        config["target_modules"] = sorted(wrapped)
        config |= _own_settings(wrapped)
        for name, form in wrapped.items():
            for key in form.lists:
                config[key] = [*config.get(key, ()), name]
    whole = {name.split(".", 1)[0] for name in head_tensors} | set(saved)
    config["modules_to_save"] = sorted(whole) or None
    tensors: dict[str, torch.Tensor] = {}
    for form in forms:
        path = "" if form.target is None else f"base_model.model.{names[id(form.target)]}."
        tensors |= {f"{path}{key}": value for key, value in form.tensors.items()}
        tensors |= {f"base_model.{key}": value for key, value in form.shared.items()}
    tensors |= {f"base_model.model.{name}": value for name, value in head_tensors.items()}
    write_text(out / "adapter_config.json", json.dumps(config, indent=2) + "\n")
    write_tensors(out / "adapter_model.safetensors", tensors)


def check(architecture: Architecture) -> None:
    """Raises UsageError that names the module which peft cannot hold, whatever the backbone."""
    if architecture.full:
        raise UsageError(
            f"cannot export to peft: all weights were trained; use {parameter('to', 'merged')}."
        )
    if not architecture.modules:
        raise UsageError("cannot export to peft: no module is attached, and peft holds only those.")
    for module in architecture.modules:
        why = method_of(module).not_in_peft(module)
        if why is not None:
            raise _refused(module, why)


def _refused(module: Module, why: str) -> UsageError:
    return UsageError(
        f"cannot export to peft: {module.method} at {module.site} {why}; "
        f"use {parameter('to', 'autopelt')}."
    )


def _yielded(
    model: PreTrainedModel, architecture: Architecture
) -> list[tuple[Module, Iterator[PeftForm]]]:
    """The forms of each module, best first, each made when it is asked for."""
    parts, backbone = attachment(model).parts, Backbone(model)
    found = []
    for module in architecture.modules:
        part = parts[part_name(module)]
        assert isinstance(part, Pelt)
        found.append((module, part.peft_forms(backbone)))
    return found


def _of_one_kind(
    yielded: list[tuple[Module, Iterator[PeftForm]]],
) -> list[tuple[Module, PeftForm]]:
    """For each module its form of the first kind that all of them have."""
    known: list[tuple[Module, list[PeftForm]]] = []
    for module, forms in yielded:
        try:
            known.append((module, [next(forms)]))
        except NotInPeftError as error:
            raise _refused(module, str(error)) from None
    kinds = {of[0].kind for _, of in known if of[0].peft_type != SAVED}
    if len(kinds) > 1:
        for (_, of), (_, forms) in zip(known, yielded, strict=True):
            with suppress(NotInPeftError):  # there are no more
                of.extend(forms)
        offered = [form.kind for _, of in known for form in of if form.peft_type != SAVED]
        common = [kind for kind in offered if all(_pick(of, kind) for _, of in known)]
        if not common:
            raise _two_kinds(known)
        kinds = {common[0]}
    kind = next(iter(kinds), ())
    picked = [(module, _pick(of, kind)[0]) for module, of in known]
    return [(module, form) for module, first in picked for form in (first, *first.more)]


def _pick(forms: list[PeftForm], kind: tuple[Any, ...]) -> list[PeftForm]:
    return [form for form in forms if form.kind == kind or form.peft_type == SAVED]


def _two_kinds(known: list[tuple[Module, list[PeftForm]]]) -> UsageError:
    """Says which two modules have no form in common."""
    fixed = [(m, of) for m, of in known if SAVED not in [form.peft_type for form in of]]
    one, forms = fixed[0]
    other, others = next(
        ((module, of) for module, of in fixed if not any(_pick(of, form.kind) for form in forms)),
        fixed[-1],
    )
    (first, second), what = (forms[0], others[0]), "type"
    differ = {k for k in first.config if first.config[k] != second.config.get(k)}
    words = [first.peft_type, second.peft_type]
    if words[0] == words[1] and differ:
        what = sorted(differ)[0]
        words = [str(form.config.get(what)) for form in (first, second)]
    return UsageError(
        f"cannot export to peft: a folder holds adapters of one {what}, and {one.method} at "
        f"{one.site} has {words[0]}, {other.method} at {other.site} has {words[1]}; "
        f"use {parameter('to', 'autopelt')}."
    )


def _on_targets(chosen: list[tuple[Module, PeftForm]]) -> list[PeftForm]:
    """One form for each target: several on one map become one."""
    targets: list[PeftForm] = []
    by_target = sorted(chosen, key=lambda pair: id(pair[1].target))
    for _, group in groupby(by_target, key=lambda pair: id(pair[1].target)):
        (module, first), *others = group
        try:
            targets.append(first.joined([form for _, form in others]) if others else first)
        except NotInPeftError as error:
            raise _refused(module, str(error)) from None
    return targets


def _own_settings(wrapped: dict[str, PeftForm]) -> dict[str, Any]:
    """What the target of the largest rank has as the setting itself, others in its pattern.

    Programs that serve adapters take the setting for the rank to make room for.
    """
    config: dict[str, Any] = {}
    most = max(wrapped.values(), key=lambda form: form.own.get("r", 0))
    for key, usual in most.own.items():
        others = {name: f.own[key] for name, f in wrapped.items() if f.own[key] != usual}
        config[key] = usual
        if others:
            config.setdefault(_PATTERNS[key], {}).update(others)
    return config
