"""The session of a verb: what one look at this host tells, without a screen."""

import time
from contextlib import closing
from dataclasses import replace

from backends.domain.facts import GpusSampled, MetricsScraped
from backends.domain.server import SERVING, Server, ServerState
from backends.domain.session import Session, advance, watching
from backends.metrics.scrape import MetricsUnavailable, scrape
from backends.operations.host import Machine
from backends.operations.meter_store import open_books, with_books
from backends.servers.listing import list_servers

APART_S = 1.0
"""A rate needs two readings; closer ones would tell too little."""


def glance(machine: Machine) -> Session:
    """Return a session with the bill, and two readings of the server that serves, if one does."""
    session = with_books(Session(machine.now()), open_books(machine))
    server = _serving(list_servers(machine.state_folder), machine)
    if server is None:
        return session
    session = watching(session, server.name, server.model)
    if session.life is not None:
        session = replace(session, life=replace(session.life, server=server))
    for reading in range(2):
        if reading:
            time.sleep(APART_S)
        try:
            counters = scrape(server.base_url or "")
        except MetricsUnavailable:
            return session
        session = advance(session, MetricsScraped(machine.now(), counters))
    return session


def with_gpus(session: Session, machine: Machine) -> Session:
    """Return the session with one sample of the GPUs, which tells what they are called."""
    with closing(machine.open_gpus()) as source:
        return advance(session, GpusSampled(machine.now(), source.sample(processes=False)))


def _serving(found: tuple[Server, ...], machine: Machine) -> Server | None:
    """Return the server to look at: one that serves, a healthy one first, else a profile's."""
    serving = [each for each in found if each.state in SERVING and each.base_url]
    if serving:
        return min(serving, key=lambda each: each.state is ServerState.UNHEALTHY)
    names = {profile.name for profile in machine.settings.servers}
    return next((each for each in found if each.name in names), None)
