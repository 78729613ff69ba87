"""``inferctl status``: every server of this host, ours and external."""

import argparse
from contextlib import closing
from typing import Any

from backends.domain.format import UNKNOWN, plain_s
from backends.domain.server import Owner, Server, ServerState
from backends.domain.serving import request_errors_words
from backends.domain.vram_owners import with_survivor_memory
from backends.operations.host import open_this_hosts_gpus
from backends.problem import NotFound
from backends.servers.holders import left_by
from backends.servers.listing import list_servers
from backends.settings.config import Settings
from backends.settings.faults import ConfigError
from backends.settings.paths import state_folder_to_read
from backends.settings.read import read_settings
from backends.wire import plain
from console.cli.output import document, say, show, table

PROCESS = {"kind": "process", "name": None, "restarts": None, "policy": None}
"""The runtime of a managed server: a plain process, which nothing but inferctl restarts."""


def run(arguments: argparse.Namespace) -> int:
    """Print the servers, profiles that never ran among them.

    Raises:
        NotFound: the named server neither runs nor has a profile.
    """
    settings = settings_without_faults()
    servers = list(list_servers(state_folder_to_read()))
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
        document({"servers": [server_document(server) for server in servers]})
        return 0
    if not servers:
        show("no server runs here, and no profile is configured; inferctl opens the console")
        return 0
    table([HEAD, *(row(server) for server in servers)])
    for server in servers:
        for line in remarks(server):
            show(f"{server.name}: {line}")
    return 0


def settings_without_faults() -> Settings:
    """Return the configuration, or an empty one, and a word of it, where it cannot be used."""
    try:
        return read_settings()
    except ConfigError as error:
        say(f"note: going on without the configuration: {error}")
        return Settings()


def server_document(server: Server) -> dict[str, Any]:
    """Return one entry of ``servers`` in JSON; what is unknown is None, with a sibling reason."""
    entry: dict[str, Any] = plain(server)
    managed = server.owner is Owner.MANAGED
    return {
        **{key: value for key, value in entry.items() if key != "note"},
        "survivors": [
            {
                "pid": each.process.pid,
                "name": each.name,
                "vram_bytes": each.vram_bytes,
                "age_s": each.age_s,
            }
            for each in server.survivors
        ],
        "runtime": PROCESS if managed else None,
        "runtime_reason": None if managed else "inferctl did not start it",
        "reason": server.note or None,
    }


def with_memory(servers: list[Server]) -> list[Server]:
    """Return the servers with what their survivors hold; GPUs are asked where there are any."""
    if not any(server.survivors for server in servers):
        return servers
    with closing(open_this_hosts_gpus()) as gpus:
        sample = gpus.sample(processes=True)
    return [with_survivor_memory(server, sample) for server in servers]


def stopped(name: str, model: str, port: int) -> Server:
    """Return a profile that is not running as a server."""
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
        told += [server.end_of_service] if server.end_of_service else []
        told += [f"{failure.kind}: {failure.cause}{place}", f"remedy: {failure.remedy}"]
    elif server.note:
        told.append(server.note)
    if errors := request_errors_words(server.request_errors):
        told.append(f"requests: {errors}")
    if server.survivors:
        told += [f"left behind: {one.sentence()}" for one in left_by(server)]
        told.append(f"run: inferctl stop {server.name}")
    return told
