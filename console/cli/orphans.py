"""Servers whose keeper was killed, of which something lives: every verb says so.

It runs before each verb and therefore loads little: the process table only where a keeper is gone.
"""

from backends.domain.server import Server
from backends.servers.lost_keeper import servers_without_keeper
from backends.settings.paths import existing_state_folder
from console.cli.output import say


def tell() -> None:
    """Say on stderr which servers nobody keeps, and what keeps or ends them."""
    state_folder = existing_state_folder()
    for server in servers_without_keeper(state_folder) if state_folder else ():
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
