"""The driver's side: feed specs to Ray Tune as workers become free, hand results back.

Ray is only the hands. It keeps no state that matters: its experiment lives in a scratch folder that
is deleted, and whatever is worth keeping goes through the `TrialSource` at once.
"""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from autopelt.execution.source import TrialSource

if TYPE_CHECKING:
    from autopelt.execution.searcher import Feed
    from autopelt.execution.session import Session


def started(
    workers: int, threads: int, folder: Path | None = None
) -> AbstractContextManager["Session"]:
    """A Ray for `run_trials` that starts before there are trials.

    While the driver reads the data and tries the model, its workers import what they need.

    Args:
        workers: processes.
        threads: CPU threads of each.
        folder: of the study.

    Raises:
        UnavailableError: Ray does not start, or was killed later on.
    """
    from autopelt.execution.session import ray_session

    return ray_session(workers, threads, None, folder)


def run_trials(
    source: TrialSource,
    *,
    workers: int,
    threads: int,
    together: int = 1,
    address: str | None = None,
    shared: Path | None = None,
    session: "Session | None" = None,
) -> None:
    """Run all that the source gives, asynchronously: no worker waits for another.

    Args:
        source: of the trials.
        workers: processes.
        threads: CPU threads of each.
        together: trials that one worker trains at once, in one batch where they can share it.
        address: a running Ray cluster to join.
        shared: a study's folder, which every machine of the cluster must see.
        session: of `started`, with as many workers and threads; None: Ray starts and ends here.

    Raises:
        UnavailableError: Ray does not start, or was killed later on.
        UsageError: a machine of the cluster cannot run the study's trials.
        Whatever the source raised, after the running trials have ended.
    """
    import ray

    from autopelt.execution.cluster import Machines, check_machines
    from autopelt.execution.searcher import Feed
    from autopelt.execution.session import ray_session

    own = nullcontext(session) if session else ray_session(workers, threads, address, shared)
    with own as running:
        lost = None
        if address is not None:
            if shared is not None:
                check_machines(shared)
            lost = Machines().lost
        feed = Feed(source, together, lost, running.check)
        gpus = ray.cluster_resources().get("GPU", 0.0)
        _fit(feed, workers, {"gpu": min(1.0, gpus / workers)} if gpus else {}, running)
    if feed.error is not None:
        raise feed.error


def _fit(feed: "Feed", workers: int, gpu: dict[str, float], session: "Session") -> None:
    """Let Ray Tune run all that the feed suggests."""
    from ray import tune

    from autopelt.execution.scheduler import FrontScheduler, OnStep
    from autopelt.execution.trainable import TrialTrainable

    tune.Tuner(
        tune.with_resources(TrialTrainable, {"cpu": 1.0} | gpu),
        tune_config=tune.TuneConfig(
            search_alg=feed,
            scheduler=FrontScheduler(feed.stops, feed.broke),
            num_samples=-1,
            max_concurrent_trials=workers,
            reuse_actors=True,
            trial_dirname_creator=lambda trial: str(trial.trial_id),
        ),
        run_config=tune.RunConfig(
            name="trials",
            storage_path=str(session.scratch / "tune"),
            verbose=0,
            callbacks=[OnStep(session.check)],
            checkpoint_config=tune.CheckpointConfig(
                checkpoint_at_end=False, checkpoint_frequency=0
            ),
            failure_config=tune.FailureConfig(max_failures=0),
        ),
    ).fit()
