"""The memory of the host as if it were a GPU, for a vLLM that computes on the CPU."""

from collections.abc import Callable, Iterable
from pathlib import Path

from backends.domain.gpu import Gpu, GpuMemory, GpuProcess, GpuSample
from backends.gpus.proc import HostFigures, Proc

_CGROUP = Path("/sys/fs/cgroup")
_NO_GPU = "host memory is not a GPU"


class HostMemory:
    """Host memory, and how much of it some processes hold.

    Inside a container with a memory limit, the limit and the use below it are given.
    """

    def __init__(
        self,
        pids: Callable[[], Iterable[int]],
        *,
        proc: Proc | None = None,
        cgroup: Path = _CGROUP,
    ) -> None:
        self._pids = pids
        self._proc = proc or Proc()
        self._cgroup = cgroup
        self._names: dict[int, str] | None = None

    def sample(self, *, processes: bool) -> GpuSample:
        """Return host memory as one GPU of vendor ``host``; none while no process is given.

        Whose processes they are is asked with the first sample and with each that lists them: it
        takes a look at every process of the host.
        """
        if processes or self._names is None:
            self._names = {pid: self._proc.name(pid) for pid in sorted(self._pids())}
        listed = tuple(
            GpuProcess(pid, name, self._proc.own_memory_bytes(pid))
            for pid, name in self._names.items()
            if self._proc.has(pid)
        )
        if not listed:
            return GpuSample((), "no server computes on this host's CPU")
        gpu = Gpu(
            index=0,
            uuid="host",
            name="host memory",
            vendor="host",
            memory=self._memory(self._proc.host_memory()),
            processes=listed,
            processes_reason="only the server's own processes are listed",
            reasons=tuple(
                (name, _NO_GPU)
                for name in ("busy_percent", "power_w", "temperature_c", "throttled")
            ),
        )
        return GpuSample((gpu,))

    def close(self) -> None:
        """Nothing is held."""

    def _memory(self, host: HostFigures) -> GpuMemory:
        total, available = host.total_bytes, host.available_bytes
        limit, held = self._limit("memory.max"), self._limit("memory.current")
        if limit is not None and held is not None and (total is None or limit < total):
            cache = self._reclaimable()
            used = min(limit, max(0, held - cache))
            return GpuMemory(limit, used, None, unified=False, source="cgroup memory")
        if total is None or available is None:
            return GpuMemory(
                None, None, None, unified=False, source="meminfo", reason="/proc/meminfo is silent"
            )
        return GpuMemory(total, total - available, None, unified=False, source="meminfo")

    def _limit(self, name: str) -> int | None:
        try:
            text = (self._cgroup / name).read_text().strip()
        except OSError:
            return None
        return int(text) if text.isdigit() else None

    def _reclaimable(self) -> int:
        try:
            lines = (self._cgroup / "memory.stat").read_text().splitlines()
        except OSError:
            return 0
        figures = dict(line.split(maxsplit=1) for line in lines if " " in line)
        return int(figures.get("inactive_file", 0))
