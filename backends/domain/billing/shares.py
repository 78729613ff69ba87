"""What each server of a host is charged of its bill: by the GPUs that it holds memory on.

On a GPU that several hold memory on, each is charged by how much. A GPU that none holds is charged
to none, and what nobody could see stays apart as well: the parts and both rests tile the time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from backends.domain.billing.meter import Activity, MeterState, advance_meter
from backends.domain.gpu import Gpu, GpuSample
from backends.domain.server import Server

NOBODY = ""
"""In the place of a server: what no server holds."""

Holds = Mapping[str, float]
"""Which part of the GPUs of a host each server holds, `NOBODY` the rest; they add up to at most 1,
and to less where it cannot be seen who holds a GPU."""


@dataclass(frozen=True, slots=True)
class Share:
    """The seconds of the whole host that one server is charged, or `NOBODY`, by its activity."""

    server: str
    meter: MeterState

    @property
    def charged_s(self) -> float:
        """All of them."""
        one = self.meter
        return one.serving_s + one.idle_s + one.starting_s + one.stopped_s + one.unwatched_s


def holds_of(sample: GpuSample, servers: Iterable[Server]) -> Holds:
    """Return who holds which part of the GPUs.

    Args:
        sample: the GPUs, each process with its owner.
        servers: all servers of this host.
    """
    known = tuple(servers)
    running = [one.name for one in known if one.pid is not None]
    holders = {*running, *(one.name for one in known if one.survivors)}
    # A server that is alone is what the host is rented for, whatever can be seen of its memory.
    alone = running[0] if len(running) == 1 else ""
    cards = [one for one in sample.gpus if one.vendor != "host"] or list(sample.gpus)
    if not cards:
        return {alone: 1.0} if alone else {}
    slices: dict[int, int] = {}
    for one in cards:
        slices[one.index] = slices.get(one.index, 0) + 1
    found: dict[str, float] = {}
    for one in cards:
        weight = 1.0 / len(slices) / slices[one.index]
        for server, part in _held(one, holders, alone).items():
            found[server] = found.get(server, 0.0) + weight * part
    return found


def with_share(
    shares: tuple[Share, ...],
    seconds: float,
    holds: Holds,
    activities: Mapping[str, Activity],
) -> tuple[Share, ...]:
    """Return the shares with some more time of the host, charged to those who hold its GPUs."""
    if seconds <= 0 or not holds:
        return shares
    known = {one.server: one for one in shares}
    for server, part in holds.items():
        share = known.get(server) or Share(server, MeterState("given", 0.0, 0.0))
        began = replace(share.meter, last_s=0.0)
        did = activities.get(server, "idle" if server == NOBODY else "stopped")
        known[server] = Share(server, advance_meter(began, seconds * part, did))
    return tuple(known[name] for name in sorted(known))


def _held(gpu: Gpu, holders: set[str], alone: str) -> Holds:
    """Return who holds which part of one GPU; nobody is named where that cannot be seen."""
    own = [one for one in gpu.processes or () if one.owner in holders]
    if gpu.processes is None or (gpu.processes_reason and not own):
        return {alone: 1.0} if alone else {}
    if not own:
        return {NOBODY: 1.0}
    if len({one.owner for one in own}) == 1:
        return {own[0].owner: 1.0}
    sizes = [one.used_bytes for one in own]
    total = sum(size or 0 for size in sizes)
    if None in sizes or not total:
        return {}
    found: dict[str, float] = {}
    for one in own:
        found[one.owner] = found.get(one.owner, 0.0) + (one.used_bytes or 0) / total
    return found
