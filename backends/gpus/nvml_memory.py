"""The memory of one NVIDIA GPU, and the GPUs and drivers on which the plain call is wrong.

Version 1 of the call counts what the driver reserves for itself as used, version 2 tells it apart
and agrees with ``nvidia-smi``. GPUs that share the host's memory (GB10) answer "not supported" or
repeat the host's figures; theirs is the sum over processes.
"""

from typing import Any

import pynvml

from backends.domain.format import GIB
from backends.domain.gpu import GpuMemory
from backends.domain.vram import impossible_use
from backends.gpus.nvml_calls import TOO_OLD, Unavailable, ask
from backends.gpus.proc import HostFigures
from backends.gpus.process_list import ProcessList

_LEAST_SHARE_OF_HOST = 0.9

_OWN_MEMORY_GIB = {"GH200": 144, "GB200": 192, "GB300": 288}
"""The most memory of its own that a card beside a Grace processor was built with."""

_MORE_THAN_OWN = 1.2


def ask_memory(handle: Any) -> tuple[Any, str]:
    """Return the driver's answer (or `Unavailable`) and the name of the call that gave it."""
    answer = ask("nvmlDeviceGetMemoryInfo", handle, pynvml.nvmlMemory_v2)
    if isinstance(answer, Unavailable) and answer.code in TOO_OLD:
        return ask("nvmlDeviceGetMemoryInfo", handle), "nvml memory v1"
    return answer, "nvml memory v2"


def is_unified(answer: Any, host: HostFigures) -> bool:
    """Return whether an answer is that of a GPU without memory of its own.

    A total near the host's is no proof: a host may have as much memory as its card. A card of its
    own has memory reserved by the driver, or more of it than the host has.
    """
    if isinstance(answer, Unavailable):
        return bool(answer.code == pynvml.NVML_ERROR_NOT_SUPPORTED)
    if answer.total == 0:
        return True
    if host.total_bytes is None or _reserved(answer) != 0:
        return False
    return bool(_LEAST_SHARE_OF_HOST <= answer.total / host.total_bytes <= 1.0)


def dedicated_memory(answer: Any, source: str, name: str) -> GpuMemory:
    """Return the memory of a card with its own, or why it is unknown."""
    if isinstance(answer, Unavailable):
        return GpuMemory(None, None, None, unified=False, source=source, reason=answer.reason)
    if answer.used > answer.total:
        reason = impossible_use(answer.used, answer.total)
        return GpuMemory(answer.total, None, None, unified=False, source=source, reason=reason)
    v1 = source.endswith("v1")
    remarks = ["this driver counts its own reserve as used"] if v1 else []
    if _counts_the_hosts(answer.total, name):
        remarks.append("the total is more than the card has: the host's memory is counted too")
    return GpuMemory(
        total_bytes=answer.total,
        used_bytes=answer.used,
        reserved_bytes=None if v1 else answer.reserved,
        unified=False,
        source=source,
        reason="; ".join(remarks),
    )


def unified_memory(found: ProcessList, host: HostFigures) -> GpuMemory:
    """Return the memory of a GPU that shares the host's: the sum over its processes."""
    reason = ""
    if found.listed_bytes is None:
        reason = found.reason or "the driver gives no memory per process"
    elif not found.processes:
        reason = "only processes that the driver lists are counted; it lists none visible here"
    return GpuMemory(
        total_bytes=host.total_bytes,
        used_bytes=found.listed_bytes,
        reserved_bytes=None,
        unified=True,
        source="sum of nvml process memory; total is the host's",
        reason=reason,
        host_available_bytes=host.available_bytes,
    )


def _counts_the_hosts(total_bytes: int, name: str) -> bool:
    own_gib = next((gib for chip, gib in _OWN_MEMORY_GIB.items() if chip in name), None)
    return own_gib is not None and total_bytes / GIB > _MORE_THAN_OWN * own_gib


def _reserved(answer: Any) -> int:
    reserved: int | None = getattr(answer, "reserved", None)
    return reserved or 0
