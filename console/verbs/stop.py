"""``inferctl stop``: stop a server and see its memory freed."""

import argparse

from console.verbs.report import document, say


def run(arguments: argparse.Namespace) -> int:
    """Stop a server, or end what an earlier one left behind.

    Raises:
        Problem: no such server runs.
    """
    from console.this_host import this_host
    from console.verbs import lifecycle

    machine = this_host()
    server = lifecycle.stop(machine, arguments.name, arguments.drain).server
    if arguments.json:
        document({"servers": [server]})
    else:
        say(f"{server.name} is {server.state}")
    return 0
