"""When this host was booted, which is when most rentals begin to cost."""

from pathlib import Path


def boot_wall_s(proc: Path = Path("/proc")) -> float:
    """Return the host's boot in seconds since 1970 UTC, from ``btime`` of ``/proc/stat``."""
    for line in (proc / "stat").read_text().splitlines():
        name, _, value = line.partition(" ")
        if name == "btime":
            return float(value)
    raise AssertionError("/proc/stat has no btime")
