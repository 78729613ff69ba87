"""When this host was booted, which is when most rentals begin to cost, and which boot it is."""

import os
from functools import cache
from pathlib import Path

HOSTS_PIDS = "pid:[4026531836]"
"""The namespace of pids that the kernel begins with (``PROC_PID_INIT_INO``); in a container, as a
rented pod is one, there is another."""


def boot_wall_s(proc: Path = Path("/proc")) -> float:
    """Return the host's boot in seconds since 1970 UTC, from ``btime`` of ``/proc/stat``.

    It moves with the wall clock: whoever sets that moves the boot too.
    """
    for line in (proc / "stat").read_text().splitlines():
        name, _, value = line.partition(" ")
        if name == "btime":
            return float(value)
    raise AssertionError("/proc/stat has no btime")


def is_in_container(proc: Path = Path("/proc")) -> bool:
    """Tell whether this process counts pids by itself, so that pid 1 is not the host's."""
    return str((proc / "self/ns/pid").readlink()) != HOSTS_PIDS


def rental_wall_s(proc: Path = Path("/proc")) -> float:
    """Return when what is rented here began, in seconds since 1970 UTC.

    Inside a container that is the start of its first process: the host it runs on was booted for
    others.
    """
    booted_s = boot_wall_s(proc)
    if not is_in_container(proc):
        return booted_s
    fields = (proc / "1/stat").read_text().rpartition(")")[2].split()
    return booted_s + int(fields[19]) / os.sysconf("SC_CLK_TCK")


@cache
def boot_id() -> str:
    """Return the kernel's name for this boot, which no clock changes."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
