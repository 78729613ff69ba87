"""When this host was booted, which is when most rentals begin to cost, and which boot it is."""

from functools import cache
from pathlib import Path


def boot_wall_s(proc: Path = Path("/proc")) -> float:
    """Return the host's boot in seconds since 1970 UTC, from ``btime`` of ``/proc/stat``.

    It moves with the wall clock: whoever sets that moves the boot too.
    """
    for line in (proc / "stat").read_text().splitlines():
        name, _, value = line.partition(" ")
        if name == "btime":
            return float(value)
    raise AssertionError("/proc/stat has no btime")


@cache
def boot_id() -> str:
    """Return the kernel's name for this boot, which no clock changes."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
