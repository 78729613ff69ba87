"""``inferctl start``: launch a server, detached."""

import argparse

from console.cli.output import document, say


def run(arguments: argparse.Namespace) -> int:
    """Launch a profile; with ``--wait`` return when it serves (0) or has failed (1).

    Raises:
        Problem: it cannot be launched.
    """
    from backends.domain.startup.fold import as_start
    from backends.operations import records
    from backends.operations.servers import profile_named
    from backends.operations.this_host import this_host
    from backends.servers.listing import list_servers
    from console.cli import after_start, servers, status

    machine = this_host()
    profile = profile_named(machine.settings, arguments.name)
    servers.launch(machine, profile, force=arguments.force)
    up = True
    told: list[str] = []
    if arguments.wait:
        life = servers.wait_until_ready(machine, profile.name)
        up = servers.is_up(life)
        if life.start is not None:
            records.keep_start(machine, life)
            told = after_start.remarks(machine, profile, as_start(life.start, machine.now()))
    found = [each for each in list_servers(machine.state_folder) if each.name == profile.name]
    if arguments.json:
        document({"servers": found})
    else:
        for server in found:
            say(f"{server.name} is {server.state}, pid {server.pid}, port {server.port}")
            for line in status.remarks(server):
                say(line)
    for line in told:
        say(line)
    return 0 if up else 1
