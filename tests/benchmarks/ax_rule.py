"""Meta's Ax as a rule of `noisy_search`: needs the package ``ax-platform``, no dependency of ours.

With its own default of what to do next, the number of parameters as an outcome that it is told
exactly, the budget as a constraint on it. Choices are numbers that we round: as integers 48 of them
take Ax 35 CPU seconds a proposal, and more than 100 where the front is asked for. What it proposes
over the budget is repaired as for Optuna's samplers, and the repaired point is told in its place.
"""

import logging
import math
import warnings
from typing import Any

import numpy as np
from noisy_problems import Case

from autopelt.errors import UnavailableError
from autopelt.samplers.baselines import repaired
from autopelt.samplers.local_search import Unseen
from autopelt.space.tables import Vector


class AxRule:
    """Ax's client.

    Args:
        single: the question is the best score, not the front.

    Raises:
        UnavailableError: ax-platform is not installed.
    """

    def __init__(self, case: Case, *, single: bool) -> None:
        try:
            from ax.api.client import Client
            from ax.api.configs import RangeParameterConfig
        except ImportError as error:
            raise UnavailableError(
                "rule 'ax' needs ax-platform (pip install ax-platform, best in an environment of "
                "its own)."
            ) from error
        logging.disable(logging.INFO)  # every trial and its parameters
        self.space = case.problem.space
        self.rng = np.random.default_rng(case.problem.number)
        self.seen: list[Vector] = []
        self.client: Any = Client(random_seed=case.problem.number)
        self.client.configure_experiment(
            [
                RangeParameterConfig(
                    name=f"x{i}", bounds=(-0.49, len(d.values) - 0.51), parameter_type="float"
                )
                for i, d in enumerate(self.space.dimensions)
            ]
        )
        limit = f"decades <= {math.log10(self.space.limit):.6f}"
        self.client.configure_optimization(
            objective="score" if single else "score, -decades", outcome_constraints=[limit]
        )

    def ask(self) -> Vector:
        """Ax's proposal, repaired where it is over the budget or was trained already."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            (trial, choices), *_ = self.client.get_next_trials(max_trials=1).items()
        self.client.mark_trial_abandoned(trial)
        rounded = [round(choices[f"x{i}"]) for i in range(len(choices))]
        vector = self.space.canonical(rounded)
        unseen = Unseen(self.space, self.seen)
        if self.space.feasible(vector) and len(unseen.of(np.array([vector]))):
            return vector
        return repaired(vector, unseen, self.rng)

    def tell(self, vector: Vector, score: float) -> None:
        """A trial of Ax's experiment."""
        self.seen.append(vector)
        decades = math.log10(max(1, self.space.cost(vector)))
        trial = self.client.attach_trial({f"x{i}": float(v) for i, v in enumerate(vector)})
        self.client.complete_trial(trial, {"score": score, "decades": (decades, 0.0)})
