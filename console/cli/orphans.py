"""Servers whose keeper was killed, of which something lives: every verb says so.

It runs before each verb and therefore loads little: the process table only where a keeper is gone.
"""

from pathlib import Path

from backends.domain.server import Server
from backends.keeper.order import KeeperError
from backends.servers.lost_keeper import servers_without_keeper, watches_without_keeper
from backends.settings.paths import existing_state_folder
from console.cli.output import say


def tell() -> None:
    """Say on stderr which servers nobody keeps, and what keeps or ends them.

    What was only watched is watched again at once: nothing of it changes hands.
    """
    state_folder = existing_state_folder()
    if state_folder is None:
        return
    for server in servers_without_keeper(state_folder):
        say(f"note: {sentence(server)}")
    for folder in watches_without_keeper(state_folder):
        say(f"note: the keeper that watched {folder.name} was killed; {_watched_again(folder)}")


def _watched_again(folder: Path) -> str:
    from backends.keeper.launch import adopt  # noqa: PLC0415  most verbs need none of it

    try:
        adopt(folder)
    except KeeperError as error:
        return f"a new one could not be started: {error}"
    return "a new one watches it"


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
