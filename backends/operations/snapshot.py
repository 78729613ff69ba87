"""The session of a verb: what one look at this host tells, without a screen."""

import time
from contextlib import closing
from dataclasses import replace

from backends.agent import client
from backends.agent.messages import with_snapshot
from backends.domain.facts import GpusSampled, MetricsScraped, ServersSeen
from backends.domain.server import SERVING, Server, ServerState
from backends.domain.session import Session, advance, watching
from backends.metrics.scrape import MetricsUnavailable, scrape
from backends.operations.host import Host
from backends.operations.meter_store import open_meter_store, with_meter_store, write_account
from backends.operations.recording import by_agent
from backends.operations.recording.lock import RecordLock
from backends.servers.listing import list_servers

APART_S = 1.0
"""A rate needs two readings; closer ones would tell too little."""


def snapshot(host: Host) -> Session:
    """Return a session with the bill and the server that serves, if one does.

    It is the agent's record where one runs, or is to run always. Otherwise the bill is brought up
    to this moment, the server is read twice, and what that adds is kept.

    Raises:
        HistoryUnavailable: the history cannot be read.
        AgentUnavailable: an agent runs and does not answer, or cannot be started.
    """
    if host.settings.agent.always:
        by_agent.begin_agent(host)
    if by_agent.kept_by_agent(host) and (known := client.snapshot(host.state_folder)) is not None:
        session = replace(Session(known.account.at or host.now()), account=known.account)
        server = _serving(session.servers, host)
        return session if server is None else with_snapshot(_turned(session, server), known)
    session = with_meter_store(Session(host.now()), open_meter_store(host))
    found = list_servers(host.state_folder)
    session = advance(session, ServersSeen(host.now(), found))
    server = _serving(found, host)
    if server is not None:
        session = _read_twice(_turned(session, server), server, host)
    lock = RecordLock(host.state_folder)
    if lock.take():
        write_account(host, session.account)
        lock.release()
    return session


def _turned(session: Session, server: Server) -> Session:
    session = watching(session, server.name, server.model)
    assert session.life is not None
    return replace(session, life=replace(session.life, server=server))


def _read_twice(session: Session, server: Server, host: Host) -> Session:
    for reading in range(2):
        if reading:
            time.sleep(APART_S)
        try:
            counters = scrape(server.base_url or "")
        except MetricsUnavailable:
            return session
        session = advance(session, MetricsScraped(host.now(), counters, server.name))
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
