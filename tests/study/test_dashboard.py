"""Our study.db in the real optuna-dashboard: its own API shows trials, scores and attributes."""

import json
import warnings
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults

import optuna
import pytest
from study_facts import FACTS, attributes, config

from autopelt.study.storage import StudyStorage

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import optuna_dashboard

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning"),
]


def get(app: Any, path: str, query: str = "") -> Any:
    """What the dashboard answers its page."""
    environment: dict[str, Any] = {"PATH_INFO": path, "QUERY_STRING": query}
    setup_testing_defaults(environment)
    status: list[str] = []
    body = b"".join(app(environment, lambda code, headers, error=None: status.append(code)))
    assert status == ["200 OK"], body
    return json.loads(body)


def test_the_dashboard_shows_a_study(tmp_path: Path) -> None:
    sampler = optuna.samplers.RandomSampler(seed=0)
    study = StudyStorage.create(tmp_path / "mine", config(), FACTS, sampler)
    number = study.add(attributes(words="lora 2 (query) at 0"), {}, {})
    study.progressed(number, 0.5, 0.7)
    study.progressed(number, 0.6, 0.4)
    study.complete(number, 0.6, 64)
    study.fail(study.add(attributes(), {}, {}), "the loss became nan")

    app = optuna_dashboard.wsgi(f"sqlite:///{tmp_path}/mine/study.db")
    (summary,) = get(app, "/api/studies")["study_summaries"]
    assert summary["study_name"] == "mine"
    assert summary["directions"] == ["maximize", "minimize"]
    shown = get(app, f"/api/studies/{summary['study_id']}", "after=0")
    first, failed = shown["trials"]
    assert (first["state"], failed["state"]) == ("Complete", "Fail")
    assert [float(v) for v in first["values"]] == [0.6, 64.0]
    values = {v["step"]: float(v["value"]) for v in first["intermediate_values"]}
    assert values == {1: 0.5, 2: 0.6}
    told = {a["key"]: a["value"] for a in first["user_attrs"]}
    assert "lora 2 (query) at 0" in told["words"]
    assert {a["key"]: a["value"] for a in failed["user_attrs"]}["reason"].strip('"') == (
        "the loss became nan"
    )
