"""What a keeper in watch mode needs to know of a server that something else started."""

import uuid

from backends.domain.redaction import without_secrets
from backends.domain.server import Server, ServerState
from backends.domain.vllm_arguments import value_of
from backends.host import processes
from backends.host.boot import boot_id
from backends.http1 import NoAnswer
from backends.keeper.order import External, LaunchOrder
from backends.problem import NotFound
from backends.servers.arguments import arguments_of
from backends.servers.external import address_of, bound_port, uid_of
from backends.servers.external_log import log_of
from backends.servers.runtimes import Runtimes, is_of_container


def watch_order(server: Server) -> LaunchOrder:
    """Return the order to watch an external server.

    Its start has one id however often it is adopted: pid and start time in this boot.

    Raises:
        NotFound: it has ended, or nothing reaches it; the message says why.
    """
    assert server.pid is not None
    if server.state is ServerState.UNKNOWN:
        raise NotFound(f"{server.name} cannot be watched from here: {server.address_reason}")
    try:
        process = processes.identity(server.pid)
    except ProcessLookupError as error:
        raise NotFound(f"{server.name} has just ended; inferctl status lists what runs") from error
    argv = arguments_of(server.pid)
    placed = Runtimes().of(process, uid_of(server.pid))
    bound = value_of(("--host",), argv) or ""
    port = bound_port(server.pid, argv)
    if port is None:
        raise NotFound(f"{server.name} cannot be watched yet: {server.address_reason}")
    try:
        address = address_of(process, placed, port, bound)
    except NoAnswer as error:
        raise NotFound(f"{server.name} cannot be reached from here: {error}") from error
    named = f"{boot_id()}:{process.pid}:{process.started_ticks}"
    engine = placed.engine
    inside = placed.container is not None and is_of_container(placed.container, process)
    return LaunchOrder(
        server=server.name,
        argv=tuple(without_secrets(list(argv))),
        environment={},
        host=address.host,
        port=address.port,
        model=server.model or "",
        start_id=uuid.uuid5(uuid.NAMESPACE_OID, named).hex[:12],
        external=External(
            process,
            placed.runtime,
            log_of(process, placed),
            port,
            *((placed.id, engine.kind, engine.socket) if engine and inside else ()),
        ),
    )
