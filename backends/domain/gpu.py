"""The values of one GPU sample: memory, activity and the processes on it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GpuMemory:
    """The memory of one GPU, in bytes.

    Attributes:
        used_bytes: held by processes; without what the driver reserves where the source tells them
            apart. None when unknown, with the reason in `reason`.
        reserved_bytes: held by the driver itself, None where the source does not say.
        unified: the GPU shares the host's memory.
        source: which call or file the figures come from, for example ``nvml memory v2``.
        host_available_bytes: what the host could still give, only for a GPU that shares its memory.
    """

    total_bytes: int | None
    used_bytes: int | None
    reserved_bytes: int | None
    unified: bool
    source: str
    reason: str = ""
    host_available_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class GpuProcess:
    """One process that holds memory on a GPU.

    Attributes:
        owner: a server's name, ``other`` or empty.
        whose: of one that is no server's, its user and what runs it, as in ``of user alice, in
            docker container 3f2a``; empty where nobody looked.
    """

    pid: int
    name: str
    used_bytes: int | None
    owner: str = ""
    whose: str = ""


@dataclass(frozen=True, slots=True)
class Gpu:
    """One sample of one GPU.

    Attributes:
        vendor: ``nvidia``, ``amd``, or ``host`` where a server computes on the CPU.
        busy_percent: share of time in which any kernel ran; not how much of the GPU is used.
        reasons: why a figure is None, as field name and sentence.
        processes_reason: why `processes` is None or may be incomplete.
        partition: how the card is cut, for example ``CPX/NPS1 · 8 partitions`` or ``MIG 0``.
        bdf: its place on the PCI bus, ``0000:c1:00.0``; empty when unknown.
        throttled: what slows its clocks now, empty for nothing, None when unknown.
    """

    index: int
    uuid: str
    name: str
    vendor: str
    memory: GpuMemory
    busy_percent: float | None = None
    power_w: float | None = None
    temperature_c: float | None = None
    processes: tuple[GpuProcess, ...] | None = None
    processes_reason: str = ""
    reasons: tuple[tuple[str, str], ...] = ()
    partition: str = ""
    bdf: str = ""
    throttled: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class GpuSample:
    """All GPUs of a host at one instant; `reason` says why there are none."""

    gpus: tuple[Gpu, ...]
    reason: str = ""
