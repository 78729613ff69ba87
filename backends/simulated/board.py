"""The file that stands for the GPUs: who holds how much, rewritten whole at every change."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from backends.simulated.process import started_ticks
from backends.simulated.script import Device


class GpuBoard:
    """The simulated GPUs of this host, shared by all simulated servers through one file.

    Without a path nothing is written, and only this process's own holdings are known.
    """

    def __init__(self, path: Path | None, device: Device, count: int) -> None:
        self._path = path
        self._gpus = [_blank(device, index) for index in range(count)]

    def hold(self, rank: int, pid: int, name: str, used_bytes: int) -> None:
        """Note that process `pid` holds `used_bytes` on the GPU of its rank."""

        def change(gpus: list[dict[str, Any]]) -> None:
            processes = gpus[rank % len(gpus)]["processes"]
            processes[:] = [one for one in processes if one["pid"] != pid]
            ticks = started_ticks(pid)
            processes.append(
                {"pid": pid, "started_ticks": ticks, "name": name, "used_bytes": used_bytes}
            )

        self._rewrite(change)

    def busy(self, percent: float) -> None:
        """Note how busy all GPUs are."""

        def change(gpus: list[dict[str, Any]]) -> None:
            for gpu in gpus:
                gpu["busy_percent"] = percent

        self._rewrite(change)

    def free_bytes(self, rank: int) -> int:
        """Return what living processes leave free on the GPU of a rank."""
        self._refresh()
        gpu = self._gpus[rank % len(self._gpus)]
        return int(gpu["total_bytes"] - gpu["used_bytes"])

    def _refresh(self) -> None:
        if self._path is not None and self._path.exists():
            known = json.loads(self._path.read_text(encoding="utf-8"))["gpus"]
            for gpu in known:
                drop_the_dead(gpu)
            if any(gpu["processes"] for gpu in known):
                self._gpus = known + self._gpus[len(known) :]

    def _rewrite(self, change: Callable[[list[dict[str, Any]]], None]) -> None:
        self._refresh()
        change(self._gpus)
        for gpu in self._gpus:
            drop_the_dead(gpu)
        if self._path is not None:
            draft = self._path.with_name(f"{self._path.name}.{os.getpid()}")
            draft.write_text(json.dumps({"gpus": self._gpus}), encoding="utf-8")
            draft.replace(self._path)


def drop_the_dead(gpu: dict[str, Any]) -> None:
    """Take processes that no longer run off one GPU of the file, and add up what is left."""
    alive = [one for one in gpu["processes"] if _runs(one)]
    gpu["processes"] = alive
    gpu["used_bytes"] = gpu["baseline_bytes"] + sum(p["used_bytes"] for p in alive)
    if not alive:
        gpu["busy_percent"] = 0.0


def _runs(process: dict[str, Any]) -> bool:
    ticks = started_ticks(process["pid"])
    return ticks is not None and ticks == process["started_ticks"]


def _blank(device: Device, index: int) -> dict[str, Any]:
    return {
        "index": index,
        "uuid": f"SIM-{index:04d}",
        "name": f"{device.name} (SIMULATED)",
        "vendor": device.vendor,
        "total_bytes": device.total_bytes,
        "baseline_bytes": device.baseline_bytes,
        "used_bytes": device.baseline_bytes,
        "busy_percent": 0.0,
        "power_w": device.power_w,
        "temperature_c": device.temperature_c,
        "processes": [],
    }
