"""The live view in a notebook, with an IPython that keeps what it is given to show."""

import re
import sys
from dataclasses import replace
from types import ModuleType

import pytest
from own_loop import own_model, train
from rich.console import Console
from small_record import STUDY, trial

import autopelt
from autopelt.api import running
from autopelt.views import notebook
from autopelt.views.notebook import NotebookView


@pytest.fixture
def shown(monkeypatch):
    """What the cell showed, first to last."""
    pages = []

    class Handle:
        def update(self, page):
            pages.append(page)

    def display(page, display_id):
        assert display_id
        assert not pages
        pages.append(page)
        return Handle()

    fake = ModuleType("IPython.display")
    fake.HTML, fake.display = str, display
    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", fake)
    monkeypatch.setattr(notebook, "SECONDS", 0)
    return pages


def test_one_output_is_written_anew_from_the_first_moment_to_the_last(shown):
    with NotebookView() as view:
        assert "reading the model and the data" in shown[0]
        view.message("training on 64 examples")
        running = trial(4, 5, None)
        view.started(running, STUDY)
        view.progressed(4, {"epoch": 2, "score": 0.5, "loss": 1.0})
        assert "trial 4 · epoch 2 of 4 · 0.5" in shown[-1]
        assert "training on 64 examples" in shown[-1]
        assert '<progress value="4" max="10"' in shown[-1]
        ended = trial(4, 5, 0.75)
        view.finished(ended, replace(STUDY, trials=(*STUDY.trials[:4], ended)))
    assert '<progress value="5" max="10"' in shown[-1]
    assert "0.7500" in shown[-1]
    assert "trial 4 ·" not in shown[-1]
    assert all("color:inherit" in page for page in shown)


def test_what_comes_from_elsewhere_is_text_there(shown):
    with NotebookView() as view:
        view.message("<img src=x>\x1b[2J")
        view.doing(None, "<script>")
    assert "&lt;img src=x&gt;\\x1b[2J" in shown[-1]
    assert not any(re.search("<img|<script|\x1b", page) for page in shown)


def test_a_busy_search_is_not_drawn_for_every_event(shown, monkeypatch):
    monkeypatch.setattr(notebook, "SECONDS", 60)
    with NotebookView() as view:
        for _ in range(50):
            view.doing(None, "busy")
    assert len(shown) == 2


def test_an_error_is_not_hidden(shown):
    with pytest.raises(ValueError, match="x"), NotebookView():
        raise ValueError("x")
    assert "it ended with an error" in shown[-1]


def test_a_search_in_a_notebook_shows_it(shown, monkeypatch, tmp_path):
    """Where rich finds itself in Jupyter."""
    monkeypatch.setattr(running, "Console", lambda: Console(force_jupyter=True))
    autopelt.search(
        model=own_model(), train=train, space="tiny", budget="4%", trials=1, out=tmp_path / "s"
    )
    assert '<progress value="1" max="1"' in shown[-1]
