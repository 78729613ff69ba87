"""What the console writes down and looks up: starts, series and the meter, in the history."""

import os
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from statistics import median
from typing import Any

from backends.domain.ab.facts import AbFact, RunEnded, SeriesBegan, SeriesEnded
from backends.domain.ab.series import AbSeries
from backends.domain.decision.hysteresis import ShownPlan
from backends.domain.facts import (
    Exited,
    Fact,
    FirstTokenSeen,
    FirstTokenUnavailable,
    ServersSeen,
    Spawned,
    Stopped,
)
from backends.domain.prices.amounts import STALE_AFTER_DAYS
from backends.domain.reports.ab import ab_report
from backends.domain.reports.sleep import SleepReport
from backends.domain.session import Session
from backends.domain.start import Outcome, Start
from backends.domain.startup.openings import VARIABLES
from backends.history.first_tokens import first_tokens
from backends.history.history import History, open_history
from backends.history.records import SeriesRecord
from backends.history.spool import RunRecord
from backends.history.thread import HistoryThread
from backends.operations.context import Context, capacities_known, context_of
from backends.operations.host import Host
from backends.operations.past_traffic import past_demand
from backends.operations.scenario import Measured, Starts
from backends.operations.test_spend import runs_usd
from backends.settings.config import Profile
from backends.wire import UnreadableRecord, typed

DAY_S = 86_400


def with_measured(context: Context, host: Host) -> Context:
    """Return the context with what the history tells a plan.

    Raises:
        HistoryUnavailable: the history cannot be read.
    """
    return replace(context, measured=measured_here(host))


def measured_known(host: Host) -> dict[str, Any]:
    """Return what the history tells a plan, as the field of the context that holds it."""
    return {"measured": measured_here(host)}


def measured_here(host: Host) -> Measured:
    """Return what was measured on this host: all like starts, and the A/B runs of 45 days.

    A start is like those of today with the same model and arguments; it counts once it came to its
    first token. An endpoint changes as prices do, so that its runs grow stale like them.

    Raises:
        HistoryUnavailable: the history cannot be read.
    """
    with closing(open_history(host.history_file)) as history:
        starts = (_starts(history, profile) for profile in host.settings.servers)
        found = tuple(each for each in starts if each is not None)
        kept = history.findings.recent("sleep")
    since_wall_s = host.now().wall_s - STALE_AFTER_DAYS * DAY_S
    sleeps = []
    for each in kept:
        with suppress(UnreadableRecord):  # of a newer inferctl
            sleeps.append(typed(each.document, SleepReport))
    return Measured(found, first_tokens(host.history_file, since_wall_s), tuple(sleeps))


def _starts(history: History, profile: Profile) -> Starts | None:
    records = history.starts_like(profile.model, profile.args)
    took_s = [
        record.start.first_token_s
        for record in records
        if record.start.outcome is Outcome.READY and record.start.first_token_s is not None
    ]
    return Starts(profile.name, len(took_s), median(took_s)) if took_s else None


def full_context(host: Host, session: Session, shown: ShownPlan) -> Context:
    """Return all that a decision on a server needs beside the session; reads files.

    Raises:
        Problem: the history, the prices or the source of traffic cannot be read.
    """
    model = session.life.server.model if session.life else None
    traffic = past_demand(host.settings.traffic, model, host.now().wall_s, host.settings.endpoints)
    return replace(with_measured(context_of(host), host), traffic=traffic, shown=shown)


ContextFields = dict[str, Any]
"""Fields of the context by their names."""

Read = Callable[[], ContextFields]
"""Reads files; takes as long as the disk does."""


def record_run(writer: HistoryThread, session: Session, context: Context, fact: Fact) -> Context:
    """Have written what a fact adds to an A/B, and return the context with what that has cost.

    What is replayed was written down when it happened, or is of another host.
    """
    if context.replayed or session.ab is None:
        return context
    if isinstance(fact, SeriesBegan | RunEnded | SeriesEnded):
        series = session.ab.series
        keep_series(writer, series, fact)
    match fact:
        case RunEnded():
            return replace(context, tests_usd=context.tests_usd + runs_usd([fact.run]))
        case SeriesEnded():
            warm_ups = fact.client.warm_ups if fact.client else ()
            return replace(context, tests_usd=context.tests_usd + runs_usd(warm_ups))
        case _:
            return context


def to_read(host: Host, session: Session, context: Context, fact: Fact) -> Read | None:
    """Return what reads the fields of the context that a fact has changed in files."""
    match fact:
        case ServersSeen():
            return partial(capacities_known, host, context.capacities_ns)
        case Spawned():
            profile = host.settings.profile(fact.server)
            return partial(starts_known, host, profile, but=fact.start_id)
        case FirstTokenSeen() | FirstTokenUnavailable() | Exited() | Stopped() if session.life:
            return None if context.replayed else partial(measured_known, host)
        case SeriesEnded() if session.ab:
            return None if context.replayed else partial(measured_known, host)
        case _:
            return None


def starts_known(host: Host, profile: Profile | None, but: str = "") -> ContextFields:
    """Return what is known of starts that are like those of a profile."""
    return {
        "earlier": earlier_starts(host, profile, but),
        "others": other_starts(host, profile, but),
        "environment": environment_of(profile),
    }


def earlier_starts(host: Host, profile: Profile | None, but: str = "") -> tuple[Start, ...]:
    """Return the complete starts of a profile's model and arguments, newest first."""
    return _ready_starts(host, profile, profile.args if profile else None, but)


def other_starts(host: Host, profile: Profile | None, but: str = "") -> tuple[Start, ...]:
    """Return the complete starts of a profile's model with whatever arguments, newest first."""
    return _ready_starts(host, profile, None, but)


def environment_of(profile: Profile | None) -> dict[str, str]:
    """Return what a profile's server gets of the variables that levers are about, no others."""
    given = {**os.environ, **dict(profile.environment if profile else ())}
    return {name: given[name] for name in VARIABLES if name in given}


def _ready_starts(
    host: Host, profile: Profile | None, args: tuple[str, ...] | None, but: str
) -> tuple[Start, ...]:
    if profile is None:
        return ()
    with closing(open_history(host.history_file)) as history:
        records = history.starts_like(profile.model, args)
    starts = (record.start for record in records)
    return tuple(
        start for start in starts if start.outcome is Outcome.READY and start.start_id != but
    )


def keep_series(writer: HistoryThread, series: AbSeries, fact: AbFact) -> None:
    """Have written what a fact adds to an A/B, so that a killed program loses no finished run."""
    began = series.began
    if isinstance(fact, RunEnded):
        writer.keep(RunRecord(began.series_id, fact.run))
    elif isinstance(fact, SeriesBegan | SeriesEnded):
        writer.keep(
            SeriesRecord(
                series_id=began.series_id,
                began_wall_s=began.at.wall_s,
                targets=began.targets,
                prompt_sha256=began.prompt_sha256,
                report=ab_report(series),
            )
        )
