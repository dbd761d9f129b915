"""Shared by the report's tests: one Chromium for all, and reports built once."""

import pytest
from example_studies import study
from headless_chromium import Chromium, find_chromium

from autopelt.report import build
from autopelt.study.importance import with_importance


@pytest.fixture(scope="session")
def chromium():
    executable = find_chromium()
    if executable is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    browser = Chromium(executable)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def example():
    return with_importance(study(), 0)


@pytest.fixture(scope="session")
def example_page(example, tmp_path_factory):
    return build(example, tmp_path_factory.mktemp("report"))
