"""What a rental was used for: the tokens of each server, each day, and the windows of traffic."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from backends.domain.billing.meter import Activity, MeterState, activity_of_host, advance_meter
from backends.domain.billing.shares import Holds, Share, with_share
from backends.domain.facts import BecameReady, Exited, MetricsScraped, ServerFact, Spawned, Stopped
from backends.domain.traffic.bins import kept_with
from backends.domain.traffic.shape import HourlyProfile, learn, learn_tokens
from backends.domain.traffic.totals import TokenTotals, add_reading, minus, plus
from backends.domain.traffic.windows import Window, Windows, after_reading


@dataclass(frozen=True, slots=True)
class Served:
    """One server of the rented host.

    Attributes:
        totals: since the bill began.
        profile: by hour of the day in UTC, learnt over every rental of this host.
        running: requests that ran when it was read last, at `read_wall_s`.
        windows: the traffic by windows of fixed length, for the verdict.
    """

    server: str
    totals: TokenTotals = field(default_factory=TokenTotals)
    profile: HourlyProfile = field(default_factory=HourlyProfile)
    running: float | None = None
    read_wall_s: float | None = None
    windows: Windows = field(default_factory=Windows)


@dataclass(frozen=True, slots=True)
class Energy:
    """What all GPUs drew in the time in which each of them told its power, in joules."""

    joules: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Day:
    """One day in UTC: what the host was used for, and what all its servers served.

    Attributes:
        shares: what each server is charged of the day.
        energy: what the GPUs drew, as far as it was measured.
    """

    day: date
    meter: MeterState
    totals: TokenTotals = field(default_factory=TokenTotals)
    shares: tuple[Share, ...] = ()
    energy: Energy = Energy()


@dataclass(frozen=True, slots=True)
class Ledger:
    """Everything that is kept beside the meter; days in their order, the newest last.

    Attributes:
        shares: what each server is charged since the bill began.
    """

    served: tuple[Served, ...] = ()
    days: tuple[Day, ...] = ()
    shares: tuple[Share, ...] = ()

    def of(self, server: str) -> Served:
        """Return what is known of a server; nothing of one that was never read."""
        return next((each for each in self.served if each.server == server), Served(server))


def all_totals(ledger: Ledger) -> TokenTotals:
    """Return what all servers together have served since the bill began."""
    total = TokenTotals()
    for each in ledger.served:
        total = plus(total, each.totals)
    return total


def with_reading(
    ledger: Ledger,
    server: str,
    read: MetricsScraped,
    counted_from_s: float,
    earlier: MetricsScraped | None = None,
    *,
    model: str = "",
) -> Ledger:
    """Return the ledger with one more reading of a server's counters.

    What was learnt of another model's traffic says nothing of this one's.

    Requests of inferctl's own since the `earlier` reading are counted apart in the totals, and are
    not in the windows that traffic is learnt from.
    """
    known = ledger.of(server)
    totals = add_reading(known.totals, read.counters, counted_from_s=counted_from_s, own=read.own)
    windows = after_reading(known.windows, read, earlier)
    profile = known.profile
    if model and profile.model != model:
        profile = HourlyProfile(model=model) if profile.model else replace(profile, model=model)
    if windows.closed is not None and windows.closed is not known.windows.closed:
        profile = learnt(profile, windows.closed)
    new = Served(server, totals, profile, read.counters.requests_running, read.at.wall_s, windows)
    others = tuple(each for each in ledger.served if each.server != server)
    days = _counted(ledger.days, minus(totals, known.totals), read.at.wall_s)
    return replace(ledger, served=(*others, new), days=days)


def with_launch(ledger: Ledger, server: str, launched_wall_s: float) -> Ledger:
    """Return the ledger after a launch: the counters of the process before it are gone."""
    known = ledger.of(server)
    if known.read_wall_s is None or launched_wall_s <= known.read_wall_s:
        return ledger
    fresh = replace(known, totals=replace(known.totals, last=(), process_start_s=None))
    others = tuple(each for each in ledger.served if each.server != server)
    return replace(ledger, served=(*others, fresh))


def with_new_bill(ledger: Ledger) -> Ledger:
    """Return the ledger with nothing served: what was learnt of the traffic and the days stay."""
    fresh = tuple(Served(each.server, profile=each.profile) for each in ledger.served)
    return replace(ledger, served=fresh, shares=())


def with_time(ledger: Ledger, from_s: float, to_s: float, activity: Activity) -> Ledger:
    """Return the ledger with a stretch of time spent on one activity, split at midnight UTC."""
    days = ledger.days
    for day, begin_s, until_s in _by_day(from_s, to_s):
        days = _spent(days, day, begin_s, until_s, activity)
    return replace(ledger, days=days)


def with_charges(
    ledger: Ledger, from_s: float, to_s: float, holds: Holds, activities: Mapping[str, Activity]
) -> Ledger:
    """Return the ledger with a stretch of time charged to those who hold the GPUs, day by day."""
    if not holds or to_s <= from_s:
        return ledger
    days = ledger.days
    for day, begin_s, until_s in _by_day(from_s, to_s):
        found = _day(days, day) or Day(day, MeterState("given", begin_s, begin_s))
        shares = with_share(found.shares, until_s - begin_s, holds, activities)
        days = _with_day(days, replace(found, shares=shares))
    shares = with_share(ledger.shares, to_s - from_s, holds, activities)
    return replace(ledger, days=days, shares=shares)


def with_energy(ledger: Ledger, from_s: float, to_s: float, power_w: float) -> Ledger:
    """Return the ledger with a stretch of time in which all GPUs together drew so many watts."""
    days = ledger.days
    for day, begin_s, until_s in _by_day(from_s, to_s):
        found, took_s = (
            _day(days, day) or Day(day, MeterState("given", begin_s, begin_s)),
            until_s - begin_s,
        )
        drawn = Energy(found.energy.joules + power_w * took_s, found.energy.seconds + took_s)
        days = _with_day(days, replace(found, energy=drawn))
    return replace(ledger, days=days)


def _by_day(from_s: float, to_s: float) -> Iterator[tuple[date, float, float]]:
    """Yield the part of a stretch of time that belongs to each day in UTC."""
    while from_s < to_s:
        day = utc_day(from_s)
        until_s = min(to_s, midnight_after(day))
        yield day, from_s, until_s
        from_s = until_s


def utc_day(wall_s: float) -> date:
    """Return the day of an instant."""
    return datetime.fromtimestamp(wall_s, UTC).date()


def midnight_after(day: date) -> float:
    """Return when a day ends, seconds since 1970."""
    next_day = day + timedelta(days=1)
    return datetime(next_day.year, next_day.month, next_day.day, tzinfo=UTC).timestamp()


def _spent(
    days: tuple[Day, ...], day: date, from_s: float, until_s: float, activity: Activity
) -> tuple[Day, ...]:
    found = _day(days, day) or Day(day, MeterState("given", from_s, from_s))
    # Only what is spent counts here: a day may have stretches that belong to no rental.
    state = advance_meter(replace(found.meter, last_s=from_s), until_s, activity)
    return _with_day(days, replace(found, meter=state))


def _counted(days: tuple[Day, ...], more: TokenTotals, wall_s: float) -> tuple[Day, ...]:
    day = utc_day(wall_s)
    found = _day(days, day) or Day(day, MeterState("given", wall_s, wall_s))
    return _with_day(days, replace(found, totals=plus(found.totals, more)))


def _day(days: tuple[Day, ...], day: date) -> Day | None:
    return next((each for each in reversed(days) if each.day == day), None)


def _with_day(days: tuple[Day, ...], new: Day) -> tuple[Day, ...]:
    """Return the days with one replaced or added; it nearly always is the newest."""
    if not days or days[-1].day < new.day:
        return (*days, new)
    if days[-1].day == new.day:
        return (*days[:-1], new)
    others = (each for each in days if each.day != new.day)
    return tuple(sorted((*others, new), key=lambda each: each.day))


def learnt(profile: HourlyProfile, window: Window) -> HourlyProfile:
    """Return a profile with what one more window of traffic saw."""
    if window.requests is None:
        return profile
    hour = datetime.fromtimestamp(window.began_wall_s, UTC).hour
    found = learn_tokens(learn(profile, hour, window.requests, window.seconds), window.seen)
    return replace(found, bins=kept_with(profile.bins, window.bins))


Change = tuple[float, Activity]
"""Since when, seconds since 1970, a server does what."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of time spent on one activity, from and to in seconds since 1970."""

    from_s: float
    to_s: float
    activity: Activity


def changes(facts: Iterable[ServerFact]) -> list[Change]:
    """Return what a server did when; a ready one may have served or not, which no journal tells."""
    found: list[Change] = []
    for fact in facts:
        match fact:
            case Spawned():
                found.append((fact.at.wall_s, "starting"))
            case BecameReady():
                found.append((fact.at.wall_s, "unwatched"))
            case Exited() | Stopped():
                found.append((fact.at.wall_s, "stopped"))
            case _:
                pass
    return found


def stretches_between(
    servers: Sequence[Sequence[Change]], from_s: float, to_s: float
) -> tuple[Stretch, ...]:
    """Return what a host did between two instants; together they tile the time.

    Before any server is known of, the time is unwatched: who knows what the host was used for.
    """
    if to_s <= from_s:
        return ()
    instants = sorted({at for each in servers for at, _ in each if from_s < at < to_s})
    edges = [from_s, *instants, to_s]
    return tuple(Stretch(begin, end, _at(servers, begin)) for begin, end in pairwise(edges))


def _at(servers: Sequence[Sequence[Change]], instant_s: float) -> Activity:
    known = []
    for each in servers:
        before = [change for change in each if change[0] <= instant_s]
        if before:
            known.append(max(before, key=lambda change: change[0])[1])
    return activity_of_host(known) if known else "unwatched"
