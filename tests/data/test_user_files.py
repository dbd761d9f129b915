"""Names of files and Hub sets; a file is read by its ending."""

import pytest

from autopelt.data.user_files import hub_set, read
from autopelt.errors import UnavailableError, UsageError


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("owner/name", ("owner/name", None, None)),
        ("owner/name:config@main", ("owner/name", "config", "main")),
        ("owner/na.me@refs/pr/1", ("owner/na.me", None, "refs/pr/1")),
    ],
)
def test_a_name_of_the_hub(name, parts):
    wanted = hub_set(name)
    assert (wanted.name, wanted.config, wanted.revision) == parts


@pytest.mark.parametrize("name", ["a.csv", "data/a.csv", "data/a.conll", "a/b/c", "plain"])
def test_what_is_no_name_of_the_hub(name):
    assert hub_set(name) is None


def test_an_existing_folder_is_no_name_of_the_hub(tmp_path, monkeypatch):
    (tmp_path / "owner" / "name").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert hub_set("owner/name") is None


def test_the_ending_decides_unless_words_are_tagged(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text label\nred x\n", encoding="utf-8")
    assert read(str(path), []).columns == {"text label": ["red x"]}
    tagged = read(str(path), [], tagged=True)
    assert tagged.columns == {"words": [["text", "red"]], "tags": [["label", "x"]]}
    with pytest.raises(UnavailableError, match="does not exist"):
        read(str(tmp_path / "none.csv"), [])
    other = tmp_path / "a.doc"
    other.write_text("a", encoding="utf-8")
    with pytest.raises(UsageError, match=r"'\.doc' does not tell the format"):
        read(str(other), [])
