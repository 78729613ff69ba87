"""``inferctl status``: every server of this host, ours and external."""

import argparse

from backends.domain.format import UNKNOWN, plain_s
from backends.domain.server import Server, ServerState
from backends.problem import NotFound
from console.cli.output import document, show, table


def run(arguments: argparse.Namespace) -> int:
    """Print the servers, profiles that never ran among them.

    Raises:
        NotFound: the named server neither runs nor has a profile.
    """
    from backends.servers.listing import list_servers
    from backends.settings.paths import state_folder
    from console.cli.output import settings_without_faults

    settings = settings_without_faults()
    servers = list(list_servers(state_folder()))
    named = {server.name for server in servers}
    servers += [
        stopped(profile.name, profile.request_model, profile.port)
        for profile in settings.servers
        if profile.name not in named
    ]
    if arguments.name is not None:
        servers = [server for server in servers if server.name == arguments.name]
        if not servers:
            raise NotFound(f"no server is called {arguments.name}; inferctl status lists them all")
    servers = with_memory(servers)
    if arguments.json:
        document({"servers": servers})
        return 0
    if not servers:
        show("no server runs here, and no profile is configured; inferctl opens the console")
        return 0
    table([HEAD, *(row(server) for server in servers)])
    for server in servers:
        for line in remarks(server):
            show(f"{server.name}: {line}")
    return 0


def with_memory(servers: list[Server]) -> list[Server]:
    """Return the servers with what their survivors hold; GPUs are asked where there are any."""
    if not any(server.survivors for server in servers):
        return servers
    from contextlib import closing

    from backends.domain.vram_owners import with_survivor_memory
    from backends.operations.host import open_this_hosts_gpus

    with closing(open_this_hosts_gpus()) as gpus:
        sample = gpus.sample(processes=True)
    return [with_survivor_memory(server, sample) for server in servers]


def stopped(name: str, model: str, port: int) -> Server:
    """Return a profile that is not running as a server."""
    from backends.domain.server import Owner

    return Server(name, Owner.MANAGED, ServerState.STOPPED, port=port, model=model)


HEAD = ("NAME", "OWNER", "STATE", "PHASE", "PID", "PORT", "READY", "FIRST TOKEN", "MODEL")


def row(server: Server) -> tuple[str, ...]:
    """Return one server's line of the table."""
    return (
        server.name,
        server.owner,
        server.state,
        server.phase or UNKNOWN,
        str(server.pid or UNKNOWN),
        str(server.port or UNKNOWN),
        plain_s(server.ready_s),
        plain_s(server.first_token_s),
        server.model or UNKNOWN,
    )


def remarks(server: Server) -> list[str]:
    """Return what the table has no room for: the failure, and what was left behind."""
    told = []
    if server.failure is not None:
        failure = server.failure
        place = f" (log line {failure.line_number})" if failure.line_number else ""
        told += [f"{failure.kind}: {failure.cause}{place}", f"remedy: {failure.remedy}"]
    elif server.note:
        told.append(server.note)
    if server.survivors:
        from backends.servers.holders import left_by

        told += [f"left behind: {one.sentence()}" for one in left_by(server)]
        told.append(f"run: inferctl stop {server.name}")
    return told
