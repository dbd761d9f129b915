"""Sizes by name: what is remembered is what is counted, and what is damaged is counted again."""

import json
from dataclasses import asdict

import pytest
from zoo import CONFIGS, make

from autopelt.backbones import sizes
from autopelt.backbones.head import head_size
from autopelt.backbones.load import load_config
from autopelt.backbones.shapes import shapes_of_config
from autopelt.backbones.sizes import BUILT_IN, sizes_in_file, sizes_of
from autopelt.backbones.source import ModelSource, resolve
from autopelt.errors import UnavailableError


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def kept(tmp_path):
    return sorted((tmp_path / "cache" / "autopelt" / "sizes").glob("*"))


def test_what_is_kept_of_minilm_is_what_is_counted(tmp_path):
    source = resolve("minilm")
    config, known = load_config(source), sizes_of(source)
    shapes = shapes_of_config(config)
    assert known.shapes == shapes, f"write into {BUILT_IN}: {json.dumps(asdict(shapes))}"
    for head in ("sequence_classification", "token_classification", "question_answering"):
        assert known.head(head, 3) == head_size(config, head, 3)
    assert kept(tmp_path) == []  # all of it comes with the package


@pytest.mark.parametrize("family", CONFIGS)
def test_a_head_grows_by_as_much_with_each_output(family, tmp_path):
    config = make(family).config
    path = tmp_path / "config.json"
    config.to_json_file(path)
    assert sizes_in_file(path).head("sequence_classification", 5) == head_size(
        config, "sequence_classification", 5
    )


def test_a_model_is_counted_once_and_again_where_it_was_damaged(tiny_bert, tmp_path, monkeypatch):
    source = resolve(str(tiny_bert))
    shapes, head = sizes_of(source).shapes, sizes_of(source).head("sequence_classification", 2)
    (file,) = kept(tmp_path)
    refused = pytest.MonkeyPatch()
    refused.setattr("autopelt.backbones.load.load_config", lambda _: pytest.fail("counted again"))
    assert sizes_of(source).shapes == shapes
    assert sizes_of(source).head("sequence_classification", 2) == head
    refused.undo()
    whole = file.read_bytes()
    for damage in (b"", whole[:-9], b'{"config": 3}'):
        file.write_bytes(damage)
        assert sizes_of(source).shapes == shapes
    assert json.loads(file.read_bytes())["shapes"] == json.loads(whole)["shapes"]
    # Another configuration, another version of transformers, or other code of ours.
    monkeypatch.setattr(sizes, "_version", lambda: "other")
    assert sizes_of(source).shapes == shapes
    assert len(kept(tmp_path)) == 2


def test_a_home_that_cannot_be_written_costs_time_only(tiny_bert, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert sizes_of(resolve(str(tiny_bert))).shapes.layers == 2


def test_a_model_that_is_not_here_is_said_without_transformers(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UnavailableError, match="is not in the local cache and the Hub cannot"):
        sizes_of(ModelSource("hub", "nobody/nothing"))
