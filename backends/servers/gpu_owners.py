"""Which server each process on a GPU belongs to: by its parents, its mark or its container.

Drivers list processes as the host counts them, and so does ``/proc`` outside a pid namespace, so
that a process in a container is found by the same number. What is of no server is named by its
user, and by its container's cgroup.
"""

from collections.abc import Iterable, Mapping

from backends.domain.gpu import GpuSample
from backends.domain.server import Server
from backends.domain.vllm_arguments import is_on_ray
from backends.domain.vram_owners import with_owners
from backends.host import processes
from backends.host.container import place_of, whose
from backends.servers.external import RAY_WORKER

WORKERS = ("VLLM::", RAY_WORKER)
"""How the processes of vLLM's that hold GPU memory begin the title that they give themselves."""


def attributed(
    sample: GpuSample, servers: Iterable[Server], ours: Mapping[str, frozenset[int]]
) -> GpuSample:
    """Return a sample with the server that owns each process, and whose all others are.

    Args:
        sample: the GPUs with their processes.
        servers: all servers of this host, from `list_servers`.
        ours: the processes of those that inferctl started, from `server_pids`.
    """
    return with_owners(sample, *owners_of(pids_on(sample), servers, ours))


def pids_on(sample: GpuSample) -> frozenset[int]:
    """Return the processes that hold memory on any GPU."""
    return frozenset(one.pid for gpu in sample.gpus for one in gpu.processes or ())


def owners_of(
    listed: frozenset[int], servers: Iterable[Server], ours: Mapping[str, frozenset[int]]
) -> tuple[Mapping[str, frozenset[int]], Mapping[int, str]]:
    """Return the processes of each server among some, and whose the others are, in words."""
    if not listed:
        return {}, {}
    marked = {pid: name for name, pids in ours.items() for pid in pids}
    known = tuple(servers)
    first = {one.pid: one.name for one in known if one.pid is not None}
    first |= {left.process.pid: one.name for one in known for left in one.survivors}
    owned = {pid: marked.get(pid) or _above(pid, first) for pid in listed}
    if not all(owned.values()):  # containers are looked at only where parents do not tell
        inside = _alone_around(first)
        owned = {pid: name or _beside(pid, inside) for pid, name in owned.items()}
    owners: dict[str, frozenset[int]] = {}
    for pid, name in owned.items():
        if name:
            owners[name] = owners.get(name, frozenset()) | {pid}
    return owners, {pid: whose(pid) for pid in listed if not owned[pid]}


def _above(pid: int, first: Mapping[int, str]) -> str:
    """Return the server that a process is of, or descends from."""
    process = processes.read(pid)
    while process is not None:
        if process.id.pid in first:
            return first[process.id.pid]
        process = processes.read(process.parent)
    return ""


def _alone_around(first: Mapping[int, str]) -> Mapping[str, str]:
    """Return the server of each container that holds one server, by the container's id.

    Under no id stands the only server whose workers Ray runs.
    """
    on_ray = [name for pid, name in first.items() if is_on_ray(processes.command_line(pid))]
    found: dict[str, set[str]] = {}
    for pid, name in first.items():
        if place := place_of(pid).id:
            found.setdefault(place, set()).add(name)
    alone = {place: names.pop() for place, names in found.items() if len(names) == 1}
    return {"": on_ray[0], **alone} if len(on_ray) == 1 else alone


def _beside(pid: int, inside: Mapping[str, str]) -> str:
    """Return the server in whose container a worker runs that another process started, as Ray's."""
    name = inside.get(place_of(pid).id, "") if inside else ""
    title = "".join(processes.command_line(pid)[:1]) if name else ""
    return name if title.startswith(WORKERS) else ""
