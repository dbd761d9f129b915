"""Folders of class folders as tables, and what is in a file; what is wrong is said in one line."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import tiny_media
from PIL import Image

from autopelt.data import media
from autopelt.data.user_files import read
from autopelt.errors import UnavailableError


def test_a_folder_of_class_folders_is_a_table(tmp_path: Path) -> None:
    folder = tiny_media.pictures(tmp_path / "p", each=2)
    (folder / ".DS_Store").write_text("x")
    table = read(str(folder), [])
    assert table.columns == {
        "image": ["blue/0.png", "blue/1.png", "red/0.png", "red/1.png"],
        "label": ["blue", "blue", "red", "red"],
    }
    assert read(str(folder / "red"), []).columns == {"image": ["0.png", "1.png"]}
    assert read(str(folder / "red" / "1.png"), []).columns == {"image": ["1.png"]}


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (["a/1.png", "b/notes.txt"], "notes.txt' is neither a picture nor a sound"),
        (["a/1.png", "b/1.wav"], "has pictures and sounds"),
        (["a/1.png", "2.png"], "has the file '2.png' beside folders"),
        (["a/1.png", "b/.hidden"], "b' is empty"),
        ([".hidden"], "is a folder without files"),
    ],
)
def test_a_folder_of_something_else_is_refused(tmp_path: Path, files, words) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    with pytest.raises(UnavailableError, match=words) as error:
        read(str(tmp_path), [])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["a.png", "a.wav"])
def test_a_broken_file_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("no such thing")
    kind = media.medium(name)
    assert kind is not None
    with pytest.raises(UnavailableError, match=rf"{name}' is not a readable (picture|sound)"):
        media.checked(kind, tmp_path / name, "here")
    with pytest.raises(UnavailableError, match="cannot be read: No such file"):
        media.checked(kind, tmp_path / "none", "here")


def test_without_what_reads_them_the_extra_is_named(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(media, "find_spec", lambda name: None)
    with pytest.raises(UnavailableError, match=r"pip install 'autopelt\[image\]'"):
        media.checked("image", tmp_path / "a.png", "here")
    with pytest.raises(UnavailableError, match=r"pip install 'autopelt\[audio\]'"):
        media.checked("audio", tmp_path / "a.wav", "here")


def test_a_picture_is_rgb_and_the_right_way_up(tmp_path: Path) -> None:
    lying = Image.new("L", (4, 2), 0)
    turned = Image.Exif()
    turned[0x0112] = 6  # a quarter turn, as phones write it
    lying.save(tmp_path / "a.jpg", exif=turned)
    read = media.picture(str(tmp_path / "a.jpg"))
    assert (read.mode, read.size) == ("RGB", (2, 4))


def test_a_sound_is_one_channel_at_the_rate_that_is_asked_for(tmp_path: Path) -> None:
    seconds = np.arange(8000) / 8000
    tone = np.sin(2 * np.pi * 440 * seconds)
    soundfile.write(tmp_path / "a.wav", np.stack([tone, 0 * tone], 1), 8000)
    made = media.sound(str(tmp_path / "a.wav"), 16000)
    assert made.dtype == np.float32
    assert made.shape == (16000,)
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    assert np.abs(made - expected)[200:-200].max() < 0.01
    assert media.seconds(str(tmp_path / "a.wav")) == 1.0
