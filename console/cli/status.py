"""``inferctl status``: every server of this host, ours and external."""

import argparse
from contextlib import closing
from typing import Any

from backends.domain import format as fmt
from backends.domain.format import UNKNOWN, plain_s
from backends.domain.gpu import GpuSample
from backends.domain.server import Owner, Server, ServerState
from backends.domain.serving import request_errors_words
from backends.domain.vram_owners import Held, held_by, with_survivor_memory
from backends.operations.host import open_this_hosts_gpus
from backends.problem import NotFound
from backends.servers.gpu_owners import attributed
from backends.servers.holders import left_by
from backends.servers.listing import list_servers, server_pids
from backends.settings.config import Settings
from backends.settings.faults import ConfigError
from backends.settings.paths import state_folder_to_read
from backends.settings.read import read_settings
from backends.wire import plain
from console.cli.output import document, say, show, table


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
    sample = _sampled(servers)
    servers = [with_survivor_memory(server, sample) for server in servers]
    held = {server.name: held_by(server.name, sample) for server in servers}
    if arguments.json:
        document({"servers": [server_document(one, held[one.name]) for one in servers]})
        return 0
    if not servers:
        show("no server runs here, and no profile is configured; inferctl opens the console")
        return 0
    table([HEAD, *(row(server, held[server.name]) for server in servers)])
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


def server_document(server: Server, held: Held | None = None) -> dict[str, Any]:
    """Return one entry of ``servers`` in JSON; what is unknown is None, with a sibling reason."""
    entry: dict[str, Any] = plain(server)
    runtime = server.runtime
    return {
        **{key: entry[key] for key in entry if key not in ("note", "address_reason")},
        **({} if held is None else _memory(held)),
        "base_url_reason": server.address_reason or None,
        "survivors": [
            {
                "pid": each.process.pid,
                "name": each.name,
                "vram_bytes": each.vram_bytes,
                "age_s": each.age_s,
            }
            for each in server.survivors
        ],
        "runtime": {
            "kind": runtime.kind,
            "name": runtime.name or None,
            "restarts": runtime.restarts,
            "policy": runtime.policy or None,
            "ends": runtime.ends or None,
        },
        "reason": server.note or None,
        "unrecorded": server.unrecorded or None,
        "started_by": server.started_by or None,
    }


def _memory(held: Held) -> dict[str, Any]:
    return {
        "gpus": list(held.gpus),
        "gpu_memory_bytes": held.used_bytes,
        "gpu_memory_reason": held.reason or None,
    }


def _sampled(servers: list[Server]) -> GpuSample | None:
    """Return the GPUs with the server of each process; they are asked where anything lives."""
    if not any(server.survivors or server.pid for server in servers):
        return None
    with closing(open_this_hosts_gpus()) as gpus:
        sample = gpus.sample(processes=True)
    return attributed(sample, servers, server_pids(state_folder_to_read()))


def stopped(name: str, model: str, port: int) -> Server:
    """Return a profile that is not running as a server."""
    return Server(name, Owner.MANAGED, ServerState.STOPPED, port=port, model=model)


HEAD = (
    *("NAME", "OWNER", "RUNTIME", "STATE", "PHASE", "PID", "ADDRESS", "GPU", "GIB"),
    *("READY", "FIRST TOKEN", "MODEL"),
)


def row(server: Server, held: Held) -> tuple[str, ...]:
    """Return one server's line of the table."""
    return (
        server.name,
        server.owner,
        server.runtime.label,
        server.state,
        server.phase or UNKNOWN,
        str(server.pid or UNKNOWN),
        address(server),
        ",".join(map(str, held.gpus)) or UNKNOWN,
        UNKNOWN if held.used_bytes is None else fmt.gib(held.used_bytes),
        plain_s(server.ready_s),
        plain_s(server.first_token_s),
        server.model or UNKNOWN,
    )


def address(server: Server) -> str:
    """Return what reaches a server from here, or would."""
    if server.base_url is not None:
        return server.base_url.removeprefix("http://").removesuffix("/v1")
    return UNKNOWN if server.port is None else f"port {server.port}"


def remarks(server: Server) -> list[str]:
    """Return what the table has no room for: the failure, and what was left behind."""
    told = []
    if server.failure is not None:
        failure = server.failure
        place = f" (log line {failure.line_number})" if failure.line_number else ""
        told += [server.end_of_service] if server.end_of_service else []
        told += [f"{failure.kind}: {failure.cause}{place}", f"Fix: {failure.remedy}"]
    elif server.note:
        told.append(server.note)
    if server.started_by and server.pid is not None:
        told.append(f"started by {server.started_by}")
    if server.unrecorded:
        told.append(server.unrecorded)
    if errors := request_errors_words(server.request_errors):
        told.append(f"requests: {errors}")
    if server.address_reason:
        told.append(server.address_reason)
    if server.runtime.policy:
        again = f"{server.runtime.label} starts it again ({server.runtime.policy}"
        count = server.runtime.restarts
        so_far = "" if count is None else f", {count} so far"
        told.append(f"{again}{so_far}); what ends it: {server.runtime.ends}")
    if server.survivors:
        told += [f"left behind: {one.sentence()}" for one in left_by(server)]
        told.append(f"run: inferctl stop {server.name}")
    return told
