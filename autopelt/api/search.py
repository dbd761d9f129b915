"""Search from Python; the command line calls the same functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopelt.api.running import run
from autopelt.api.study import Study
from autopelt.errors import UsageError, parameter
from autopelt.workflows.plan import make_plan
from autopelt.workflows.settings import new_folder, resolve_config

if TYPE_CHECKING:
    from torch import nn

    from autopelt.training.own_trial import Trial
    from autopelt.views.terminal import View

    TrainingFunction = Callable[[Any, Trial], Any]


def search(
    task: str | None = None,
    *,
    model: str | Path | nn.Module | None = None,
    train: str | Path | TrainingFunction | None = None,
    out: str | Path | None = None,
    config: str | Path | None = None,
    view: View | None = None,
    ray_address: str | None = None,
    metric: str | None = None,
    higher_is_better: bool = True,
    backbone: str | None = None,
    trainable: Sequence[str] = (),
    **choices: Any,
) -> Study:
    """Search architectures, or go on with the study in `out`; returns when it is done.

    In one of two ways::

        autopelt.search("rte", model="minilm", budget="1%")       # autopelt trains, on workers
        autopelt.search(model=my_model, train=my_function, budget="1%")  # you train, right here

    In the second, ``my_function(model, trial)`` is called for every proposed architecture. `model`
    is a copy of yours with the modules attached; only these, your head, and what `trainable` names
    require a gradient. Train it as you like and return its score on data that it did not see in
    training, or ``yield`` a score after each epoch (or call ``trial.report(score)``): the best
    counts. Your own object is never changed. An exception fails the trial, with its reason, and the
    search goes on. The same call with the same `out` goes on where it stopped.

    Args:
        task: name of a task of autopelt's; with a function, what to call the study's task.
        model: a name or a folder, which autopelt loads; with a function, a torch module that is, or
            holds, a transformers model, loaded and on its device.
        train: files to learn from, for autopelt's own training; or a function (see
            `autopelt.Trial` for what it is given).
        out: folder of the study; None: a new one, ``reports/TASK-MODEL-BUDGET``.
        config: a configuration file; everything else overrides it. Not with a function.
        view: is told what happens; None: a bar in a notebook, a line a trial elsewhere.
        ray_address: a running Ray cluster. Not with a function.
        metric: with a function, the name of its score; it may then give a mapping that has it.
        higher_is_better: with a function, False for a loss or an error, in the metric's own unit.
        backbone: with a function, path of the transformers model in `model` that gets modules,
            where it holds several.
        trainable: with a function, names or patterns of the backbone's parameters that train in
            every trial beside the modules; they count as head, outside of the budget.
        choices: options of ``autopelt search``, with underscores, see docs/commands.md.
            ``budget``: most parameters to ship, a share of the backbone's or a count: ``"1%"``,
            ``"300k"``. ``trials``: how many in total, 60 by default. ``space``, ``sampler``,
            ``seeds``, ``random_seed``, ``repeats``, ``epochs`` (of a trial; with a function, how
            many scores it reports) and others. ``trial_timeout``: seconds, or ``"30m"``.

    Returns:
        The study: ``front()``, ``best``, ``plot_front()``, ``load()``, ``report()``.

    Raises:
        UsageError: a wrong choice; all of them are named at once.
        UnavailableError: model or data are not to be had.
        InfeasibleError: nothing fits the budget, or no trial finished; it says why.
        UnexpectedEndError: the user interrupted it (Ctrl-C); nothing is lost.
    """
    place = None if out is None else Path(out)
    if task is not None and not isinstance(task, str):
        raise UsageError(
            f"{parameter('task')} is a {type(task).__name__}, not a name; to search with a "
            "function of yours: autopelt.search(model=my_model, train=my_function)."
        )
    if callable(train) or callable(model):
        if config is not None or ray_address is not None:
            other = "config" if config is not None else "ray_address"
            raise UsageError(
                f"{parameter(other)} has no effect where {parameter('train')} is a function, which "
                "runs in this process; leave it out."
            )
        return _own(
            task or "own",
            model,
            train,
            place,
            view,
            choices,
            metric=metric or "score",
            higher_is_better=higher_is_better,
            backbone=backbone,
            trainable=trainable,
        )
    for name, given in (("metric", metric), ("backbone", backbone), ("trainable", trainable)):
        if given:
            raise UsageError(
                f"{parameter(name)} goes with a function, {parameter('train')}=my_function; for "
                f"autopelt's own training see score and backbone_description in docs/commands.md."
            )
    named = {"task": task, "model": model, "train": train}
    flags = {name: value for name, value in named.items() if value is not None} | choices
    resolved = resolve_config(None if config is None else str(config), flags)
    plan = make_plan(resolved, _call(flags), place)
    folder = place or new_folder(resolved, plan.facts.task.name)
    run(plan, folder, view, ray_address)
    return Study(folder)


def _own(
    task: str,
    model: Any,
    train: Any,
    out: Path | None,
    view: View | None,
    choices: dict[str, Any],
    *,
    metric: str,
    higher_is_better: bool,
    backbone: str | None,
    trainable: Sequence[str],
) -> Study:
    """The search with a function of the user's own."""
    from autopelt.training.own_model import OwnModel
    from autopelt.training.own_trial import OwnLoop
    from autopelt.workflows.own_search import own_config, own_plan, run_own

    if not callable(train):
        what = "is missing" if train is None else f"is {train!r}"
        raise UsageError(
            f"{parameter('model')} is an object, so {parameter('train')}, which {what}, must be a "
            "function of a model and a trial that gives a score; or give the model's name, and "
            "autopelt trains."
        )
    if model is None or isinstance(model, str | Path):
        what = "is missing" if model is None else f"is {str(model)!r}"
        raise UsageError(
            f"{parameter('train')} is a function, so {parameter('model')}, which {what}, must be a "
            "loaded one: transformers.AutoModelForSequenceClassification.from_pretrained(…), say."
        )
    factor = float(choices.get("learning_rate_factor") or 1.0)
    own = OwnModel(model, backbone, trainable)
    loop = OwnLoop(own, train, metric, higher_is_better, factor)
    config = own_config(loop, task, choices)
    shown = {"task": task, "model": f"<{own.name}>", "train": f"<{loop.name}>"}
    plan = own_plan(loop, config, _call(shown | choices), out)
    folder = out or new_folder(config, task)
    run(plan, folder, view, runner=run_own(loop))
    return Study(folder)


def _call(given: dict[str, Any]) -> str:
    """The call as the study records it."""
    return f"autopelt.search({', '.join(f'{name}={value!r}' for name, value in given.items())})"
