"""``inferctl stop``: stop a server and see its memory freed."""

import argparse

from console.cli.output import document, say


def run(arguments: argparse.Namespace) -> int:
    """Stop a server, or end what an earlier one left behind.

    Raises:
        Problem: no such server runs, or somebody else's does, which is not stopped.
    """
    from dataclasses import replace

    from backends.domain.server import ServerState
    from backends.operations import servers
    from backends.operations.this_host import this_host
    from console.cli import servers as lifecycle
    from console.cli.configured import settings_without_faults

    machine = this_host(settings_without_faults())
    foreign = lifecycle.foreign_named(machine, arguments.name)
    if foreign is not None:
        say(servers.end_left(machine, foreign))
        if arguments.json:
            document({"servers": [replace(foreign, state=ServerState.STOPPED, survivors=())]})
        return 0
    server = lifecycle.stop(machine, arguments.name, arguments.drain).server
    if arguments.json:
        document({"servers": [server]})
    else:
        say(f"{server.name} is {server.state}")
    return 0
