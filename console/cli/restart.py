"""``inferctl restart``: stop a server, then launch it again."""

import argparse


def run(arguments: argparse.Namespace) -> int:
    """Stop the server if it runs, then do as ``start`` does.

    Raises:
        Problem: it cannot be stopped or launched.
    """
    from backends.domain.server import ServerState
    from backends.operations.servers import profile_named
    from backends.operations.this_host import this_host
    from backends.servers.listing import list_servers
    from console.cli import servers, start

    machine = this_host()
    profile_named(machine.settings, arguments.name)
    still = {ServerState.STOPPED, ServerState.FAILED}
    found = [each for each in list_servers(machine.state_folder) if each.name == arguments.name]
    if any(each.state not in still or each.survivors for each in found):
        servers.stop(machine, arguments.name, arguments.drain)
    return start.run(arguments)
