"""One trial with a training function of the user's own: attach, call, take down its scores."""

from __future__ import annotations

import inspect
import math
import random
import sysconfig
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.budget import Count
from autopelt.errors import UsageError, parameter
from autopelt.modules.attachment import count_attached
from autopelt.modules.parameter_groups import head_rate, parameter_groups
from autopelt.study.config import derived_seed
from autopelt.training.own_model import OwnModel
from autopelt.training.results import EpochResult, Tell, TrialFailure
from autopelt.training.spec import TrialSpec
from autopelt.training.trial import failure_reason


@dataclass(frozen=True)
class OwnLoop:
    """What a search of a user's own model and training does with each trial.

    Attributes:
        model: the user's.
        function: trains a copy that has modules attached, and gives its score.
        metric: name of the score.
        higher_is_better: False for a loss or an error.
        factor: on all learning rates of `Trial.parameter_groups`.
    """

    model: OwnModel
    function: Callable[[Any, Trial], Any]
    metric: str = "score"
    higher_is_better: bool = True
    factor: float = 1.0

    def __post_init__(self) -> None:
        """Raises UsageError for a function that cannot be called with a model and a trial."""
        try:
            inspect.signature(self.function).bind(None, None)
        except TypeError as error:
            raise UsageError(
                f"{parameter('train')}, the function '{self.name}', is called with a model and a "
                f"trial, which it cannot take ({error}); write: def {self.name}(model, trial)."
            ) from None
        except ValueError:  # compiled code without a signature
            pass

    @property
    def name(self) -> str:
        """Of the function."""
        return str(getattr(self.function, "__name__", type(self.function).__name__))

    def run(self, spec: TrialSpec, tell: Tell) -> str:
        """Train one trial; gives the reason why it was stopped early, or "".

        Raises:
            TrialFailure: why there is no score of it.
            Whatever the function raises.
        """
        begun = time.perf_counter()
        architecture = Architecture.from_json(spec.architecture)
        written = self.model.written()
        model = self.model.with_modules(architecture, derived_seed(spec.random_seed, "modules"))
        trial = Trial(self, model, architecture, spec, tell, begun)
        with _seeded(spec.random_seed):
            returned = self.function(model, trial)
            if inspect.isgenerator(returned):
                with closing(returned):
                    for score in returned:
                        if trial.report(score):
                            break
                returned = None
        changed = [n for n, times in self.model.written().items() if times != written[n]]
        if changed:
            raise UsageError(
                f"'{self.name}' wrote into frozen weights of {parameter('model')} itself "
                f"({changed[0]}): train what requires a gradient, and give what else is to learn "
                f"as {parameter('trainable', [changed[0]])}. Load the model anew."
            )
        trial._end(returned)
        return trial.stopped


class Trial:
    """What a training function of your own is handed beside the model.

    Attributes:
        number: of the trial in its study, from 0.
        architecture: what is attached to the model.
        count: its parameters: ``trained``, ``deployed``, ``backbone``.
        random_seed: of this trial. The generators of random, NumPy and torch start from it already.
        epochs: ``epochs=`` of the search: how many scores a whole trial is to report.
        stopped: why it is to stop now, once it is; else "".
    """

    def __init__(
        self,
        loop: OwnLoop,
        model: nn.Module,
        architecture: Architecture,
        spec: TrialSpec,
        tell: Tell,
        begun: float,
    ) -> None:
        self.number, self.random_seed = spec.number, spec.random_seed
        self.architecture = architecture
        self.epochs = spec.training.epochs
        self.stopped = ""
        self._loop, self._model, self._tell = loop, model, tell
        self._inner = loop.model.backbone(model)
        self.count: Count = count_attached(self._inner)
        self._weights = None if spec.weights is None else Path(spec.weights)
        self._scores: list[float] = []
        self._before = time.perf_counter()
        self._seconds = {"attach": self._before - begun}

    def __repr__(self) -> str:
        return f"Trial({self.number}: {self.architecture.describe()})"

    def parameter_groups(self) -> list[dict[str, Any]]:
        """For an optimiser: each method's parameters with its own learning rate, then the rest.

        The rates hold the factor that the search proposes for this architecture, so use them where
        it searches learning rates: ``torch.optim.AdamW(trial.parameter_groups())``.
        """
        groups = parameter_groups(self._inner, multiplier=self._loop.factor)
        known = {id(value) for group in groups for value in group["params"]}
        rest = [p for p in self._model.parameters() if p.requires_grad and id(p) not in known]
        if not rest:
            return groups
        rate = head_rate(self._inner) * self._loop.factor
        head = next((group for group in groups if group["name"] == "head"), None)
        if head is not None:
            head["params"] = [*head["params"], *rest]
            return groups
        return [*groups, {"name": "head", "params": rest, "lr": rate}]

    def report(self, score: Any, *, loss: float | None = None, **metrics: float) -> bool:
        """Tell a score, say after each epoch; the best one counts, and its weights are kept.

        Args:
            score: of the selection split, in the metric's own unit; a number, or a mapping of
                several that has the metric among them.
            loss: mean training loss since the last report.
            metrics: further scores, by name.

        Returns:
            Whether to stop now: early stopping was asked for, and this trial can hardly join the
            front any more. What is reported after that does not count.

        Raises:
            TrialFailure: the score is no finite number; the trial has failed then.
        """
        if self.stopped:
            return True
        value, others = self._number(score)
        signed = value if self._loop.higher_is_better else -value
        epoch = len(self._scores) + 1
        best = not self._scores or signed > max(self._scores)
        self._scores.append(signed)
        if best and self._weights is not None:
            self._loop.model.save(self._model, self._weights)
        now = time.perf_counter()
        seconds = self._seconds | {"train": now - self._before}
        self._before, self._seconds = now, {}
        further = {name: float(_plain(number)) for name, number in metrics.items()}
        told = {self._loop.metric: value} | others | further
        result = EpochResult(
            epoch=epoch,
            loss=math.nan if loss is None else float(_plain(loss)),
            score=signed,
            metrics={k: v for k, v in told.items() if math.isfinite(v)},
            best=best,
            seconds=seconds,
        )
        self.stopped = self._tell(result)
        return bool(self.stopped)

    # ------------------------------------------------------------------ for OwnLoop
    def _end(self, returned: Any) -> None:
        """Take what the function returned as its last report, unless it told that before."""
        if self.stopped:
            return
        if returned is None:
            if not self._scores:
                raise TrialFailure(
                    f"'{self._loop.name}' returned None and reported no score; return a number, "
                    "yield numbers, or call trial.report"
                )
            return
        value = self._number(returned)[0]
        if (value if self._loop.higher_is_better else -value) not in self._scores:
            self.report(returned)

    def _number(self, given: Any) -> tuple[float, dict[str, float]]:
        """The score in what a function gives, and the other numbers."""
        name, others = self._loop.metric, {}
        if isinstance(given, Mapping):
            if name not in given:
                raise TrialFailure(
                    f"'{self._loop.name}' gave {', '.join(map(repr, given))} and no '{name}'; name "
                    "the score with metric=…"
                )
            others = {str(k): float(_plain(v)) for k, v in given.items() if k != name}
            given = given[name]
        try:
            value = float(_plain(given))
        except (TypeError, ValueError, RuntimeError):
            raise TrialFailure(
                f"'{self._loop.name}' gave a {type(given).__name__} as its score, not a number"
            ) from None
        if not math.isfinite(value):
            raise TrialFailure.of_score(name, value, len(self._scores) + 1)
        return value, others


def _plain(value: Any) -> Any:
    """A tensor without its graph; anything else as it is."""
    return value.detach() if isinstance(value, torch.Tensor) else value


def reason(error: BaseException, log: str | None) -> str:
    """Why a trial failed, in one line with the user's own line of code; the trial's log has all."""
    if log is not None:
        with suppress(OSError):
            path = Path(log)
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8", errors="replace") as file:
                traceback.print_exception(error, file=file)
    words = failure_reason(error)
    if isinstance(error, TrialFailure | UsageError):
        return words
    lines = traceback.extract_tb(error.__traceback__)
    own = [line for line in lines if not _OTHERS & set(Path(line.filename).parents)]
    return f"{words} ({Path(own[-1].filename).name}:{own[-1].lineno})" if own else words


_OTHERS = {Path(__file__).resolve().parents[1]} | {
    Path(sysconfig.get_path(name)).resolve() for name in ("purelib", "platlib", "stdlib")
}
"""Where code lies that is not the user's."""


@contextmanager
def _seeded(random_seed: int) -> Iterator[None]:
    """Random numbers from a seed, and afterwards those that would have come without."""
    before = random.getstate(), np.random.get_state()
    devices = list(range(torch.cuda.device_count()))
    with torch.random.fork_rng(devices=devices):
        random.seed(random_seed)
        np.random.seed(random_seed % 2**32)
        torch.manual_seed(random_seed)
        try:
            yield
        finally:
            random.setstate(before[0])
            np.random.set_state(before[1])
