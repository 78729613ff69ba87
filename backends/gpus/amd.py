"""AMD GPUs: the kernel's files, and AMD's binding for what they do not say."""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Protocol

from backends.domain.gpu import Gpu, GpuMemory, GpuSample
from backends.gpus.amd_memory import AmdFigures, amd_memory
from backends.gpus.amdsmi_readings import Answer, Reading
from backends.gpus.cache import HeldList
from backends.gpus.kfd import same_card
from backends.gpus.proc import Proc
from backends.gpus.process_list import NAMESPACE, NOT_ASKED, ProcessList, against_used, believed
from backends.gpus.source import GpuSource

_FIGURES = ("busy_percent", "power_w", "temperature_c")


class Sampler(Protocol):
    """What gives the binding's readings, or None and why."""

    reason: str

    def sample(self, *, processes: bool, wait: bool = True) -> Answer | None:
        """Return readings, or None."""
        ...

    def close(self) -> None:
        """End it."""
        ...


class AmdGpus:
    """AMD's GPUs from sysfs; the binding is started only for what sysfs leaves open."""

    def __init__(
        self,
        sysfs: GpuSource,
        binding: Sampler,
        proc: Proc,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sysfs = sysfs
        self._binding = binding
        self._proc = proc
        self._now = now
        self._lists: dict[str, HeldList[ProcessList]] = {}

    def sample(self, *, processes: bool) -> GpuSample:
        """Return all AMD GPUs; see `GpuSource`."""
        found = self._sysfs.sample(processes=processes)
        if found.gpus and not any(_open_figures(gpu) for gpu in found.gpus):
            return found
        answer = self._binding.sample(processes=processes, wait=not found.gpus)
        if answer is None:
            return replace(
                found,
                gpus=tuple(_with_word(gpu, self._binding.reason) for gpu in found.gpus),
                reason=_and(found.reason, self._binding.reason) if not found.gpus else "",
            )
        cards = _by_card(answer.readings)
        pairs = [(gpu, cards.pop(gpu.bdf, None)) for gpu in found.gpus]
        pairs += [
            (_from_reading(len(pairs) + number, reading), reading)
            for number, reading in enumerate(cards.values())
        ]
        gpus = tuple(
            gpu if reading is None else self._completed(gpu, reading, processes=processes)
            for gpu, reading in pairs
        )
        return GpuSample(gpus, "" if gpus else _and(found.reason, "AMD's binding finds no GPU"))

    def close(self) -> None:
        """End the child process."""
        self._sysfs.close()
        self._binding.close()

    def _completed(self, gpu: Gpu, reading: Reading, *, processes: bool) -> Gpu:
        filled = {
            name: getattr(reading, name)
            for name in _FIGURES
            if getattr(gpu, name) is None and getattr(reading, name) is not None
        }
        told = dict(reading.reasons)
        reasons = tuple(
            (name, told.get(name, reason)) for name, reason in gpu.reasons if name not in filled
        )
        memory = gpu.memory if gpu.memory.used_bytes is not None else _memory(reading)
        if memory.used_bytes is None:
            memory = gpu.memory
        gpu = replace(gpu, memory=memory, reasons=reasons, **filled)
        if gpu.processes is not None or gpu.processes_reason == NAMESPACE:
            return gpu
        listed = self._listed(gpu, reading, processes=processes)
        listed = against_used(listed, gpu.memory.used_bytes)
        return replace(gpu, processes=listed.processes, processes_reason=listed.reason)

    def _listed(self, gpu: Gpu, reading: Reading, *, processes: bool) -> ProcessList:
        held = self._lists.setdefault(gpu.bdf, HeldList())
        if not processes:
            return held.last(self._now()) or ProcessList(None, NOT_ASKED)

        def read() -> ProcessList:
            if reading.processes is None:
                return ProcessList(None, dict(reading.reasons).get("processes", NOT_ASKED))
            return believed(reading.processes, gpu.memory.total_bytes, self._proc)

        return held.read(self._now(), gpu.memory.used_bytes, read)


def _open_figures(gpu: Gpu) -> list[str]:
    figures = [name for name in _FIGURES if getattr(gpu, name) is None]
    return figures if gpu.memory.used_bytes is not None else [*figures, "memory"]


def _with_word(gpu: Gpu, reason: str) -> Gpu:
    reasons = tuple(
        (name, _and(why, reason) if name in _FIGURES else why) for name, why in gpu.reasons
    )
    return replace(gpu, reasons=reasons)


def _by_card(readings: Iterable[Reading]) -> dict[str, Reading]:
    """Return the first reading of each card, since every partition repeats the whole card's."""
    cards: dict[str, Reading] = {}
    for reading in readings:
        cards.setdefault(same_card(reading.bdf), reading)
    return cards


def _from_reading(index: int, reading: Reading) -> Gpu:
    return Gpu(
        index=index,
        uuid=f"GPU-{reading.uuid}" if reading.uuid else "",
        name=reading.name or f"AMD GPU {index}",
        vendor="amd",
        memory=_memory(reading),
        reasons=tuple(
            (name, "AMD's binding does not report it") for name in (*_FIGURES, "throttled")
        ),
        partition=reading.partition,
        bdf=same_card(reading.bdf),
    )


def _memory(reading: Reading) -> GpuMemory:
    figures = AmdFigures(reading.vram_total, reading.vram_used, reading.gtt_total, reading.gtt_used)
    return amd_memory(figures, "amdsmi")


def _and(one: str, other: str) -> str:
    return "; ".join(part for part in (one, other) if part)
