"""A temporary folder goes with the last process that holds it, also where that was killed."""

from pathlib import Path

from autopelt.system.held_folder import held_folder


def test_the_last_who_holds_it_removes_it(tmp_path: Path) -> None:
    with held_folder(tmp_path / "kind-a", "kind-") as folder:
        with held_folder(folder, "kind-"):
            (folder / "file").touch()
        assert (folder / "file").is_file()
    assert list(tmp_path.iterdir()) == []


def test_what_nobody_holds_goes_and_what_is_held_or_another_kind_stays(tmp_path: Path) -> None:
    for name in ("kind-killed", "other-killed"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "owner.lock").touch()
    (tmp_path / "kind-being-made").mkdir()
    with held_folder(tmp_path / "kind-a", "kind-"), held_folder(tmp_path / "kind-b", "kind-"):
        names = {path.name for path in tmp_path.iterdir()}
    assert names == {"kind-a", "kind-b", "kind-being-made", "other-killed"}
