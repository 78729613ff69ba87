"""Who holds which part of a GPU's memory.

The driver says how much is used and by which process; vLLM's log says what its own share is made
of. Each figure keeps to its source: what neither says is unknown, and what is left over is shown.
"""

from dataclasses import dataclass, replace
from typing import Literal, get_args

from backends.domain.format import GIB
from backends.domain.gpu import Gpu, GpuProcess
from backends.domain.start import RankMemory, StartMemory

PartName = Literal[
    "weights",
    "kv_cache",
    "cuda_graphs",
    "other_ours",
    "others",
    "unattributed",
    "reserved",
    "free",
]
"""The parts that tile the total, in the order in which a bar shows them; see `VramParts`."""

LOG_ROUNDING_BYTES = GIB // 8
"""By how much the log's parts may exceed what the driver reports.

vLLM rounds each part to 0.01 GiB, and the driver's list is up to a few seconds older.
"""

_NOT_SIZED = "vLLM has not sized the KV cache yet"
_NO_GRAPHS = "no CUDA graphs reported (eager mode, or not captured yet)"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of memory; a reason beside a known size says what is special about it."""

    size_bytes: int | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class VramParts:
    """The parts of one GPU's memory; those that are known never exceed the total.

    Where total and used are known, `weights`, `kv_cache`, `cuda_graphs`, `other_ours`, `others`,
    `unattributed`, `reserved` and `free` add up to the total, with unknown parts left out.

    Attributes:
        ours: all of the server's processes; weights, KV cache, CUDA graphs and `other_ours` are it.
        other_ours: activations, contexts, allocator slack; all of `ours` while that is not split.
        others: processes that are not the server's.
        unattributed: used, but listed for no process.
        reserved: held by the driver for itself.
    """

    total_bytes: int | None
    used_bytes: int | None
    ours: Part
    weights: Part
    kv_cache: Part
    cuda_graphs: Part
    other_ours: Part
    others: Part
    unattributed: Part
    reserved: Part
    free: Part

    def stack(self) -> tuple[tuple[PartName, Part], ...]:
        """Return the parts that tile the total, in the order in which a bar shows them."""
        return tuple((name, getattr(self, name)) for name in get_args(PartName))


@dataclass(frozen=True, slots=True)
class _Holders:
    ours: Part
    others: Part
    unattributed: Part


@dataclass(frozen=True, slots=True)
class _Split:
    weights: Part
    kv_cache: Part
    cuda_graphs: Part

    def size_bytes(self) -> int:
        return sum(_known(part) for part in (self.weights, self.kv_cache, self.cuda_graphs))


def vram_parts(
    gpu: Gpu,
    memory: StartMemory,
    server_pids: frozenset[int],
    *,
    rank: int | None = None,
    used_before_start_bytes: int | None = None,
    server_is_here: bool = False,
) -> VramParts:
    """Return the parts of one GPU's memory.

    Args:
        gpu: one sample.
        memory: what vLLM's log said of the server's parts.
        server_pids: every process of the server; empty when none runs.
        rank: which rank's figures of `memory` belong to this GPU; None for the largest.
        used_before_start_bytes: what was used just before the server was launched. Stands in for
            a process list that cannot be had.
        server_is_here: it is known otherwise that the server computes on this GPU, for example
            because it is the only one. Without this, and without knowing what the server's
            processes hold, the log's parts are not laid into memory that may be somebody else's.
    """
    total, used, reason = _trusted(gpu)
    holders = _holders(gpu, server_pids, total, used, used_before_start_bytes)
    if holders.ours.size_bytes is None and not server_is_here:
        split = _unsplit(f"whose memory it is, is not known: {holders.ours.reason}")
    else:
        split = _split(memory, rank, _room(holders, total))
    other_ours = _rest(holders.ours, split.size_bytes())
    unattributed = holders.unattributed
    if holders.ours.size_bytes is None and unattributed.size_bytes is not None:
        rest = unattributed.size_bytes - split.size_bytes()
        unattributed = replace(unattributed, size_bytes=rest)
    reserved, free, host = _unused(gpu, total, used, reason)
    if host and unattributed.size_bytes is not None:
        together = unattributed.size_bytes + host
        unattributed = Part(together, "held by the host's own programs")
    return VramParts(
        total_bytes=total,
        used_bytes=used,
        ours=holders.ours,
        weights=split.weights,
        kv_cache=split.kv_cache,
        cuda_graphs=split.cuda_graphs,
        other_ours=other_ours,
        others=holders.others,
        unattributed=unattributed,
        reserved=reserved,
        free=free,
    )


def impossible_use(used_bytes: int, total_bytes: int) -> str:
    """Return the sentence for a driver that says more is used than there is."""
    used_gib, total_gib = used_bytes / GIB, total_bytes / GIB
    return f"the driver says {used_gib:.1f} of {total_gib:.1f} GiB are used"


def _trusted(gpu: Gpu) -> tuple[int | None, int | None, str]:
    total, used = gpu.memory.total_bytes, gpu.memory.used_bytes
    if total is not None and used is not None and used > total:
        return total, None, impossible_use(used, total)
    return total, used, gpu.memory.reason or "the driver does not say how much is used"


def _holders(
    gpu: Gpu, server_pids: frozenset[int], total: int | None, used: int | None, before: int | None
) -> _Holders:
    ours, others = _listed(gpu, server_pids)
    if used is not None and ours.size_bytes is None and before is not None:
        estimate = max(0, used - before)
        ours = Part(estimate, "estimated: used now less used before the start")
        others = Part(used - estimate, "estimated: used before the start")
        return _Holders(ours, others, Part(0))
    most = total if used is None else used
    if most is not None:
        ours = _at_most(ours, most)
        others = _at_most(others, most - _known(ours))
    if used is None:
        return _Holders(ours, others, Part(None, _trusted(gpu)[2]))
    left = used - _known(ours) - _known(others)
    unknown = ours.reason if ours.size_bytes is None else others.reason
    return _Holders(ours, others, Part(left, unknown))


def _listed(gpu: Gpu, server_pids: frozenset[int]) -> tuple[Part, Part]:
    if gpu.processes is None:
        unknown = Part(None, gpu.processes_reason)
        return (unknown if server_pids else Part(0)), unknown
    mine = [each for each in gpu.processes if each.pid in server_pids]
    foreign = [each for each in gpu.processes if each.pid not in server_pids]
    if server_pids and not mine and gpu.processes_reason:
        return Part(None, gpu.processes_reason), _sum(foreign, gpu.processes_reason)
    return _sum(mine, ""), _sum(foreign, gpu.processes_reason)


def _sum(processes: list[GpuProcess], reason: str) -> Part:
    sizes = [each.used_bytes for each in processes]
    if None in sizes:
        return Part(None, "the driver gives no memory for at least one process")
    if reason and not processes:
        return Part(None, reason)
    return Part(sum(size or 0 for size in sizes), reason)


def _at_most(part: Part, limit: int) -> Part:
    if part.size_bytes is None or part.size_bytes <= limit:
        return part
    return Part(limit, "the processes together are said to hold more than is used")


def _room(holders: _Holders, total: int | None) -> int | None:
    """Return the most the server can hold: what it does hold, or else what is no one else's."""
    if holders.ours.size_bytes is not None:
        return holders.ours.size_bytes
    if holders.unattributed.size_bytes is not None:
        return holders.unattributed.size_bytes
    return None if total is None else total - _known(holders.others)


def _split(memory: StartMemory, rank: int | None, room: int | None) -> _Split:
    """Return the log's parts where they fit into `room`, else none of them."""
    own = next((each for each in memory.ranks if each.rank == rank), RankMemory(rank or 0))
    weights = _logged(own.weights_gib, memory.weights_gib, "vLLM has not reported its weights")
    kv_cache = _logged(own.kv_cache_gib, memory.kv_cache_gib, _NOT_SIZED)
    graphs = _logged(own.cuda_graphs_gib, memory.cuda_graphs_gib, _NO_GRAPHS)
    if kv_cache.size_bytes is None:
        return _unsplit(_NOT_SIZED)
    split = _Split(weights, kv_cache, graphs)
    if room is None or split.size_bytes() <= room:
        return split
    excess = split.size_bytes() - room
    if excess <= min(LOG_ROUNDING_BYTES, kv_cache.size_bytes):
        fitted = Part(kv_cache.size_bytes - excess, "rounded to what the driver reports")
        return replace(split, kv_cache=fitted)
    return _unsplit(
        f"vLLM reported {split.size_bytes() / GIB:.2f} GiB but {room / GIB:.2f} GiB are held "
        "(asleep, ending, or not on this GPU)"
    )


def _logged(own_gib: float | None, largest_gib: float | None, missing: str) -> Part:
    gib = largest_gib if own_gib is None else own_gib
    if gib is not None and gib < 0:
        # vLLM prints a difference of two readings, which another process can turn negative.
        return Part(None, f"vLLM reported {gib:.2f} GiB, which no part can be")
    return Part(None, missing) if gib is None else Part(round(gib * GIB))


def _unsplit(reason: str) -> _Split:
    return _Split(Part(None, reason), Part(None, reason), Part(None, reason))


def _rest(ours: Part, split_bytes: int) -> Part:
    if ours.size_bytes is None:
        return ours
    return Part(ours.size_bytes - split_bytes, ours.reason)


def _unused(gpu: Gpu, total: int | None, used: int | None, reason: str) -> tuple[Part, Part, int]:
    """Return the driver's reserve, what is free, and what a host that shares memory uses itself."""
    if total is None or used is None:
        return Part(None, reason), Part(None, reason), 0
    left = total - used
    if gpu.memory.unified:
        available = gpu.memory.host_available_bytes
        free = left if available is None else min(available, left)
        return Part(None, "the memory is the host's"), Part(free), left - free
    if gpu.memory.reserved_bytes is None:
        return Part(None, f"{gpu.memory.source} does not tell it apart"), Part(left), 0
    reserved = min(gpu.memory.reserved_bytes, left)
    return Part(reserved), Part(left - reserved), 0


def _known(part: Part) -> int:
    return part.size_bytes or 0
