"""A backbone whose places no test of ours has seen is tried before anything trains on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from autopelt.backbones.description import FILE, described, plain, read, to_yaml
from autopelt.backbones.families import FAMILIES
from autopelt.backbones.head import barest_head
from autopelt.backbones.load import load_config, load_model
from autopelt.backbones.shapes import shapes_of_config
from autopelt.backbones.structure import family_for
from autopelt.errors import UsageError, parameter
from autopelt.modules.probe import failures
from autopelt.space.fitting import fitted, places_of
from autopelt.study.config import CONFIG, StudyConfig
from autopelt.system.files import write_text
from autopelt.training.spec import Setup


def tried(config: StudyConfig, folder: Path | None = None) -> tuple[StudyConfig, list[str]]:
    """The configuration with what works on its model, and what to say of it, once a study.

    A family of the table is tested with the package and left alone. Of one that was found or
    described, every place that the space has is tried on the loaded model; what does not work is
    written into the description, which the configuration then has, and left out of the space.

    Args:
        folder: of the study; what a study that is there has found is not tried again.

    Raises:
        UsageError: nothing of the space works on the model, nor LoRA on its linear maps.
    """
    source = Setup.of(config).source
    model_config = load_config(source)
    own = described(model_config)
    if own is None and model_config.model_type in FAMILIES:
        return config, []
    family = own or family_for(model_config)
    found = _found_before(config, folder)
    notes: list[str] = []
    if found is None:
        shapes = shapes_of_config(model_config)
        places = places_of(config.space, shapes)
        head = barest_head(model_config)
        model = load_model(replace(source, family=family), head, 2, config.random_seed)
        failed = {f"{method}@{at}": why for (method, at), why in failures(model, places).items()}
        found = plain(replace(family, unfit=tuple(sorted({*family.unfit, *failed}))))
        works = len(places) - len(failed)
        origin = "described" if own is not None else "found by structure"
        notes = [
            f"Places of this {model_config.model_type} are {origin}; tried on the model, {works} "
            f"of {len(places)} work." + (f" Left out: {_words(failed)}." if failed else "")
        ]
    known = replace(source, family=read(found))
    shapes = shapes_of_config(load_config(known))
    space = fitted(config.space, shapes)
    if space is None:
        raise UsageError(
            f"nothing of space '{config.space.name}' works on this {model_config.model_type} "
            f"({_words(failed) if notes else 'it was tried before'}); describe the model with "
            f"{parameter('backbone_description')}, see docs/adding-a-family.md."
        )
    return config.model_copy(update={"backbone_description": found, "space": space}), notes


def keep_description(config: StudyConfig, folder: Path) -> None:
    """Write ``backbone.yaml`` beside a study whose backbone is described, for its user to edit."""
    if config.backbone_description is not None:
        write_text(folder / FILE, to_yaml(read(config.backbone_description)))


def _found_before(config: StudyConfig, folder: Path | None) -> dict[str, object] | None:
    """What the study in the folder knows of the backbone, where it is this one's."""
    if folder is None or not (folder / CONFIG).is_file():
        return None
    before = StudyConfig.load(folder / CONFIG)
    same = (before.model, before.revision) == (config.model, config.revision)
    given, kept = config.backbone_description, before.backbone_description
    return kept if same and given in (None, kept) else None


def _words(failed: dict[str, str]) -> str:
    """``prefix@attention (it changes nothing)``, and so on; like causes together."""
    by_cause: dict[str, list[str]] = {}
    for place, why in failed.items():
        by_cause.setdefault(why, []).append(place)
    return "; ".join(f"{', '.join(places)} ({why})" for why, places in by_cause.items())
