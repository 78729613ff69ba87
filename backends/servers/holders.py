"""Who holds what a start needs: whose it is, since when, how much, and what ends it."""

import sys
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from backends.domain.format import GIB
from backends.domain.gpu import GpuSample
from backends.domain.server import Owner, Server, ServerState
from backends.domain.start import FailureKind
from backends.gpus.detect import open_gpus
from backends.host import ports, processes
from backends.host.container import whose
from backends.servers.external import tree_pids
from backends.servers.listing import list_servers


@dataclass(frozen=True, slots=True)
class Holder:
    """One process that holds what a start needs.

    Attributes:
        whose: whose it is, in words.
        age_s: seconds since it was started, None where it cannot be read.
        held_bytes: what it holds on GPUs, None where that is not the question or not known.
        ends: the server by whose name a stop ends it; empty where it is not inferctl's to end.
        left_behind: it serves nobody any more.
    """

    pid: int
    name: str
    whose: str
    age_s: float | None = None
    held_bytes: int | None = None
    ends: str = ""
    left_behind: bool = False

    def sentence(self) -> str:
        """Return all of it, as in ``pid 4711 `VLLM::EngineCore`, yours, started 3 h ago``."""
        told = [f"pid {self.pid} `{self.name}`", self.whose]
        if self.age_s is not None:
            told.append(f"started {_ago(self.age_s)}")
        if self.held_bytes is not None:
            told.append(f"holds {self.held_bytes / GIB:.1f} GiB")
        return ", ".join(told)


def held_on_gpus(sample: GpuSample) -> dict[int, tuple[str, int | None]]:
    """Return name and bytes of each process on any GPU, by its pid; None where one is not known."""
    held: dict[int, tuple[str, int | None]] = {}
    for gpu in sample.gpus:
        for one in gpu.processes or ():
            _, before = held.get(one.pid, (one.name, 0))
            known = before is not None and one.used_bytes is not None
            total = (before or 0) + (one.used_bytes or 0) if known else None
            held[one.pid] = (one.name, total)
    return held


def find_holders(
    held: Mapping[int, tuple[str, int | None]], servers: Iterable[Server]
) -> tuple[Holder, ...]:
    """Return who these pids are, those that hold most first.

    Args:
        held: name and bytes of each process, by its pid.
        servers: all servers of this host, from `list_servers`.
    """
    listed = tuple(servers)
    trees = tree_pids([one.pid for one in listed if one.pid is not None])
    found = (_holder(pid, name, size, listed, trees) for pid, (name, size) in held.items())
    return tuple(sorted(found, key=lambda one: -(one.held_bytes or 0)))


def left_by(server: Server) -> tuple[Holder, ...]:
    """Return what a server left behind, those that hold most first."""
    held = {one.process.pid: (one.name, one.vram_bytes) for one in server.survivors}
    return find_holders(held, (server,))


def who(found: Iterable[Holder]) -> str:
    """Return all of them in words; empty for nobody."""
    return "; ".join(one.sentence() for one in found)


def action(found: Iterable[Holder]) -> str:
    """Return what ends them, as far as that is inferctl's; empty where it is not."""
    named = tuple(found)
    stops = sorted({one.ends for one in named if one.ends})
    if not stops:
        return ""
    run = "run: " + " and ".join(f"inferctl stop {name}" for name in stops)
    return f"press x to end it, or {run}" if any(one.left_behind for one in named) else run


def how_to_end(found: Iterable[Holder]) -> str:
    """Return who it is and what ends it; empty for nobody."""
    named = tuple(found)
    return ": ".join(part for part in (who(named), action(named)) if part)


def _holder(
    pid: int,
    name: str,
    size: int | None,
    servers: tuple[Server, ...],
    trees: Mapping[int, frozenset[int]],
) -> Holder:
    process = processes.read(pid)
    age_s = processes.age_s(process.id) if process else None
    shown = processes.display_name(process) if process else name
    owner = whose(pid)
    for server in servers:
        left = any(one.process.pid == pid for one in server.survivors)
        runs = server.pid is not None and pid in trees[server.pid]
        if not left and not runs:
            continue
        ours = server.owner is Owner.MANAGED
        told = _of_server(server, owner, left=left)
        ends = server.name if ours or (left and server.state is ServerState.FAILED) else ""
        return Holder(pid, shown, told, age_s, size, ends, left)
    return Holder(pid, shown, owner, age_s, size)


def _of_server(server: Server, owner: str, *, left: bool) -> str:
    if server.owner is Owner.MANAGED:
        return f"yours, left behind by {server.name}" if left else f"yours, part of {server.name}"
    if left:
        return f"{owner}, left behind by a vLLM that inferctl did not start"
    return f"{owner}, part of a vLLM that inferctl did not start"


def _ago(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"


def main() -> None:
    """Print the sentence, nothing where nobody is found."""
    state_folder, kind, port = Path(sys.argv[1]), FailureKind(sys.argv[2]), int(sys.argv[3])
    if kind is FailureKind.PORT_IN_USE:
        there = (one for one in ports.listeners(port) if one.process)
        held = {one.process.pid: (one.name, None) for one in there if one.process}
        found = find_holders(held, list_servers(state_folder))
    else:
        with closing(open_gpus()) as gpus:
            found = find_holders(
                held_on_gpus(gpus.sample(processes=True)), list_servers(state_folder)
            )
    sys.stdout.write(how_to_end(found))


if __name__ == "__main__":
    main()
