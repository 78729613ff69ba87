"""Servers whose keeper was killed, of which something lives: every verb says so.

It runs before each verb and therefore loads little: the process table only where a keeper is gone.
"""

import os
from pathlib import Path

from backends.domain.server import Server
from backends.host import processes
from backends.keeper.folder import ServerFolder, Unreadable, keeper_id, server_folders
from backends.settings.paths import existing_state_folder
from console.cli.output import say

LAST_FACT_BYTES = 4096


def tell() -> None:
    """Say on stderr which servers nobody keeps, and what keeps or ends them."""
    state_folder = existing_state_folder()
    for server in orphaned(state_folder) if state_folder else ():
        say(f"note: {sentence(server)}")


def sentence(server: Server) -> str:
    """Return what is to be known of a server that nobody keeps."""
    stop = f"inferctl stop {server.name} ends it"
    if server.pid is not None:
        what = f"process {server.pid} is {server.state} on port {server.port}"
        return (
            f"the keeper of {server.name} was killed; {what}: inferctl adopt --port {server.port} "
            f"keeps it again, {stop}"
        )
    left = ", ".join(f"{one.name} {one.process.pid}" for one in server.survivors)
    return f"the keeper of {server.name} was killed, and it left {left}: {stop}"


def orphaned(state_folder: Path) -> tuple[Server, ...]:
    """Return our servers of which something lives without a keeper; mostly two small reads."""
    candidates = [one.path for one in server_folders(state_folder) if _lost_its_keeper(one)]
    if not candidates:
        return ()
    from backends.servers.listing import our_server  # noqa: PLC0415  50 ms, for orphans alone

    servers = (our_server(path) for path in candidates)
    return tuple(one for one in servers if one.pid is not None or one.survivors)


def _lost_its_keeper(folder: ServerFolder) -> bool:
    try:
        keeper = keeper_id(folder)
    except Unreadable:  # the verbs that list servers say so
        return False
    if keeper is None or processes.is_alive(keeper):
        return False
    try:
        with folder.journal.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - LAST_FACT_BYTES))
            return b'"fact":"Stopped"' not in file.read().splitlines()[-1:][0]
    except (OSError, IndexError):
        return False
