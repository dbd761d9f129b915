"""What the processes below this one are, and where they listen, read from /proc."""

import os
import time
from ipaddress import IPv6Address, ip_address
from pathlib import Path


def descendants(root: int) -> dict[int, str]:
    """Process id -> command line of a process and all below it."""
    parents: dict[int, int] = {}
    commands: dict[int, str] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            stat = (folder / "stat").read_text()
            commands[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
        except OSError:  # it has ended
            continue
        parents[int(folder.name)] = int(stat.rpartition(")")[2].split()[1])
    found = {root}
    while True:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        if not more:
            return {pid: commands.get(pid, "") for pid in found}
        found |= more


def listening(pids: set[int]) -> list[tuple[str, int]]:
    """Address and port of every TCP socket on which one of the processes listens."""
    sockets: set[str] = set()
    for pid in pids:
        try:
            for descriptor in Path(f"/proc/{pid}/fd").iterdir():
                sockets.add(os.readlink(descriptor))
        except OSError:
            continue
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                address, port = fields[1].split(":")
                found.append((_readable(address), int(port, 16)))
    return found


def _readable(words: str) -> str:
    """``0100007F`` -> ``127.0.0.1``: /proc has each 32-bit word in the machine's order."""
    packed = b"".join(bytes.fromhex(words[i : i + 8])[::-1] for i in range(0, len(words), 8))
    address = ip_address(packed)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def ray_processes(seconds: float = 60.0) -> set[int]:
    """Ray's processes of these searches that are there yet after a while: agents look every few
    seconds whether the raylet still lives."""
    end = time.monotonic() + seconds
    while True:
        found = set()
        for folder in Path("/proc").iterdir():
            try:
                ours = f"AUTOPELT_KILL_TEST={os.getpid()}" in (folder / "environ").read_text()
                if ours and "ray" in (folder / "cmdline").read_text():
                    found.add(int(folder.name))
            except (OSError, ValueError):  # it has ended, or is no process
                continue
        if not found or time.monotonic() > end:
            return found
        time.sleep(1)
