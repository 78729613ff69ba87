"""The source of traffic that a verb was given: a file, a Prometheus server, or what is measured."""

import argparse
from dataclasses import replace
from datetime import date
from pathlib import Path

from backends.domain.billing.ledger import utc_day
from backends.domain.session import Session
from backends.operations import scenario
from backends.operations.context import Context, context_of
from backends.operations.host import Host
from backends.operations.meter_store import shown_plan
from backends.operations.past_traffic import past_demand
from backends.operations.records import record_finished_starts, with_measured
from backends.settings.config import TrafficSource


def source_of(host: Host, arguments: argparse.Namespace) -> TrafficSource:
    """Return the source that is named, else the configured one."""
    configured = host.settings.traffic
    days = arguments.days or configured.days
    if arguments.prometheus:
        return TrafficSource(prometheus=arguments.prometheus, days=days)
    if arguments.traffic:
        return TrafficSource(file=str(Path(arguments.traffic)))
    return replace(configured, days=days)


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
    traffic = past_demand(source_of(host, arguments), model, now_s)
    shown = shown_plan(host, server.name) if server else None
    record_finished_starts(host)  # of servers that a verb started and no console watched
    context = replace(with_measured(context_of(host), host), traffic=traffic)
    return (context if shown is None else replace(context, shown=shown)), utc_day(now_s)


def on_recorded_traffic(context: Context, session: Session) -> Context:
    """Return a desk with what was recorded of the server, where no other source is named."""
    if context.traffic is not None:
        return context
    return replace(context, traffic=scenario.recorded(session, context.settings))
