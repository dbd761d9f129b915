"""Data sets of the Hub: their revision is recorded, and a missing network is noticed at once."""

import json
import os
import subprocess
import sys
import time

import pytest
from fake_hub import COMMIT, parquet, serving

from autopelt.errors import UnavailableError
from autopelt.tasks import Source, make_task, task_from_files

LABELS = ("entailment", "neutral", "contradiction")


def _rows(examples, offset):
    return [
        {"premise": f"p {n + offset}", "hypothesis": f"h {n}", "label": LABELS[n % 3]}
        for n in range(examples)
    ]


FILES = {
    "public/train/0000.parquet": parquet(_rows(60, 0)),
    "public/validation/0000.parquet": parquet(_rows(9, 100)),
    "public/test/0000.parquet": parquet(_rows(5, 200)),
}

SCRIPT = """
import json, sys
from dataclasses import asdict
from pathlib import Path
from autopelt.tasks import Source, make_task
from autopelt.tasks.catalogue import catalogue
splits = make_task("si-nli").load(Source(offline=sys.argv[1] == "offline"), report=True)
here = {row.name: row.here for row in catalogue(None)}
print(json.dumps([asdict(splits.facts), splits.report[0], here["si-nli"], here["rte"]]))
"""


def _load(home, endpoint, mode):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
    environment |= {"HF_HOME": str(home), "HF_ENDPOINT": endpoint, "HF_HUB_DISABLE_XET": "1"}
    command = [sys.executable, "-W", "error", "-c", SCRIPT, mode]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_a_set_of_the_hub_is_loaded_once_and_then_found_in_the_cache(tmp_path):
    with serving("cjvt/si_nli", FILES) as endpoint:
        facts, report, here, other = _load(tmp_path, endpoint, "online")
    assert facts["origin"] == "hub"
    assert facts["revision"] == COMMIT
    assert facts["sizes"] == {"train": 46, "selection": 14, "report": 9}
    assert report == {"text": "p 100", "text_pair": "h 0", "label": 0}
    assert (here, other) == ("cache", "")

    begun = time.perf_counter()
    again = _load(tmp_path, endpoint, "online")  # the server is gone
    assert time.perf_counter() - begun < 20
    assert again == [facts, report, here, other]
    assert _load(tmp_path, "http://127.0.0.1:9", "offline") == again


def test_nothing_cached_and_no_network_answers_at_once_with_both_ways_out(
    monkeypatch, tmp_path, capfd
):
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path)
    begun = time.perf_counter()
    with pytest.raises(UnavailableError, match=r"RTE/train\.tsv and RTE/dev\.tsv by data") as info:
        make_task("rte").load(Source())
    assert time.perf_counter() - begun < 5
    assert "nyu-mll/glue (rte)" in str(info.value)
    assert "\n" not in str(info.value)
    with pytest.raises(UnavailableError, match="owner/reviews"):
        task_from_files("owner/reviews")
    assert capfd.readouterr() == ("", "")
