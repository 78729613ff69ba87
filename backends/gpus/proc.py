"""What ``/proc`` knows of processes and of the host's memory."""

from dataclasses import dataclass
from pathlib import Path

from backends.host.processes import content

_INTERPRETERS = ("python", "bash", "sh", "node")

HOSTS_PIDS = "pid:[4026531836]"
"""The first pid namespace of every Linux: ``PROC_PID_INIT_INO`` of include/linux/proc_ns.h."""

_GPU_FILES = ("/dev/nvidia", "/dev/kfd", "/dev/dri/", "/dev/dxg")
"""One of these is open in every process that holds memory on a GPU."""


@dataclass(frozen=True, slots=True)
class HostFigures:
    """Memory of the host in bytes; None where ``/proc/meminfo`` does not say."""

    total_bytes: int | None
    available_bytes: int | None


@dataclass(frozen=True, slots=True)
class Proc:
    """The process file system at `root`."""

    root: Path = Path("/proc")

    def has(self, pid: int) -> bool:
        """Return whether a process of this number is visible here."""
        return (self.root / str(pid)).exists()

    def counts_as_host(self) -> bool:
        """Return whether processes have the numbers here that they have on the host."""
        try:
            return str((self.root / "self/ns/pid").readlink()) == HOSTS_PIDS
        except OSError:  # a tree without one cannot say
            return True

    def may_use_gpu(self, pid: int) -> bool:
        """Return whether a process has a driver's file open, or that may not be seen."""
        try:
            opened = [str(one.readlink()) for one in (self.root / str(pid) / "fd").iterdir()]
        except OSError:
            return True
        return any(path.startswith(_GPU_FILES) for path in opened)

    def name(self, pid: int) -> str:
        """Return the title a process gave itself, or the program it runs; empty if unknown.

        The command line is preferred, since vLLM puts ``VLLM::Worker_TP0`` there and the kernel
        cuts the short name after 15 characters.
        """
        words = _read(f"{self.root}/{pid}/cmdline").replace("\0", " ").split()
        if not words:
            return _read(f"{self.root}/{pid}/comm").strip()
        program = Path(words[0]).name
        if program.startswith(_INTERPRETERS):
            script = next((word for word in words[1:] if not word.startswith("-")), "")
            return Path(script).name or program
        return program

    def own_memory_bytes(self, pid: int) -> int | None:
        """Return what a process holds that no file backs: anonymous and shared memory.

        Pages of mapped files are left out: the kernel takes them back whenever it needs to.
        """
        fields = _kib_fields(_read(f"{self.root}/{pid}/status"))
        if "RssAnon" not in fields:
            return None
        return fields["RssAnon"] + fields.get("RssShmem", 0)

    def host_memory(self) -> HostFigures:
        """Return total and available memory of the host."""
        fields = _kib_fields(_read(f"{self.root}/meminfo"))
        return HostFigures(fields.get("MemTotal"), fields.get("MemAvailable"))


def _kib_fields(text: str) -> dict[str, int]:
    fields = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        words = value.split()
        if len(words) == 2 and words[1] == "kB" and words[0].isdigit():
            fields[name] = int(words[0]) * 1024
    return fields


def _read(path: str) -> str:
    try:
        return content(path).decode("utf-8", "replace")
    except OSError:
        return ""
