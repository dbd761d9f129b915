"""The documentation of tasks cannot go stale: its tables are made here, its examples are run.

To write the tables anew: AUTOPELT_WRITE_DOCS=1 pytest tests/docs/test_task_docs.py
"""

import re
from pathlib import Path

import pytest
import yaml
from docs_table import markdown, table_of

from autopelt.cli.search import search
from autopelt.data.benchmark import Benchmark
from autopelt.data.user_files import READERS, TAGGED
from autopelt.tasks import TASKS, make_task
from autopelt.tasks.catalogue import catalogue
from autopelt.tasks.task_file import SCORES, TaskFile

DOCS = Path(__file__).resolve().parents[2] / "docs"


def _tasks():
    rows = [(f"`{r.name}`", r.title, r.kind, r.metric, r.sizes) for r in catalogue(None)]
    return markdown(("task", "what", "kind", "metric", "sizes"), rows)


def _files():
    rows = []
    for name in TASKS:
        origin = make_task(name).origin
        if isinstance(origin, Benchmark):
            layout = origin.layout
            files = ", ".join(f"`{choices[0]}`" for choices in layout.files.values())
            rows.append((f"`{name}`", f"`{layout.folder[0]}`", files, str(origin.on_hub)))
    return markdown(("task", "folder", "files", "on the Hub"), rows)


def _scores():
    rows = [(kind, ", ".join(f"`{score}`" for score in scores)) for kind, scores in SCORES.items()]
    return markdown(("kind", "scores; the first is the usual one"), rows)


@pytest.mark.parametrize(
    ("page", "mark", "make"),
    [
        ("tasks.md", "tasks", _tasks),
        ("tasks.md", "files", _files),
        ("own-data.md", "scores", _scores),
    ],
)
def test_a_table_of_the_documentation_is_the_truth(page, mark, make):
    table = make()
    assert table_of(DOCS / page, mark, table) == table


def test_every_key_and_ending_is_documented():
    text = (DOCS / "own-data.md").read_text(encoding="utf-8")
    for key in TaskFile.model_fields:
        assert f"`{key}`" in text
    for ending in (*READERS, *TAGGED, ".json"):
        assert f"`{ending}`" in text


def test_every_flag_of_the_guide_is_an_option_of_a_search():
    text = (DOCS / "own-data.md").read_text(encoding="utf-8")
    options = {flag for option in search.params for flag in (*option.opts, *option.secondary_opts)}
    assert set(re.findall(r"--[a-z]+(?:-[a-z]+)*", text)) <= options
    assert len(text.splitlines()) <= 160


def test_the_examples_of_task_files_are_right():
    text = (DOCS / "own-data.md").read_text(encoding="utf-8")
    examples = re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)
    assert len(examples) >= 4
    for example in examples:
        TaskFile.model_validate(yaml.safe_load(example))


def test_the_python_example_runs(capsys):
    text = (DOCS / "tasks.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    exec(compile(example, "tasks.md", "exec"), {})
    assert "'train': 200" in capsys.readouterr().out
