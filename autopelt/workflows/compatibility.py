"""What must be the same when a study goes on or a trial is trained again: data, model, versions."""

from pathlib import Path

import optuna

from autopelt.data.recorded import REPORT, SEARCHED
from autopelt.errors import UsageError, parameter
from autopelt.study.config import CONFIG
from autopelt.study.places import placed, places_of
from autopelt.study.record import StudyRecord
from autopelt.study.storage import StudyStorage
from autopelt.views.terminal import View
from autopelt.workflows.plan import Plan

_GUARDED = {
    "task": ("name", "labels", "general_text", "score_hash"),
    "backbone": ("revision", "weights", "parameters"),
    "warm_start": ("hash",),
}
"""Facts without which scores are not comparable, as a study keeps them."""


def check_data(record: StudyRecord, plan: Plan) -> None:
    """Refuse other examples than the study's. Raises UnavailableError."""
    record.task.recorded.check(record.task.name, plan.data.recorded, SEARCHED + REPORT)


def changed_facts(record: StudyRecord, plan: Plan) -> list[str]:
    """Every fact of task and model that has changed since, as ``task labels: old, now new``."""
    changed = []
    for what, keys in _GUARDED.items():
        stored, mine = getattr(record, what), getattr(plan.facts, what)
        for key in keys if stored is not None else ():
            before, now = getattr(stored, key), getattr(mine, key, None)
            if key in stored.model_fields_set and before != now:
                changed.append(f"{what} {key}: {_brief(before)}, now {_brief(now)}")
    return changed


def changed_versions(record: StudyRecord, plan: Plan) -> str:
    """Packages whose versions have changed since, as ``torch 2.12.0, now 2.13.0``, or ""."""
    now = plan.facts.versions
    return ", ".join(
        f"{name} {version}, now {now[name]}"
        for name, version in record.versions.items()
        if name in now and now[name] != version
    )


def _brief(value: object) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:37] + "..."


def opened(
    plan: Plan, folder: Path, sampler: optuna.samplers.BaseSampler, view: View
) -> StudyStorage:
    """The study in the folder, where it is this one and can go on, or a new one."""
    if not (folder / CONFIG).is_file():
        kept = None if plan.warm is None else plan.warm.text
        return StudyStorage.create(folder, plan.config, plan.facts, sampler, kept)
    study = StudyStorage.open(folder, sampler)
    now = places_of(plan.config)  # whether these are the same files, their facts tell
    begun = placed(
        study.begun_with(),
        lambda key, path: (
            path if key == "warm_start" and Path(path).exists() else now.get(key, path)
        ),
    )
    different = begun.differences(plan.config)
    if different:
        raise UsageError(
            f"'{folder}' holds another study ({'; '.join(different)}); put {CONFIG} back, "
            f"or give another {parameter('out')}."
        )
    record = study.record()
    check_data(record, plan)
    changed = changed_facts(record, plan)
    if changed:
        raise UsageError(
            f"study '{record.name}' cannot go on, its trials would not be comparable "
            f"({'; '.join(changed)}); put it back, or give another {parameter('out')}."
        )
    versions = changed_versions(record, plan)
    if versions:
        view.message(f"not as in the study's first trials: {versions}; scores may differ, too")
    study.goes_on(plan.config)
    return study
