"""The account of one host: what it costs and what its servers served, from what all of them tell.

One process of a host keeps it, see `backends.operations.recording`; whoever is sent the same value
and then the same facts has the same account.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from backends.domain.billing.ledger import (
    Ledger,
    Stretch,
    with_charges,
    with_energy,
    with_launch,
    with_new_bill,
    with_reading,
    with_time,
)
from backends.domain.billing.meter import (
    Activity,
    MeterState,
    activity_of,
    activity_of_host,
    advance_meter,
    begin_meter,
    shifted,
)
from backends.domain.billing.shares import Holds, holds_of
from backends.domain.facts import (
    GpusSampled,
    HostTicked,
    MetricsScraped,
    ServersSeen,
    SourceFailed,
)
from backends.domain.gpu import GpuSample
from backends.domain.server import Owner, Server
from backends.domain.stamp import Stamp

AccountFact = GpusSampled | HostTicked | MetricsScraped | ServersSeen | SourceFailed
"""What an account is folded from; a reading names its server here."""

FRESH_S = 60.0
"""What a server was read to do holds this long, unless it has failed to answer since."""

CLOCK_STEP_S = 1.0
"""The wall clock was set where it and the monotonic clock differ by more over one fact: two sources
note the time of one fact a little apart."""


@dataclass(frozen=True, slots=True)
class Account:
    """What is known of the bill.

    Attributes:
        at: when the newest fact happened; None before the first.
        meter: None where the bill's begin is not known.
        ledger: what every server of this host served and each day was used for.
        servers: as they were listed last.
        servers_seen: `servers` was listed at least once, so that an empty one says something.
        readings: the newest reading of each server's counters, by its name.
        unread: the servers that have not answered since.
        holds: who holds which part of the GPUs, by the newest sample; it holds for `FRESH_S`.
        held_at_s: when that was, on the monotonic clock.
        power_w: what all GPUs drew then; None where one of them did not tell.
    """

    at: Stamp | None = None
    meter: MeterState | None = None
    ledger: Ledger = field(default_factory=Ledger)
    servers: tuple[Server, ...] = ()
    servers_seen: bool = False
    readings: Mapping[str, MetricsScraped] = field(default_factory=dict)
    unread: frozenset[str] = frozenset()
    holds: Holds = field(default_factory=dict)
    held_at_s: float = 0.0
    power_w: float | None = None


def account_after(account: Account, fact: AccountFact) -> Account:
    """Return the account after one fact; one older than the account changes nothing of the time."""
    account = _until(account, fact.at)
    match fact:
        case ServersSeen():
            return _with_servers(account, fact)
        case MetricsScraped():
            counted_from_s = account.meter.earliest_s if account.meter else 0.0
            earlier = account.readings.get(fact.server)
            models = {each.name: each.model for each in account.servers}
            model = models.get(fact.server) or ""
            ledger = with_reading(
                account.ledger, fact.server, fact, counted_from_s, earlier, model=model
            )
            readings = {**account.readings, fact.server: fact}
            unread = account.unread - {fact.server}
            return replace(account, ledger=ledger, readings=readings, unread=unread)
        case GpusSampled():
            holds = holds_of(fact.sample, account.servers)
            return replace(
                account,
                holds=holds,
                held_at_s=fact.at.mono_s,
                power_w=power_of(fact.sample),
            )
        case SourceFailed() if fact.server:
            return replace(account, unread=account.unread | {fact.server})
        case SourceFailed() | HostTicked():
            return account


def power_of(sample: GpuSample) -> float | None:
    """Return the watts that all cards draw together; None where one of them does not tell.

    A card that is cut into slices counts once.
    """
    watts = {gpu.index: gpu.power_w for gpu in sample.gpus}
    known = [each for each in watts.values() if each is not None]
    return sum(known) if known and len(known) == len(watts) else None


def activity(account: Account) -> Activity:
    """Return what the rented time is spent on at the newest fact, by any server of the host."""
    return activity_of_host(_activity_of(account, each) for each in account.servers)


def with_stretches(account: Account, stretches: tuple[Stretch, ...]) -> Account:
    """Return the account with time that no fact covers, as other records tell it."""
    meter, ledger = account.meter, account.ledger
    if meter is None:
        return account
    for each in stretches:
        ledger = with_time(ledger, max(each.from_s, meter.last_s), each.to_s, each.activity)
        meter = advance_meter(meter, each.to_s, each.activity)
    return replace(account, meter=meter, ledger=ledger)


def _activity_of(account: Account, server: Server) -> Activity:
    read = account.readings.get(server.name)
    at = account.at
    if read is None or at is None or server.name in account.unread:
        return activity_of(server.state, None)
    fresh = at.mono_s - read.at.mono_s < FRESH_S
    return activity_of(server.state, read.counters.requests_running if fresh else None)


def _until(account: Account, at: Stamp) -> Account:
    """Spend the time up to an instant on what the servers did until then."""
    before = account.at
    if before is None:
        return replace(account, at=at)
    if at.mono_s <= before.mono_s:
        return account
    account = on_clock(account, at)
    meter = account.meter
    if meter is None:
        return replace(account, at=at)
    did = activity(account)
    ledger = with_time(account.ledger, meter.last_s, at.wall_s, did)
    if at.mono_s - account.held_at_s < FRESH_S:
        activities = {each.name: _activity_of(account, each) for each in account.servers}
        ledger = with_charges(ledger, meter.last_s, at.wall_s, account.holds, activities)
        if account.power_w is not None:
            ledger = with_energy(ledger, meter.last_s, at.wall_s, account.power_w)
    return replace(account, at=at, meter=advance_meter(meter, at.wall_s, did), ledger=ledger)


def on_clock(account: Account, now: Stamp) -> Account:
    """Move the bill with a wall clock that was set, so that no second is added or lost."""
    before, meter = account.at, account.meter
    if before is None or meter is None:
        return account
    step_s = (now.wall_s - before.wall_s) - (now.mono_s - before.mono_s)
    if abs(step_s) < CLOCK_STEP_S:
        return account
    dated = replace(before, wall_s=before.wall_s + step_s)
    return replace(account, at=dated, meter=shifted(meter, step_s))


def _with_servers(account: Account, fact: ServersSeen) -> Account:
    """Take the listed servers, and each launch since they were listed before."""
    seen = replace(account, servers=fact.servers, servers_seen=True)
    if not account.servers_seen:
        return seen
    known = {(each.name, each.started_at) for each in account.servers}
    for each in fact.servers:
        if each.started_at is not None and (each.name, each.started_at) not in known:
            seen = _with_launch(seen, each, each.started_at, fact.at.wall_s)
    return seen


def _with_launch(account: Account, server: Server, launched_s: float, now_s: float) -> Account:
    """Begin to count a server's requests anew, and with one of ours a bill by the server."""
    meter, ledger = account.meter, with_launch(account.ledger, server.name, launched_s)
    ours = server.owner is Owner.MANAGED
    by_server = meter is not None and meter.origin == "server_start"
    if meter is not None and by_server and ours and launched_s > meter.began_s + 1:
        meter = advance_meter(
            begin_meter("server_start", launched_s, launched_s), now_s, "starting"
        )
        ledger = with_new_bill(ledger)
    return replace(account, meter=meter, ledger=ledger)
