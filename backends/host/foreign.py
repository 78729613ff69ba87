"""vLLM servers on this host that inferctl did not start, told by their processes alone."""

import time
from collections.abc import Iterable

from backends.domain.server import Owner, Server, ServerState
from backends.host import ports, processes
from backends.host.arguments import is_server, model_argument, value_of
from backends.host.processes import Process
from backends.host.survivors import survivor
from backends.keeper.http1 import Address, NoAnswer
from backends.keeper.order import served_model
from backends.keeper.probe import served_models

DEFAULT_PORT = 8000
"""What vLLM listens on without ``--port``."""


def foreign_servers(running: list[Process], ours: frozenset[int]) -> list[Server]:
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
    return Server(
        name=f"vllm-{wanted}",
        owner=Owner.FOREIGN,
        state=ServerState.FOREIGN,
        pid=root.id.pid,
        port=wanted,
        base_url=f"http://127.0.0.1:{wanted}/v1" if listens else None,
        model=(_model_served(wanted) if listens else None)
        or served_model(arguments, model_argument(arguments) or "")
        or None,
        started_at=time.time() - processes.age_s(root.id),
    )


def _model_asked(arguments: tuple[str, ...]) -> str | None:
    return served_model(arguments, model_argument(arguments) or "") or None


def _model_served(port: int) -> str | None:
    try:
        models = served_models(Address("127.0.0.1", port), timeout_s=1.0)
    except NoAnswer:
        return None
    return models[0] if models else None


def _orphans(processes_left: Iterable[Process]) -> list[Server]:
    sessions: dict[int, list[Process]] = {}
    for one in processes_left:
        if processes.display_name(one).startswith("VLLM::"):
            sessions.setdefault(one.session, []).append(one)
    return [
        Server(
            name=f"vllm-orphans-{session}",
            owner=Owner.FOREIGN,
            state=ServerState.FAILED,
            started_at=time.time() - max(processes.age_s(one.id) for one in left),
            survivors=tuple(survivor(one) for one in left),
        )
        for session, left in sessions.items()
    ]
