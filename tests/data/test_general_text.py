"""The general text: passages by line; the built-in one is what docs/objectives.md says."""

from pathlib import Path

import pytest

from autopelt.data.general_text import general_text, text_hash
from autopelt.errors import UsageError


def test_a_file_is_read_by_lines(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("one line \n\n  another\n", encoding="utf-8")
    assert general_text(str(path)) == ("one line", "another")
    assert text_hash(("one line", "another")) != text_hash(("one line",))


@pytest.mark.parametrize("content", [b"", b" \n\n", b"\xff\xfe"])
def test_no_text_is_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="text"):
        general_text(str(path))


def test_the_built_in_text_is_there() -> None:
    passages = general_text(None)
    words = sum(len(passage.split()) for passage in passages)
    page = (Path(__file__).parents[2] / "docs" / "objectives.md").read_text("utf-8")
    assert f"{len(passages)} passages" in page
    assert words > 1400
    assert len(set(passages)) == len(passages)
