"""What the console writes down and looks up: starts, series and the meter, in the history."""

import os
from contextlib import closing
from dataclasses import replace
from decimal import Decimal

from backends.domain.ab_facts import AbFact, RunEnded, SeriesBegan, SeriesEnded
from backends.domain.facts import (
    Exited,
    Fact,
    FirstTokenSeen,
    FirstTokenUnavailable,
    MetricsScraped,
    ServersSeen,
    Spawned,
    Stopped,
    Ticked,
)
from backends.domain.lifecycle import Life
from backends.domain.session import Session
from backends.domain.stamp import Stamp
from backends.domain.start import Outcome, Start
from backends.domain.startup.fold import as_start
from backends.domain.startup.openings import VARIABLES
from backends.domain.streams.report import ab_report
from backends.domain.streams.series import AbSeries
from backends.history.history import open_history
from backends.history.records import SeriesRecord, StartRecord
from backends.settings.config import Profile
from console import bookkeeping
from console.desk import Desk, with_capacities
from console.machine import Machine
from console.measured import with_measured
from console.own_tests import runs_usd
from console.servers import launched_with

SECONDS_PER_HOUR = 3600


def keep(machine: Machine, session: Session, desk: Desk, fact: Fact) -> Desk:
    """Write down what a fact completes, and return the desk with what it calls for.

    What is replayed was written down when it happened, or is of another host.
    """
    match fact:
        case Spawned():
            profile = machine.settings.profile(fact.server)
            return with_starts(desk, machine, profile, but=fact.start_id)
        case _ if desk.replayed:
            pass
        case FirstTokenSeen() | FirstTokenUnavailable() | Exited() | Stopped() if session.life:
            keep_start(machine, session.life)
            desk = with_measured(desk, machine)
        case SeriesBegan() | RunEnded() | SeriesEnded() if session.ab:
            keep_series(machine, session.ab.series, fact)
            if isinstance(fact, RunEnded):
                return replace(desk, tests_usd=desk.tests_usd + runs_usd([fact.run]))
            if isinstance(fact, SeriesEnded):
                warm_ups = fact.client.warm_ups if fact.client else ()
                desk = replace(desk, tests_usd=desk.tests_usd + runs_usd(warm_ups))
                desk = with_measured(desk, machine)
        case ServersSeen():
            return with_capacities(desk, machine)
        case Ticked() | MetricsScraped():
            return bookkeeping.keep(machine, session, desk, fact.at.wall_s)
        case _:
            pass
    return desk


def with_starts(desk: Desk, machine: Machine, profile: Profile | None, but: str = "") -> Desk:
    """Return the desk with what is known of starts that are like those of a profile."""
    return replace(
        desk,
        earlier=earlier_starts(machine, profile, but),
        others=other_starts(machine, profile, but),
        environment=environment_of(profile),
    )


def earlier_starts(machine: Machine, profile: Profile | None, but: str = "") -> tuple[Start, ...]:
    """Return the complete starts of a profile's model and arguments, newest first."""
    return _ready_starts(machine, profile, profile.args if profile else None, but)


def other_starts(machine: Machine, profile: Profile | None, but: str = "") -> tuple[Start, ...]:
    """Return the complete starts of a profile's model with whatever arguments, newest first."""
    return _ready_starts(machine, profile, None, but)


def environment_of(profile: Profile | None) -> dict[str, str]:
    """Return what a profile's server gets of the variables that levers are about, no others."""
    given = {**os.environ, **dict(profile.environment if profile else ())}
    return {name: given[name] for name in VARIABLES if name in given}


def _ready_starts(
    machine: Machine, profile: Profile | None, args: tuple[str, ...] | None, but: str
) -> tuple[Start, ...]:
    if profile is None:
        return ()
    with closing(open_history(machine.history_file)) as history:
        records = history.starts_like(profile.model, args)
    starts = (record.start for record in records)
    return tuple(
        start for start in starts if start.outcome is Outcome.READY and start.start_id != but
    )


def keep_start(machine: Machine, life: Life) -> None:
    """Write a start down; the more complete of two records of one start stays."""
    record = start_record(machine, life, machine.now())
    if record is None:
        return
    with closing(open_history(machine.history_file)) as history:
        history.add_start(record)


def start_record(machine: Machine, life: Life, at: Stamp) -> StartRecord | None:
    """Return what the history keeps of a start; None before its launch was seen.

    Model and arguments are those it was launched with: the profile may have changed since. Its
    price is the profile's of today, None for a start whose profile is gone.
    """
    launched = launched_with(life.argv)
    if life.spawned_at is None or life.start is None or launched is None:
        return None
    profile = machine.settings.profile(life.server.name)
    start = as_start(life.start, at)
    model, args = launched
    return StartRecord(
        server=life.server.name,
        model=model,
        args=args,
        began_wall_s=life.spawned_at.wall_s,
        start=start,
        cost_usd=start_cost(profile, start),
    )


def start_cost(profile: Profile | None, start: Start) -> Decimal | None:
    """Return what the host cost for the length of a start, None without a price."""
    price = profile.gpu_usd_per_hour if profile else None
    if price is None or start.total_s is None:
        return None
    return price * Decimal(repr(start.total_s)) / SECONDS_PER_HOUR


def keep_series(machine: Machine, series: AbSeries, fact: AbFact) -> None:
    """Write down what a fact adds to an A/B, so that a killed program loses no finished run."""
    began = series.began
    with closing(open_history(machine.history_file)) as history:
        if isinstance(fact, RunEnded):
            history.add_run(began.series_id, fact.run)
        elif isinstance(fact, SeriesBegan | SeriesEnded):
            history.add_series(
                SeriesRecord(
                    series_id=began.series_id,
                    began_wall_s=began.at.wall_s,
                    lanes=began.lanes,
                    prompt_sha256=began.prompt_sha256,
                    report=ab_report(series),
                )
            )
