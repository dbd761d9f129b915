"""Memory that limits leave; address space; freed memory goes back to the system."""

import ctypes
import resource
from pathlib import Path

import pytest

from autopelt.errors import UnavailableError
from autopelt.system import memory
from autopelt.system.memory import check_address_space, trim_heap


def resident() -> float:
    """MB of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(x for x in lines if x.startswith("VmRSS")).split()[1]) / 1024


def test_what_is_free_goes_back_to_the_system() -> None:
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "malloc_trim"):
        pytest.skip("this C library has no malloc_trim")
    libc.malloc.restype = ctypes.c_void_p
    libc.malloc.argtypes, libc.free.argtypes = [ctypes.c_size_t], [ctypes.c_void_p]
    size = 60_000  # below what malloc takes from the system piece by piece
    blocks = [libc.malloc(size) for _ in range(1500)]
    for block in blocks:
        ctypes.memset(block, 1, size)
    for block in blocks[:-1]:  # the last one keeps the heap's end where it is
        libc.free(block)
    before = resident()
    trim_heap()
    assert before - resident() > 60
    libc.free(blocks[-1])


def group(folder: Path, names: tuple[str, str, str], limit: object, used: int, cache: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / names[0]).write_text(f"{limit}\n")
    (folder / names[1]).write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 1\n{names[2]} {cache}\n")


@pytest.mark.parametrize(
    ("line", "below", "names"),
    [
        ("0::/a.slice/b.scope", "", memory._V2),
        ("1:cpu:/other\n4:memory:/a.slice/b.scope", "memory", memory._V1),
    ],
)
def test_what_a_group_and_those_around_it_have_left(
    line: str, below: str, names: tuple[str, str, str], tmp_path: Path
) -> None:
    (tmp_path / "cgroup").write_text(f"{line}\n")
    root = tmp_path / "mounted" / below
    group(root / "a.slice/b.scope", names, 1000, 700, 100)
    group(root / "a.slice", names, 900, 800, 50)
    group(root, names, "max", 0, 0)
    assert memory._left_by_groups(tmp_path, tmp_path / "mounted") == [400, 150]


def test_a_container_sees_its_group_as_the_root(tmp_path: Path) -> None:
    (tmp_path / "cgroup").write_text("4:memory:/docker/0f1e\n")
    group(tmp_path / "mounted" / "memory", memory._V1, 1000, 1200, 0)
    assert memory._left_by_groups(tmp_path, tmp_path / "mounted") == [0]


def test_too_little_address_space_is_said_with_both_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    check_address_space(2**40, "a search")  # no limit
    monkeypatch.setattr(resource, "getrlimit", lambda _: (2**31, 2**31))
    with pytest.raises(UnavailableError, match=r"a search needs .* and this .*ulimit -v 2097152"):
        check_address_space(2**31, "a search")
