"""AMD GPUs through the kernel's files: no library, no root, and nothing that can crash.

Every file may be absent: its figure is then None, with the file's name as the reason. The root is
a parameter, so that a made tree can stand in for a card.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from backends.domain.gpu import Gpu, GpuMemory, GpuSample
from backends.gpus.amd_memory import AmdFigures, amd_memory
from backends.gpus.cache import ACTIVITY_S, SLOW_S, Held, HeldList
from backends.gpus.kfd import KfdNodes, same_card
from backends.gpus.proc import Proc
from backends.gpus.process_list import NOT_ASKED, ProcessList, against_used, believed

_AMD = "0x1002"
_HOTTEST = ("junction", "edge")


@dataclass(slots=True)
class _Card:
    index: int
    device: Path
    bdf: str
    name: str
    uuid: str
    activity: Held[tuple[float | None, float | None]] = field(default_factory=Held)
    slow: Held[tuple[float | None, str]] = field(default_factory=Held)
    processes: HeldList[ProcessList] = field(default_factory=HeldList)


class AmdgpuSysfs:
    """All AMD GPUs that the amdgpu driver shows under ``/sys/class/drm``, one for each card.

    A card that is cut into partitions is one GPU here, since each partition reports the memory of
    the whole card.
    """

    def __init__(
        self,
        sys: Path = Path("/sys"),
        *,
        now: Callable[[], float] = time.monotonic,
        proc: Proc | None = None,
    ) -> None:
        self._drm = sys / "class/drm"
        self._now = now
        self._proc = proc or Proc()
        self._kfd = KfdNodes(sys / "class/kfd/kfd")
        self._cards: tuple[_Card, ...] = ()

    def sample(self, *, processes: bool) -> GpuSample:
        """Return all AMD GPUs; see `GpuSource`."""
        if not self._cards:
            self._cards = tuple(_cards(self._drm))
        if not self._cards:
            return GpuSample((), f"no amdgpu device under {self._drm}")
        now_s = self._now()
        return GpuSample(
            tuple(self._read(card, now_s, processes=processes) for card in self._cards)
        )

    def close(self) -> None:
        """Nothing is held."""

    def _read(self, card: _Card, now_s: float, *, processes: bool) -> Gpu:
        memory = read_memory(card.device)
        if processes:
            found = card.processes.read(now_s, memory.used_bytes, lambda: self._list(card, memory))
        else:
            found = card.processes.last(now_s) or ProcessList(None, NOT_ASKED)
        found = against_used(found, memory.used_bytes)
        busy, power = card.activity.read(now_s, ACTIVITY_S, lambda: _read_activity(card.device))
        celsius, partition = card.slow.read(
            now_s, SLOW_S, lambda: (_read_celsius(card.device), self._partition(card))
        )
        missing = {
            "busy_percent": (busy, "no gpu_busy_percent in sysfs (virtual machine guests lack it)"),
            "power_w": (power, "no power1_average or power1_input in hwmon"),
            "temperature_c": (celsius, "no junction or edge temperature in hwmon"),
            "throttled": (None, "sysfs does not say what limits the clocks"),
        }
        return Gpu(
            index=card.index,
            uuid=card.uuid,
            name=card.name,
            vendor="amd",
            memory=memory,
            busy_percent=busy,
            power_w=power,
            temperature_c=celsius,
            processes=found.processes,
            processes_reason=found.reason,
            reasons=tuple((name, why) for name, (value, why) in missing.items() if value is None),
            partition=partition,
            bdf=card.bdf,
        )

    def _list(self, card: _Card, memory: GpuMemory) -> ProcessList:
        if memory.unified:
            return ProcessList(None, "the kernel lists no process memory for a GPU in host memory")
        listed = self._kfd.process_memory(card.bdf)
        if isinstance(listed, str):
            return ProcessList(None, listed)
        return believed(listed.items(), memory.total_bytes, self._proc)

    def _partition(self, card: _Card) -> str:
        modes = [
            mode
            for name in ("current_compute_partition", "current_memory_partition")
            if (mode := _text(card.device / name)) not in (None, "UNKNOWN")
        ]
        count = self._kfd.partitions(card.bdf)
        many = f" · {count} partitions" if count > 1 else ""
        return "/".join(str(mode) for mode in modes) + many if modes else ""


def read_memory(device: Path) -> GpuMemory:
    """Return a card's memory from its ``mem_info`` files."""
    figures = AmdFigures(
        vram_total=_number(device / "mem_info_vram_total"),
        vram_used=_number(device / "mem_info_vram_used"),
        gtt_total=_number(device / "mem_info_gtt_total"),
        gtt_used=_number(device / "mem_info_gtt_used"),
    )
    return amd_memory(figures, "amdgpu sysfs")


def amd_devices(drm: Path) -> Iterator[Path]:
    """Yield the PCI folders of AMD's cards; reads only what the kernel itself answers."""
    for path in sorted(drm.glob("card[0-9]*"), key=_card_number):
        device = (path / "device").resolve()
        if path.name[4:].isdigit() and _text(device / "vendor") == _AMD:
            yield device


def _cards(drm: Path) -> Iterator[_Card]:
    seen: set[str] = set()
    for device in amd_devices(drm):
        bdf = same_card(device.name)
        if bdf not in seen:
            yield _Card(len(seen), device, bdf, _name(device), _uuid(device))
            seen.add(bdf)


def _card_number(path: Path) -> int:
    digits = path.name[4:]
    return int(digits) if digits.isdigit() else -1


def _name(device: Path) -> str:
    return _text(device / "product_name") or f"AMD GPU {_text(device / 'device') or ''}".strip()


def _uuid(device: Path) -> str:
    unique = _text(device / "unique_id")
    return f"GPU-{unique}" if unique else ""


def _read_activity(device: Path) -> tuple[float | None, float | None]:
    busy = _number(device / "gpu_busy_percent")
    microwatts = _first(device, ("power1_average", "power1_input"))
    return (
        None if busy is None or busy > 100 else float(busy),
        None if microwatts is None else microwatts / 1e6,
    )


def _read_celsius(device: Path) -> float | None:
    labelled = {
        _text(label): _number(label.with_name(label.name.replace("_label", "_input")))
        for label in device.glob("hwmon/hwmon*/temp*_label")
    }
    for name in _HOTTEST:
        millidegrees = labelled.get(name)
        if millidegrees is not None:
            return millidegrees / 1000
    return None


def _first(device: Path, names: tuple[str, ...]) -> int | None:
    for name in names:
        for path in sorted(device.glob(f"hwmon/hwmon*/{name}")):
            value = _number(path)
            if value is not None:
                return value
    return None


def _number(path: Path) -> int | None:
    text = _text(path)
    return int(text) if text is not None and text.isdigit() else None


def _text(path: Path) -> str | None:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return None
