"""The session of a verb: what one look at this host tells, without a screen."""

import time
from contextlib import closing
from dataclasses import replace

from backends.domain.facts import GpusSampled, MetricsScraped
from backends.domain.server import SERVING, Server, ServerState
from backends.domain.session import Session, advance, watching
from backends.metrics.scrape import MetricsUnavailable, scrape
from backends.operations.host import Host
from backends.operations.meter_store import open_meter_store, with_meter_store
from backends.servers.listing import list_servers

APART_S = 1.0
"""A rate needs two readings; closer ones would tell too little."""


def snapshot(host: Host) -> Session:
    """Return a session with the bill, and two readings of the server that serves, if one does."""
    session = with_meter_store(Session(host.now()), open_meter_store(host))
    server = _serving(list_servers(host.state_folder), host)
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
        session = advance(session, MetricsScraped(host.now(), counters))
    return session


def with_gpus(session: Session, host: Host) -> Session:
    """Return the session with one sample of the GPUs, which tells what they are called."""
    with closing(host.open_gpus()) as source:
        return advance(session, GpusSampled(host.now(), source.sample(processes=False)))


def _serving(found: tuple[Server, ...], host: Host) -> Server | None:
    """Return the server to look at: one that serves, a healthy one first, else a profile's."""
    serving = [each for each in found if each.state in SERVING and each.base_url]
    if serving:
        return min(serving, key=lambda each: each.state is ServerState.UNHEALTHY)
    names = {profile.name for profile in host.settings.servers}
    return next((each for each in found if each.name in names), None)
