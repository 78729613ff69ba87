"""The GPUs of a simulated host, read from the file that its simulated servers write."""

import json
from pathlib import Path
from typing import Any

from backends.domain.gpu import Gpu, GpuMemory, GpuProcess, GpuSample
from backends.simulated.board import drop_the_dead

_NO_METER = "this simulated device has no meter for it"


class SimulatedGpus:
    """Samples the file at `path`; the memory of a process that has ended is free at once."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def sample(self, *, processes: bool) -> GpuSample:  # noqa: ARG002 - they cost nothing here
        """Return all simulated GPUs; none, with the reason, while the file is absent."""
        try:
            data = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return GpuSample((), "no simulated server has been started yet (SIMULATED)")
        except (OSError, ValueError) as error:
            return GpuSample((), f"{self._path} does not stand for GPUs: {error} (SIMULATED)")
        return GpuSample(tuple(_gpu(entry) for entry in data["gpus"]))

    def close(self) -> None:
        """Do nothing: every sample opens the file by itself."""


def _gpu(entry: dict[str, Any]) -> Gpu:
    drop_the_dead(entry)
    busy_percent = float(entry["busy_percent"])
    seen = tuple(
        GpuProcess(pid=one["pid"], name=one["name"], used_bytes=one["used_bytes"])
        for one in entry["processes"]
    )
    return Gpu(
        index=entry["index"],
        uuid=entry["uuid"],
        name=entry["name"],
        vendor=entry["vendor"],
        memory=GpuMemory(
            total_bytes=entry["total_bytes"],
            used_bytes=entry["used_bytes"],
            reserved_bytes=None,
            unified=False,
            source="simulation",
            reason="a simulation reserves nothing for a driver",
        ),
        busy_percent=busy_percent,
        power_w=_between(entry["power_w"], busy_percent),
        temperature_c=_between(entry["temperature_c"], busy_percent),
        processes=seen,
        reasons=tuple(
            (name, _NO_METER) for name in ("power_w", "temperature_c") if not entry[name]
        ),
    )


def _between(rest_and_work: list[float], busy_percent: float) -> float | None:
    if not rest_and_work:
        return None
    rest, work = rest_and_work
    return round(rest + (work - rest) * busy_percent / 100, 1)
