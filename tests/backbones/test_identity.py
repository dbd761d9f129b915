"""Other weights are noticed: by their content, their size, their commit."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from autopelt.backbones.identity import PIECE, PIECES, weights_identity
from autopelt.backbones.load import load_config, resolve


def folder(place: Path, content: bytes) -> Path:
    place.mkdir()
    (place / "model.safetensors").write_bytes(content)
    return place


def of(path: Path) -> str:
    return weights_identity(SimpleNamespace(kind="folder", path_or_name=str(path)), None)  # type: ignore[arg-type]


def test_equal_weights_elsewhere_are_the_same(tmp_path: Path) -> None:
    assert of(folder(tmp_path / "a", b"x" * 99)) == of(folder(tmp_path / "b", b"x" * 99))


@pytest.mark.parametrize("other", [b"x" * 98 + b"y", b"x" * 100, b""])
def test_other_content_or_size_is_another(other: bytes, tmp_path: Path) -> None:
    assert of(folder(tmp_path / "a", b"x" * 99)) != of(folder(tmp_path / "b", other))


def test_of_a_large_file_pieces_are_read_from_its_begin_to_near_its_end(tmp_path: Path) -> None:
    size = 2 * PIECES * PIECE
    whole = bytearray(size)
    first = of(folder(tmp_path / "a", whole))
    whole[(PIECES - 1) * size // PIECES] = 1  # the begin of the last piece
    assert of(folder(tmp_path / "b", whole)) != first


def test_a_commit_names_a_model_of_the_hub(tiny_bert: Path) -> None:
    config = load_config(resolve(str(tiny_bert)))
    hub = SimpleNamespace(kind="hub", path_or_name="a/b")
    config._commit_hash = "0123abc"
    assert weights_identity(hub, config) == "commit 0123abc"  # type: ignore[arg-type]
