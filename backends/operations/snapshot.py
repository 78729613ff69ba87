"""The session of a verb: what one look at this host tells, without a screen."""

import time
from contextlib import closing
from dataclasses import replace

from backends.agent import client
from backends.agent.messages import with_snapshot
from backends.domain.facts import GpusSampled, MetricsScraped, ServersSeen
from backends.domain.lifecycle import not_started
from backends.domain.server import SERVING, Server, ServerState
from backends.domain.session import Session, advance, watching
from backends.metrics.scrape import MetricsUnavailable, scrape
from backends.operations.host import Host
from backends.operations.meter_store import open_meter_store, with_meter_store, write_account
from backends.operations.recording import by_agent
from backends.operations.recording.lock import RecordLock
from backends.problem import NotFound
from backends.servers.listing import list_servers
from backends.servers.own_traffic import KEPT_S, were_sent

APART_S = 1.0
"""A rate needs two readings; closer ones would tell too little."""


def snapshot(host: Host, name: str | None = None) -> Session:
    """Return a session with the bill and the server of a name, else the one that serves.

    It is the agent's record where one runs, or is to run always. Otherwise the bill is brought up
    to this moment, the server is read twice, and what that adds is kept.

    Raises:
        HistoryUnavailable: the history cannot be read.
        AgentUnavailable: an agent runs and does not answer, or cannot be started.
        NotFound: no server and no profile has that name.
    """
    if host.settings.agent.always:
        by_agent.begin_agent(host)
    if by_agent.kept_by_agent(host) and (known := client.snapshot(host.state_folder)) is not None:
        session = replace(Session(known.account.at or host.now()), account=known.account)
        server = _chosen(session.servers, host, name)
        return (
            session
            if server is None
            else with_snapshot(watching(session, server.name, server.model), known)
        )
    session = with_meter_store(Session(host.now()), open_meter_store(host))
    found = list_servers(host.state_folder)
    session = advance(session, ServersSeen(host.now(), found))
    server = _chosen(found, host, name)
    if server is not None:
        session = _read_twice(watching(session, server.name, server.model), server, host)
    lock = RecordLock(host.state_folder)
    if lock.take():
        write_account(host, session.account)
        lock.release()
    return session


def _read_twice(session: Session, server: Server, host: Host) -> Session:
    address = server.base_url
    if address is None or server.state not in SERVING:
        return session
    for reading in range(2):
        if reading:
            time.sleep(APART_S)
        try:
            counters = scrape(address)
        except MetricsUnavailable:
            return session
        at, read_s = host.now(), session.ledger.of(server.name).read_wall_s
        # What a server did in hours that nobody read is not all a test's that was among it.
        lately = read_s is not None and at.wall_s - read_s < KEPT_S
        own = lately and were_sent(host.state_folder, address, read_s or 0.0)
        session = advance(session, MetricsScraped(at, counters, server.name, own))
    return session


def with_gpus(session: Session, host: Host) -> Session:
    """Return the session with one sample of the GPUs, which tells what they are called."""
    with closing(host.open_gpus()) as source:
        return advance(session, GpusSampled(host.now(), source.sample(processes=False)))


def _chosen(found: tuple[Server, ...], host: Host, name: str | None) -> Server | None:
    if name is None:
        return _serving(found, host)
    if named := next((each for each in found if each.name == name), None):
        return named
    if profile := host.settings.profile(name):
        return not_started(name, profile.request_model).server
    raise NotFound(f"no server is called {name}; inferctl status lists them all")


def _serving(found: tuple[Server, ...], host: Host) -> Server | None:
    """Return the server to look at: one that serves, a healthy one first, else a profile's."""
    serving = [each for each in found if each.state in SERVING and each.base_url]
    if serving:
        return min(serving, key=lambda each: each.state is ServerState.UNHEALTHY)
    names = {profile.name for profile in host.settings.servers}
    return next((each for each in found if each.name in names), None)
