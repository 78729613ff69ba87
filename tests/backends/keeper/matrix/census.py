"""Which processes belong to which start, looked up once for all cells of a matrix."""

import time

from backends.host import processes
from backends.host.processes import Process
from backends.host.survivors import MARKER

FRESH_S = 0.15


class Census:
    """The living processes of every start, never older than `FRESH_S`."""

    def __init__(self) -> None:
        self._taken_s = float("-inf")
        self._by_marker: dict[str, list[Process]] = {}

    def of(self, marker: str) -> list[Process]:
        """Return the living processes that carry this marker."""
        if time.monotonic() - self._taken_s > FRESH_S:
            self._take()
        return self._by_marker.get(marker, [])

    def look_anew(self) -> None:
        """Forget what was looked up before something that just happened."""
        self._taken_s = float("-inf")

    def _take(self) -> None:
        began_s = time.monotonic()
        found: dict[str, list[Process]] = {}
        for process in processes.running():
            marker = processes.environment_value(process.id.pid, MARKER)
            if marker:
                found.setdefault(marker, []).append(process)
        self._by_marker = found
        self._taken_s = began_s
