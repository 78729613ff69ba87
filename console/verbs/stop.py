"""``inferctl stop``: stop a server and see its memory freed."""

import argparse

from console.verbs.report import document, say


def run(arguments: argparse.Namespace) -> int:
    """Stop a server, or end what an earlier one left behind.

    Raises:
        Problem: no such server runs.
    """
    from console.servers import stop_or_end
    from console.this_host import this_host

    machine = this_host()
    server = stop_or_end(machine, arguments.name, arguments.drain)
    if arguments.json:
        document({"servers": [server]})
    else:
        say(f"{server.name} is {server.state}")
    return 0
