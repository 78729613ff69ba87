"""One NVIDIA GPU or MIG device: what it is, read once, and how it does now."""

from dataclasses import dataclass, field
from typing import Any

import pynvml

from backends.domain.gpu import Gpu, GpuMemory
from backends.gpus.cache import ACTIVITY_S, SLOW_S, Held, HeldList
from backends.gpus.nvml_calls import TOO_OLD, Unavailable, ask
from backends.gpus.nvml_memory import ask_memory, dedicated_memory, is_unified, unified_memory
from backends.gpus.proc import Proc
from backends.gpus.process_list import NOT_ASKED, ProcessList, against_used, believed

_THROTTLES = {
    pynvml.nvmlClocksEventReasonSwPowerCap: "power cap",
    pynvml.nvmlClocksEventReasonHwSlowdown: "hardware slowdown",
    pynvml.nvmlClocksEventReasonSwThermalSlowdown: "thermal (software)",
    pynvml.nvmlClocksEventReasonHwThermalSlowdown: "thermal (hardware)",
    pynvml.nvmlClocksEventReasonHwPowerBrakeSlowdown: "power brake",
}
_NORMAL = (
    pynvml.nvmlClocksEventReasonGpuIdle
    | pynvml.nvmlClocksEventReasonApplicationsClocksSetting
    | pynvml.nvmlClocksEventReasonSyncBoost
    | pynvml.nvmlClocksEventReasonDisplayClockSetting
)
_WHOLE_CARD = Unavailable(0, "measured for the whole card only, not for a MIG device")

_MOST_BUSY, _MOST_POWER_W, _MOST_CELSIUS = 100, 5000, 150

Value = float | tuple[str, ...] | Unavailable | None


@dataclass(slots=True)
class NvmlDevice:
    """A handle with its fixed figures, and the readings that are kept for a while.

    Attributes:
        card: the handle of the card a MIG device is cut from; equal to `handle` for a card.
    """

    index: int
    handle: Any
    card: Any
    uuid: str
    name: str
    bdf: str
    partition: str
    proc: Proc
    _activity: Held[tuple[Value, Value]] = field(default_factory=Held)
    _slow: Held[tuple[Value, Value]] = field(default_factory=Held)
    _processes: HeldList[ProcessList] = field(default_factory=HeldList)

    def read(self, now_s: float, *, processes: bool) -> Gpu:
        """Return the GPU as it is at `now_s` on the monotonic clock."""
        memory, found = self._memory_and_processes(now_s, processes=processes)
        busy, power = self._activity.read(now_s, ACTIVITY_S, self._read_activity)
        temperature, throttled = self._slow.read(now_s, SLOW_S, self._read_slow)
        figures = {
            "busy_percent": busy,
            "power_w": power,
            "temperature_c": temperature,
            "throttled": throttled,
        }
        known: dict[str, Any] = {
            name: None if isinstance(value, Unavailable) else value
            for name, value in figures.items()
        }
        return Gpu(
            index=self.index,
            uuid=self.uuid,
            name=self.name,
            vendor="nvidia",
            memory=memory,
            processes=found.processes,
            processes_reason=found.reason,
            reasons=tuple(
                (name, value.reason)
                for name, value in figures.items()
                if isinstance(value, Unavailable)
            ),
            partition=self.partition,
            bdf=self.bdf,
            **known,
        )

    def _memory_and_processes(
        self, now_s: float, *, processes: bool
    ) -> tuple[GpuMemory, ProcessList]:
        answer, source = ask_memory(self.handle)
        host = self.proc.host_memory()
        if self.handle is self.card and is_unified(answer, host):
            found = self._list(now_s, GpuMemory(host.total_bytes, None, None, True, source))
            return unified_memory(found, host), found
        memory = dedicated_memory(answer, source, self.name)
        if processes:
            found = self._list(now_s, memory)
        else:
            found = self._processes.last(now_s) or ProcessList(None, NOT_ASKED)
        return memory, against_used(found, memory.used_bytes)

    def _list(self, now_s: float, memory: GpuMemory) -> ProcessList:
        return self._processes.read(
            now_s,
            memory.used_bytes,
            lambda: _list_processes(self.handle, memory.total_bytes, self.proc),
        )

    def _read_activity(self) -> tuple[Value, Value]:
        if self.handle is not self.card:
            return _WHOLE_CARD, _WHOLE_CARD
        busy = ask("nvmlDeviceGetUtilizationRates", self.handle)
        power_mw = ask("nvmlDeviceGetPowerUsage", self.handle)
        return (
            busy if isinstance(busy, Unavailable) else _at_most(_MOST_BUSY, busy.gpu, "%"),
            power_mw
            if isinstance(power_mw, Unavailable)
            else _at_most(_MOST_POWER_W, power_mw / 1000, "W"),
        )

    def _read_slow(self) -> tuple[Value, Value]:
        celsius = ask("nvmlDeviceGetTemperatureV", self.card, pynvml.NVML_TEMPERATURE_GPU)
        if isinstance(celsius, Unavailable) and celsius.code in TOO_OLD:
            celsius = ask("nvmlDeviceGetTemperature", self.card, pynvml.NVML_TEMPERATURE_GPU)
        bits = ask("nvmlDeviceGetCurrentClocksEventReasons", self.card)
        if isinstance(bits, Unavailable) and bits.code in TOO_OLD:
            bits = ask("nvmlDeviceGetCurrentClocksThrottleReasons", self.card)
        return (
            celsius if isinstance(celsius, Unavailable) else _at_most(_MOST_CELSIUS, celsius, "°C"),
            bits if isinstance(bits, Unavailable) else throttle_words(bits),
        )


def _at_most(limit: float, value: float, unit: str) -> float | Unavailable:
    """Return a figure unless it is garbage, which a broken driver may give without an error."""
    if 0 <= value <= limit:
        return float(value)
    return Unavailable(0, f"the driver says {value:.0f} {unit}, which cannot be")


def throttle_words(bits: int) -> tuple[str, ...]:
    """Return what slows the clocks, from NVML's bit mask; bits without a word as hexadecimal."""
    words = [word for bit, word in _THROTTLES.items() if bits & bit]
    unknown = bits & ~_NORMAL & ~sum(_THROTTLES)
    return (*words, f"0x{unknown:x}") if unknown else tuple(words)


def _list_processes(handle: Any, total_bytes: int | None, proc: Proc) -> ProcessList:
    computing = ask("nvmlDeviceGetComputeRunningProcesses_v3", handle)
    if isinstance(computing, Unavailable):
        return ProcessList(None, computing.reason)
    drawing = ask("nvmlDeviceGetGraphicsRunningProcesses_v3", handle)
    listed = [*computing, *([] if isinstance(drawing, Unavailable) else drawing)]
    return believed(((each.pid, each.usedGpuMemory) for each in listed), total_bytes, proc)
