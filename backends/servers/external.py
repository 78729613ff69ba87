"""vLLM servers on this host that inferctl did not start, recognised by their processes alone."""

import contextlib
import time
from collections.abc import Iterable
from functools import lru_cache

from backends.domain.address import base_url, reachable_host
from backends.domain.server import Owner, ProcessId, Server, ServerState
from backends.domain.vllm_arguments import is_server, model_argument, value_of
from backends.host import ports, processes
from backends.host.container import whose
from backends.host.processes import Process
from backends.host.survivors import survivor
from backends.keeper.http1 import Address, NoAnswer
from backends.keeper.order import served_model
from backends.keeper.probe import health, served_models

DEFAULT_PORT = 8000
"""What vLLM listens on without ``--port``."""

ANSWER_S = 1.0
"""A server answers from memory, even a busy one; one that hangs must not hold up the list."""


def external_servers(running: list[Process], ours: frozenset[int]) -> list[Server]:
    """Return every vLLM among `running` but those with the pids `ours`.

    Engines and workers whose API server is gone come as a failed server that has only survivors:
    they hold memory and serve nobody.
    """
    others = [process for process in running if process.id.pid not in ours]
    roots = [one for one in others if is_server(processes.command_line(one.id.pid))]
    trees = {one.id.pid for root in roots for one in processes.descendants(root.id.pid, others)}
    servers = [_served(root, others) for root in roots if root.id.pid not in trees]
    known = trees | {root.id.pid for root in roots}
    return [*servers, *_orphans(one for one in others if one.id.pid not in known)]


def _served(root: Process, among: list[Process]) -> Server:
    arguments = processes.command_line(root.id.pid)
    asked = value_of(("--port",), arguments)
    wanted = int(asked) if asked and asked.isdigit() else DEFAULT_PORT
    tree = [root, *processes.descendants(root.id.pid, among)]
    listens = wanted in {port for one in tree for port in ports.ports_of(one.id.pid)}
    address = Address(reachable_host(value_of(("--host",), arguments) or ""), wanted)
    unwell = listens and bool(health(address, timeout_s=ANSWER_S))
    return Server(
        name=f"vllm-{wanted}",
        owner=Owner.EXTERNAL,
        state=ServerState.UNHEALTHY if unwell else ServerState.EXTERNAL,
        pid=root.id.pid,
        port=wanted,
        base_url=base_url(address.host, wanted) if listens else None,
        model=(_model_served(root, address) if listens and not unwell else None)
        or served_model(arguments, model_argument(arguments) or "")
        or None,
        started_at=time.time() - processes.age_s(root.id),
        note=whose(root.id.pid),
    )


def tree_pids(roots: Iterable[int]) -> dict[int, frozenset[int]]:
    """Return, for each of these processes, itself and all its descendants."""
    running = processes.running()
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


def is_abandoned(process: Process) -> bool:
    """Tell whether a process is an engine of vLLM, and the program that it worked for is gone.

    A program that runs vLLM in itself, offline, is the parent of its engines and shares their
    session; an engine that lost its parent was handed to init or to a keeper of another session.
    """
    if not processes.display_name(process).startswith("VLLM::"):
        return False
    parent = processes.read(process.parent)
    while parent is not None and processes.display_name(parent).startswith("VLLM::"):
        parent = processes.read(parent.parent)
    return parent is None or parent.id.pid == 1 or parent.session != process.session


def _orphans(processes_left: Iterable[Process]) -> list[Server]:
    sessions: dict[int, list[Process]] = {}
    for one in processes_left:
        if is_abandoned(one):
            sessions.setdefault(one.session, []).append(one)
    return [
        Server(
            name=f"vllm-orphans-{session}",
            owner=Owner.EXTERNAL,
            state=ServerState.FAILED,
            started_at=time.time() - max(processes.age_s(one.id) for one in left),
            survivors=tuple(survivor(one) for one in left),
        )
        for session, left in sessions.items()
    ]
