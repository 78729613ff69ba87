"""``inferctl agent``: the process that keeps the record of this host."""

import argparse
import time

from backends.agent import client
from backends.agent.greeting import Status
from backends.domain.format import clock
from backends.problem import NotFound
from backends.settings.paths import state_folder
from backends.settings.read import read_settings
from console.cli.output import document, say, show


def run(arguments: argparse.Namespace) -> int:
    """Tell what the agent does, start it, or end it.

    Raises:
        NotFound: none runs, and its status or its end was asked for.
        AgentUnavailable: it does not answer.
        ConfigError: the configuration cannot be used.
    """
    if arguments.action == "stop":
        return _stop(as_json=arguments.json)
    if arguments.action == "start":
        client.ensure(state_folder(), read_settings().key_variables)
    status = client.status(state_folder())
    if arguments.json:
        document({"agent": status})
    elif status is not None:
        _tell(status)
    if status is None:
        raise NotFound(
            "no agent runs; it starts with a server, with a console beside one, "
            "or by `inferctl agent start`"
        )
    return 0


def _stop(*, as_json: bool) -> int:
    ended = client.stop(state_folder())
    if as_json:
        document({"agent": None, "ended": ended})
    if not ended:
        raise NotFound("no agent runs")
    say("the agent has ended; servers go on, and the next start or console brings it back")
    return 0


def _tell(status: Status) -> None:
    up_s = max(0.0, time.time() - status.began_wall_s)
    show(f"agent {status.version}, pid {status.pid}, up {clock(up_s)}")
    reads = ", ".join(status.reads) or "no server"
    show(f"  reads {reads}; {status.listeners} follow it")
    if not status.writes:
        show("  does not write the record: another process of this user holds it")
    if status.problem:
        show(f"  {status.problem}")
