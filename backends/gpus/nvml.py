"""NVIDIA GPUs through NVML, the driver's own library, by NVIDIA's binding ``nvidia-ml-py``.

There is no way around the library: ``nvidia-smi`` loads the same one, and fails where it does. A
GPU's Xid errors stand only in the kernel's log, which most users may not read, and the sentence
about a lost GPU names the command; energy changes no verdict on a rented GPU, and is not asked.
"""

import ctypes
import time
from collections.abc import Callable, Iterator
from typing import Any

import pynvml

from backends.domain.gpu import Gpu, GpuMemory, GpuSample
from backends.gpus.cache import Held
from backends.gpus.nvml_calls import LOST, Unavailable, ask
from backends.gpus.nvml_device import NvmlDevice
from backends.gpus.proc import Proc

NO_LIBRARY = pynvml.NVML_ERROR_LIBRARY_NOT_FOUND

REOPEN_S = 60.0
"""How often the driver is opened anew while a GPU is lost: a reset brings it back as another."""

REFUSED_S = 5.0
"""How often a driver that refuses is asked again; each time it may try to load its module."""

_MIG_ON = 1
_MOST_GPUS = 1024


class NvmlGpus:
    """All NVIDIA GPUs and MIG devices; a card that is cut into MIG devices is shown as those.

    The driver is first spoken to by `sample`, so that a wedged one can block only its caller.
    """

    def __init__(self, *, now: Callable[[], float] = time.monotonic, proc: Proc | None = None):
        self._now = now
        self._proc = proc or Proc()
        self._found: tuple[NvmlDevice | Gpu, ...] | None = None
        self._opened_s = 0.0
        self._opening: Held[tuple[NvmlDevice | Gpu, ...] | str] = Held()
        self.missing = False
        """Whether the host has no NVIDIA driver at all, which is no failure."""

    def sample(self, *, processes: bool) -> GpuSample:
        """Return all NVIDIA GPUs; see `GpuSource`."""
        now_s = self._now()
        if self._found is None:
            opened = self._opening.read(now_s, REFUSED_S, self._open)
            if isinstance(opened, str):
                return GpuSample((), opened)
            self._found, self._opened_s, self._opening = opened, now_s, Held()
        gpus = tuple(
            each if isinstance(each, Gpu) else each.read(now_s, processes=processes)
            for each in self._found
        )
        if now_s - self._opened_s >= REOPEN_S and any(gpu.memory.reason in LOST for gpu in gpus):
            self.close()
        return GpuSample(gpus, "" if gpus else "the NVIDIA driver is loaded but finds no GPU")

    def close(self) -> None:
        """End the connection to the driver."""
        if self._found is not None:
            self._found = None
            ask("nvmlShutdown")

    def _open(self) -> tuple[NvmlDevice | Gpu, ...] | str:
        """Connect to the driver and return its GPUs, or why that is not possible."""
        refused = ask("nvmlInit")
        if isinstance(refused, Unavailable):
            broken = _library_fault() if refused.code == NO_LIBRARY else ""
            self.missing = refused.code == NO_LIBRARY and not broken
            return broken or refused.reason
        count = ask("nvmlDeviceGetCount")
        if isinstance(count, Unavailable):
            return str(count.reason)
        if count > _MOST_GPUS:
            return f"the driver counts {count} GPUs, which cannot be"
        return tuple(each for index in range(count) for each in self._find(index))

    def _find(self, index: int) -> Iterator[NvmlDevice | Gpu]:
        card = ask("nvmlDeviceGetHandleByIndex", index)
        if isinstance(card, Unavailable):
            yield _unreachable(index, card.reason)
            return
        slices = tuple(_mig_handles(card))
        if not slices:
            yield self._device(index, card, card, "")
        for number, handle in slices:
            yield self._device(index, handle, card, f"MIG {number}")

    def _device(self, index: int, handle: Any, card: Any, partition: str) -> NvmlDevice:
        pci = ask("nvmlDeviceGetPciInfo", card)
        return NvmlDevice(
            index=index,
            handle=handle,
            card=card,
            uuid=_text(ask("nvmlDeviceGetUUID", handle), ""),
            name=_text(ask("nvmlDeviceGetName", handle), f"NVIDIA GPU {index}"),
            bdf="" if isinstance(pci, Unavailable) else _bdf(_text(pci.busId, "")),
            partition=partition,
            proc=self._proc,
        )


def _library_fault() -> str:
    """Return what is wrong with a library that is there and does not load, empty if it is not.

    An empty file in its place is what images built beside a GPU leave behind.
    """
    try:
        ctypes.CDLL("libnvidia-ml.so.1")
    except OSError as error:
        if "No such file" in str(error):
            return ""
        return f"the NVIDIA driver library does not load: {error}; reinstall the driver"
    return ""


def _mig_handles(card: Any) -> Iterator[tuple[int, Any]]:
    mode = ask("nvmlDeviceGetMigMode", card)
    if isinstance(mode, Unavailable) or mode[0] != _MIG_ON:
        return
    most = ask("nvmlDeviceGetMaxMigDeviceCount", card)
    for number in range(0 if isinstance(most, Unavailable) else most):
        handle = ask("nvmlDeviceGetMigDeviceHandleByIndex", card, number)
        if not isinstance(handle, Unavailable):
            yield number, handle


def _unreachable(index: int, reason: str) -> Gpu:
    memory = GpuMemory(None, None, None, unified=False, source="nvml", reason=reason)
    figures = ("busy_percent", "power_w", "temperature_c", "throttled")
    return Gpu(
        index=index,
        uuid="",
        name=f"NVIDIA GPU {index}",
        vendor="nvidia",
        memory=memory,
        processes_reason=reason,
        reasons=tuple((name, reason) for name in figures),
    )


def _text(value: Any, otherwise: str) -> str:
    if isinstance(value, Unavailable):
        return otherwise
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _bdf(bus_id: str) -> str:
    """Return NVML's ``00000000:C1:00.0`` as the kernel writes it."""
    domain, _, rest = bus_id.partition(":")
    return f"{domain[-4:]}:{rest}".lower() if rest else ""
