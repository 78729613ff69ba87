"""What every source of GPU samples is."""

from typing import Protocol

from backends.domain.gpu import GpuSample

PROCESSES_PERIOD_S = 3.0
"""How often the processes on GPUs are listed."""


class GpuSource(Protocol):
    """Something that can look at GPUs; used from one thread at a time."""

    def sample(self, *, processes: bool) -> GpuSample:
        """Return all GPUs as they are now; may block for as long as a driver does.

        Costly figures are read less often than they are asked for: temperature and clock limits
        every 5 s, power and activity once a second, process lists every 2 s, names once. No driver
        error is raised: it becomes a figure that is None and a sentence that says why.

        Args:
            processes: list the processes too; else the last list is given while it is recent.
        """
        ...

    def close(self) -> None:
        """Let go of driver and child process; the source is not used after that."""
        ...
