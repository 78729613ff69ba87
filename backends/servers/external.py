"""vLLM servers on this host that inferctl did not start, found by their processes."""

import contextlib
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from backends.containers.container import Container
from backends.containers.ending import exit_of, failure_of
from backends.containers.engine import Engine
from backends.domain.address import base_url, is_loopback, reachable_host
from backends.domain.lifecycle import asleep_note
from backends.domain.server import Owner, ProcessId, Runtime, RuntimeKind, Server, ServerState
from backends.domain.vllm_arguments import (
    is_given,
    is_on_ray,
    is_server,
    model_argument,
    value_of,
)
from backends.host import ports, processes
from backends.host.container import user_of
from backends.host.home import VARIABLE, is_of_a_demo
from backends.host.process_table import TABLE, living
from backends.host.processes import Process, ProcessList
from backends.host.survivors import survivor
from backends.http1 import Address, NoAnswer
from backends.keeper.order import port_of, served_model
from backends.keeper.probe import health, served_models, sleep_level
from backends.servers.arguments import arguments_of
from backends.servers.reach import why_unasked
from backends.servers.runtimes import Placed, Runtimes, failed_containers, runtime_of

RAY_WORKER = "ray::RayWorker"
"""How Ray titles the processes in which vLLM's workers run."""

_NO_NAME = re.compile(r"[^\w.:@-]")

ANSWER_S = 1.0
"""A server answers from memory, even a busy one; one that hangs must not hold up the list."""


def external_servers(
    running: list[Process], ours: frozenset[int], taken: frozenset[str] = frozenset()
) -> list[Server]:
    """Return every vLLM among `running` but those with the pids `ours`, none by a `taken` name.

    Engines and workers whose API server is gone come as a failed server that has only survivors:
    they hold memory and serve nobody. Those of a demo are not of this host: what they hold and
    serve is made up.
    """
    others = ProcessList(process for process in running if process.id.pid not in ours)
    found = living(one for one in others if TABLE.judged(one, is_server))
    roots = [one for one in found if not _is_simulated(one)]
    trees = {one.id.pid for root in roots for one in processes.descendants(root.id.pid, others)}
    runtimes = Runtimes()
    servers = [_server(root, others, runtimes) for root in roots if root.id.pid not in trees]
    known = trees | {root.id.pid for root in roots}
    apart = [one for one in others if one.id.pid not in known]
    engines = [one for one in living(filter(is_engine, apart)) if not _is_simulated(one)]
    servers += _embedding(engines, runtimes)
    left = [*_orphans(engines, runtimes), *_ray_workers(apart, roots)]
    ended = failed_containers()
    failed = [_failed(engine, one) for engine, one in ended if one.name not in taken]
    return [*_with_own_names([*servers, *failed], taken), *left]


def _is_simulated(process: Process) -> bool:
    return is_of_a_demo(processes.environment_value(process.id.pid, VARIABLE))


def _server(root: Process, among: list[Process], runtimes: Runtimes) -> Server:
    arguments = arguments_of(root.id.pid)
    wanted = bound_port(root.id.pid, arguments)
    placed = runtimes.of(root.id, uid_of(root.id.pid))
    unasked = why_unasked(arguments)
    server = Server(
        name=_name(placed.runtime, (not unasked and port_of(arguments)) or root.id.pid),
        owner=Owner.EXTERNAL,
        state=ServerState.STARTING,
        pid=root.id.pid,
        port=None if unasked else wanted,
        model=served_model(arguments, model_argument(arguments) or "") or None,
        started_at=time.time() - processes.age_s(root.id),
        note="; ".join(filter(None, (f"of {user_of(root.id.pid)}", placed.reason))),
        runtime=placed.runtime,
    )
    if unasked:
        return replace(server, state=ServerState.UNKNOWN, address_reason=unasked)
    if wanted is None:
        return replace(server, address_reason="it has not been given a port yet (--port 0)")
    if not _listens(root, among, wanted):
        return replace(server, address_reason=f"it does not listen on port {wanted} yet")
    try:
        address = address_of(root.id, placed, wanted, value_of(("--host",), arguments) or "")
        variable = processes.environment_value(root.id.pid, "VLLM_API_KEY")
        key = value_of(("--api-key",), arguments) or variable
        may_sleep = is_given("--enable-sleep-mode", arguments)
        return _asked(server, root, replace(address, key=key), may_sleep=may_sleep)
    except NoAnswer as error:
        # It listens where nothing reaches it; whether it serves cannot be seen from here.
        return replace(server, state=ServerState.UNKNOWN, address_reason=str(error))


def _asked(server: Server, root: Process, address: Address, *, may_sleep: bool) -> Server:
    unwell = health(address, timeout_s=ANSWER_S)
    state, note = ServerState.UNHEALTHY if unwell else ServerState.READY, server.note
    if not unwell and may_sleep and (level := sleep_level(address)):
        state, note = ServerState.SLEEPING, f"{note}; {asleep_note(level)}"
    return replace(
        server,
        state=state,
        note=note,
        base_url=base_url(address.host, address.port),
        model=(None if unwell else _model_served(root, address)) or server.model,
        address_reason=unwell,
    )


def _failed(engine: Engine, container: Container) -> Server:
    arguments = container.command
    again = f"; {engine.kind} starts it again" if container.comes_back else ""
    return Server(
        name=container.name,
        owner=Owner.EXTERNAL,
        state=ServerState.FAILED,
        model=served_model(arguments, model_argument(arguments) or "") or None,
        started_at=container.started_wall_s or None,
        exit=exit_of(container),
        failure=failure_of(container, engine.kind),
        note=f"container {container.name} is {container.state}{again}",
        runtime=runtime_of(engine, container),
    )


def _listens(root: Process, among: list[Process], port: int) -> bool:
    """Tell whether a server listens; by its network alone where its files are hidden."""
    tree = [root, *processes.descendants(root.id.pid, among)]
    seen = {listened for one in tree for listened in ports.ports_of(one.id.pid)}
    if seen or not processes.are_files_hidden(root.id.pid):
        return port in seen
    return port in ports.ports_around(root.id.pid)


def bound_port(pid: int, arguments: tuple[str, ...]) -> int | None:
    """Return the port of a ``vllm serve`` that runs; None while ``--port 0`` has got it none.

    Of several the lowest; its engines listen in processes of their own.
    """
    return port_of(arguments) or next(iter(ports.ports_of(pid)), None)


def address_of(process: ProcessId, placed: Placed, port: int, bound: str) -> Address:
    """Return what reaches a server from here, or will once it listens.

    Raises:
        NoAnswer: nothing does; the message says why, and what would.
    """
    shared = ports.shares_network(process.pid)
    apart = placed.container is not None and placed.container.network != "host"
    if shared or (shared is None and not apart and not placed.reason):
        return Address(reachable_host(bound), port)
    if bound and is_loopback(bound):
        raise NoAnswer(
            f"it listens on {bound} inside {placed.runtime.label}, which nothing outside reaches; "
            "start it with --host 0.0.0.0"
        )
    try:
        return Address(*placed.reached_at(port))
    except NoAnswer:
        for own in ports.addresses_around(process.pid):
            if ports.is_routed(own, port):
                return Address(own, port)
        raise


def _name(runtime: Runtime, number: int) -> str:
    """Return a name that a folder can have: whoever runs a pod or a supervisor chooses its own."""
    last = runtime.name.removesuffix(".service").rpartition("/")[2]
    return _NO_NAME.sub("-", last).lstrip(".-") or f"vllm-{number}"


def _with_own_names(servers: list[Server], taken: frozenset[str]) -> list[Server]:
    """Return the servers, those that share a name told apart by their port, else by their pid."""
    names = Counter([*(one.name for one in servers), *taken])
    by_port = Counter((one.name, one.port) for one in servers)

    def named(one: Server) -> Server:
        if names[one.name] == 1:
            return one
        apart = one.port if by_port[one.name, one.port] == 1 else one.pid
        return replace(one, name=f"{one.name}-{apart}")

    return [named(one) for one in servers]


def uid_of(pid: int) -> int | None:
    """Return whose process it is, None where it has ended."""
    try:
        return Path(f"/proc/{pid}").stat().st_uid
    except OSError:
        return None


def tree_pids(roots: Iterable[int]) -> dict[int, frozenset[int]]:
    """Return, for each of these processes, itself and all its descendants."""
    running = TABLE.running()
    return {
        root: frozenset((root, *(one.id.pid for one in processes.descendants(root, running))))
        for root in roots
    }


def _model_served(root: Process, address: Address) -> str | None:
    with contextlib.suppress(NoAnswer):
        return _models(root.id, address)[0]
    return None


@lru_cache(maxsize=64)
def _models(process: ProcessId, address: Address) -> tuple[str, ...]:
    """Ask once for each process: a console lists servers all the time, and they log requests."""
    del process
    models = served_models(address, timeout_s=ANSWER_S)
    if not models:
        raise NoAnswer("/v1/models names none")
    return models


def is_engine(process: Process) -> bool:
    """Tell by its title whether a process is an engine of vLLM, or a worker of one."""
    return TABLE.judged(process, _is_titled_engine)


def _is_titled_engine(arguments: tuple[str, ...]) -> bool:
    return "".join(arguments[:1]).startswith("VLLM::")


def is_abandoned(process: Process) -> bool:
    """Tell whether a process is an engine of vLLM, and the program that it worked for is gone.

    A program that runs vLLM in itself, offline, is the parent of its engines and shares their
    session; an engine that lost its parent was handed to init or to a keeper of another session.
    """
    if not is_engine(process):
        return False
    parent = processes.read(process.parent)
    while parent is not None and processes.display_name(parent).startswith("VLLM::"):
        parent = processes.read(parent.parent)
    return parent is None or parent.id.pid == 1 or parent.session != process.session


def _is_titled_ray_worker(arguments: tuple[str, ...]) -> bool:
    return "".join(arguments[:1]).startswith(RAY_WORKER)


def _embedding(engines: Iterable[Process], runtimes: Runtimes) -> Iterator[Server]:
    """Yield the programs that run vLLM in themselves: a batch, a notebook, or another server."""
    parents = {one.parent for one in engines if not is_abandoned(one)}
    for pid in sorted(parents - {one.id.pid for one in engines}):
        program = processes.read(pid)
        if program is None:
            continue
        placed = runtimes.of(program.id, uid_of(pid))
        yield Server(
            name=_name(placed.runtime, pid),
            owner=Owner.EXTERNAL,
            state=ServerState.UNKNOWN,
            pid=pid,
            started_at=time.time() - processes.age_s(program.id),
            note="; ".join(filter(None, (f"of {user_of(pid)}", placed.reason))),
            runtime=placed.runtime,
            address_reason=f"{processes.display_name(program)} runs vLLM in itself; whether and "
            "where it serves is its own to say",
        )


def _ray_workers(apart: list[Process], roots: list[Process]) -> list[Server]:
    """Return the workers of a vLLM whose API server runs on another host, as one server.

    Beside a server that Ray runs the workers of, those of this host are its own.
    """
    if any(is_on_ray(TABLE.command_line(root)) for root in roots):
        return []
    workers = living(one for one in apart if TABLE.judged(one, _is_titled_ray_worker))
    node = processes.read(workers[0].parent) if workers else None
    if node is None or node.command != "raylet":
        return []
    count = "1 worker" if len(workers) == 1 else f"{len(workers)} workers"
    return [
        Server(
            name="ray-workers",
            owner=Owner.EXTERNAL,
            state=ServerState.UNKNOWN,
            pid=node.id.pid,
            started_at=time.time() - max(processes.age_s(one.id) for one in workers),
            note=f"{count} of a vLLM on Ray, whose API server knows its state and model",
            runtime=Runtime(RuntimeKind.RAY, ends="ray stop, on the host of its API server"),
            address_reason="its API server runs on another host of the Ray cluster: ask there",
        )
    ]


def _orphans(processes_left: Iterable[Process], runtimes: Runtimes) -> list[Server]:
    sessions: dict[int, list[Process]] = {}
    for one in processes_left:
        if is_abandoned(one):
            sessions.setdefault(one.session, []).append(one)
    return [_left_of(session, left, runtimes) for session, left in sessions.items()]


def _left_of(session: int, left: list[Process], runtimes: Runtimes) -> Server:
    name = f"vllm-orphans-{session}"
    placed = runtimes.of(left[0].id, uid_of(left[0].id.pid))
    note = ""
    if placed.id and (placed.container is None or not placed.container.is_up):
        gone = placed.reason or f"{placed.runtime.label} has ended"
        note = f"{gone}, and its processes go on: run inferctl stop {name} to end them"
    return Server(
        name=name,
        owner=Owner.EXTERNAL,
        state=ServerState.FAILED,
        started_at=time.time() - max(processes.age_s(one.id) for one in left),
        survivors=tuple(survivor(one) for one in left),
        note=note,
        # Nothing starts again what its runtime has lost.
        runtime=Runtime(placed.runtime.kind, placed.runtime.name),
    )
