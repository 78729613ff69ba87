"""What ``cost`` and ``verdict`` rest on: this host as it is measured, and the traffic it serves."""

import argparse
from dataclasses import replace
from datetime import date
from typing import Any

from backends.domain.billing.ledger import utc_day
from backends.domain.session import Session
from backends.operations.context import Context, context_of
from backends.operations.decision import Decision, decide_all, decision_document
from backends.operations.finished_starts import record_finished_starts
from backends.operations.host import Host, this_host
from backends.operations.meter_store import shown_plan
from backends.operations.past_traffic import past_demand
from backends.operations.records import with_measured
from backends.operations.scenario import recorded
from backends.operations.snapshot import snapshot, with_gpus
from backends.settings.config import TrafficSource


def context_for(
    host: Host, session: Session, arguments: argparse.Namespace
) -> tuple[Context, date]:
    """Return the context of a verb, with the traffic of its source, and today in UTC.

    Raises:
        Problem: the source cannot tell.
    """
    now_s = host.now().wall_s
    server = session.life.server if session.life else None
    model = arguments.model or (server.model if server else None)
    traffic = past_demand(_source(host, arguments), model, now_s, host.settings.endpoints)
    shown = shown_plan(host, server.name) if server else None
    record_finished_starts(host)  # of servers that a verb started and no console watched
    context = replace(with_measured(context_of(host), host), traffic=traffic)
    return (context if shown is None else replace(context, shown=shown)), utc_day(now_s)


def _source(host: Host, arguments: argparse.Namespace) -> TrafficSource:
    """Return the source of traffic that is named, else the configured one."""
    configured = host.settings.traffic
    days = arguments.days or configured.days
    if arguments.prometheus:
        return TrafficSource(prometheus=arguments.prometheus, days=days)
    if arguments.traffic:
        return TrafficSource(
            files=tuple(arguments.traffic),
            map=arguments.map or configured.map,
            model=arguments.model or configured.model,
        )
    return replace(configured, days=days)


def on_recorded_traffic(context: Context, session: Session) -> Context:
    """Return a context with the recorded traffic of the server, where no other source is named."""
    if context.traffic is not None:
        return context
    return replace(context, traffic=recorded(session, context.settings))


def decided_here(arguments: argparse.Namespace) -> tuple[Decision, dict[str, Any]]:
    """Decide on this host: its prices, its capacity, and the traffic of the source that is named.

    Without a source it is what was recorded of the server, whoever watched it: the two readings of
    a verb show only what to do now.

    Returns:
        The decision, and the same as a JSON document.

    Raises:
        Problem: the source cannot tell.
    """
    host = this_host()
    session = snapshot(host, arguments.name)
    context, today = context_for(host, session, arguments)
    if context.gpu_prices:
        session = with_gpus(session, host)
    decision = decide_all(session, on_recorded_traffic(context, session), today)
    return decision, {"server": _judged(session), **decision_document(decision)}


def _judged(session: Session) -> dict[str, Any] | None:
    """Return the server whose traffic and arguments a verdict is of, None where there is none."""
    if session.life is None:
        return None
    server = session.life.server
    return {"name": server.name, "owner": server.owner, "model": server.model}
