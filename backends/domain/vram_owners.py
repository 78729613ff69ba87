"""Whose process it is that holds memory on a GPU, and which GPU is whose."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from backends.domain.gpu import Gpu, GpuSample
from backends.domain.server import Server


def rank_on(gpu: Gpu, server_pids: frozenset[int]) -> int | None:
    """Return the tensor-parallel rank whose worker holds memory on a GPU, None if not told.

    vLLM names its workers ``VLLM::Worker_TP1``; with pipeline parallelism the tensor-parallel
    number alone does not name the rank.
    """
    for process in gpu.processes or ():
        found = re.search(r"Worker(?:_DP\d+)?_TP(\d+)", process.name)
        if found and process.pid in server_pids:
            return int(found[1])
    return None


def with_owners(
    sample: GpuSample,
    servers: Mapping[str, frozenset[int]],
    whose: Mapping[int, str] | None = None,
) -> GpuSample:
    """Return the sample with each process's `owner`: a server's name by its pids, or ``other``.

    Args:
        sample: the GPUs with their processes.
        servers: the processes of each server, by its name.
        whose: in words whose the processes of no server are, by pid.
    """
    names = {pid: name for name, pids in servers.items() for pid in pids}
    words = whose or {}

    def owned(gpu: Gpu) -> Gpu:
        if gpu.processes is None:
            return gpu
        told = (
            replace(each, owner=names.get(each.pid, "other"), whose=words.get(each.pid, ""))
            for each in gpu.processes
        )
        return replace(gpu, processes=tuple(told))

    return replace(sample, gpus=tuple(owned(gpu) for gpu in sample.gpus))


@dataclass(frozen=True, slots=True)
class Held:
    """What one server holds on GPUs.

    Attributes:
        gpus: their numbers.
        used_bytes: on all of them together, None where no driver says.
        reason: why it is None.
    """

    gpus: tuple[int, ...] = ()
    used_bytes: int | None = None
    reason: str = "no GPU was asked"


def held_by(server: str, sample: GpuSample | None) -> Held:
    """Return what a server holds, by a sample in which each process has its owner."""
    if sample is None or not sample.gpus:
        return Held(reason=(sample.reason if sample else "") or "no GPU was found")
    unlisted = [gpu for gpu in sample.gpus if gpu.processes is None]
    if len(unlisted) == len(sample.gpus):
        return Held(reason=unlisted[0].processes_reason)
    own = [
        (gpu, process)
        for gpu in sample.gpus
        for process in gpu.processes or ()
        if process.owner == server
    ]
    if not own:
        return Held(reason="no process of it is in the drivers' lists")
    sizes = [process.used_bytes for _, process in own]
    indices = tuple(sorted({gpu.index for gpu, _ in own}))
    if None in sizes:
        return Held(indices, None, own[0][0].processes_reason or "the driver does not say how much")
    return Held(indices, sum(size or 0 for size in sizes), "")


def with_survivor_memory(server: Server, sample: GpuSample | None) -> Server:
    """Return a server whose survivors carry what they hold on all GPUs, None where none says."""
    held: dict[int, int | None] = {}
    for gpu in sample.gpus if sample else ():
        for process in gpu.processes or ():
            before = held.get(process.pid, 0)
            known = before is not None and process.used_bytes is not None
            held[process.pid] = (before or 0) + (process.used_bytes or 0) if known else None
    told = tuple(
        replace(each, vram_bytes=held.get(each.process.pid, each.vram_bytes))
        for each in server.survivors
    )
    return server if told == server.survivors else replace(server, survivors=told)
