"""Who looks for a module's tests finds them: at the mirrored path, or where it is said here."""

from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
PACKAGE = TESTS.parent / "autopelt"

ROOMS = {
    "cards": "cards/test_cards.py",  # one contract for each card, on whole and on sparse studies
    "cli": "workflows",  # each workflow is tested through the command that runs it
    "export": "export/test_export.py",  # one model goes through each target and back
    "methods": "contracts/test_methods.py",  # one contract for each method
    "modules": "contracts/test_methods.py",
    "tasks": "contracts/test_tasks.py",  # one contract for each task
}
"""Rooms of plug-ins of one kind: a contract that each must keep, more at mirrored paths."""

MODULES = {
    "api/plots.py": "report/test_figures.py",  # a method for each figure
    "api/running.py": "api/test_study.py",
    "api/search.py": "api/test_study.py",
    "api/train.py": "api/test_study.py",
    "architecture/counter.py": "contracts/test_methods.py",  # counted as attached, to the unit
    "architecture/parse.py": "architecture/test_architecture.py",  # what is parsed is one
    "backbones/backbone.py": "backbones/test_families.py",  # each family, with all its parts
    "backbones/boundary.py": "training/test_trunk.py",  # the trunk below a boundary, cached
    "backbones/dataflow.py": "backbones/test_structure.py",  # what is found on each family
    "backbones/layer_places.py": "backbones/test_structure.py",
    "backbones/recorder.py": "backbones/test_structure.py",
    "backbones/weightless.py": "backbones/test_structure.py",
    "backbones/language_model.py": "workflows/test_pretrain.py",
    "backbones/quiet.py": "backbones/test_load.py",
    "backbones/source.py": "backbones/test_load.py",  # what a name means, and that it loads
    "backbones/shapes.py": "backbones/test_families.py",
    "execution/check.py": "workflows/test_doctor.py",
    "execution/session.py": "execution/test_run.py",  # real Ray, as its neighbours
    "execution/source.py": "execution/test_searcher.py",
    "execution/trainable.py": "execution/test_run.py",
    "report/comparison_budgets.py": "report/test_comparison.py",
    "report/comparison_csv.py": "report/test_comparison.py",
    "report/overlay_cards.py": "report/test_overlay.py",
    "report/overlay_page.py": "report/test_overlay.py",
    "samplers/autopeft.py": "contracts/test_samplers.py",  # one contract for each sampler
    "samplers/baselines.py": "contracts/test_samplers.py",
    "samplers/posterior.py": "workflows/test_confirm.py",  # what is believed when it is confirmed
    "samplers/registry.py": "contracts/test_samplers.py",
    "space/tables.py": "space/test_bound.py",  # prices, as points of a bound space have them
    "study/confirmation.py": "workflows/test_confirm.py",
    "study/facts.py": "study/test_studies_of_before.py",
    "study/database.py": "study/test_storage.py",
    "training/group.py": "execution/test_groups.py",
    "training/modes.py": "training/test_loop.py",
    "training/profile.py": "workflows/test_compare.py",
    "training/results.py": "training/test_loop.py",
    "training/trial.py": "training/test_context.py",
    "views/json_repeated.py": "cli/test_json.py",  # as commands tell it
    "views/schemas.py": "views/test_answers.py",
    "workflows/swept.py": "workflows/test_compare.py",
    "workflows/progress.py": "workflows/test_search.py",
    "workflows/status.py": "cli/test_status.py",
    "workflows/train.py": "api/test_study.py",
}
"""Modules that are tested by what they are a part of."""

FILES = [
    path.relative_to(PACKAGE).as_posix()
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.name not in ("__init__.py", "__main__.py")
]


def own(module: str) -> Path:
    """The mirrored path."""
    return TESTS / Path(module).parent / f"test_{Path(module).name}"


@pytest.mark.parametrize("module", FILES)
def test_a_module_has_its_tests(module: str) -> None:
    elsewhere = MODULES.get(module) or ROOMS.get(module.partition("/")[0])
    assert own(module).is_file() or elsewhere, f"write {own(module).relative_to(TESTS.parent)}"


def test_no_exception_is_left_without_need() -> None:
    assert sorted(set(MODULES) - set(FILES)) == []
    assert [module for module in MODULES if own(module).is_file()] == []
    assert [path for path in (MODULES | ROOMS).values() if not (TESTS / path).exists()] == []
