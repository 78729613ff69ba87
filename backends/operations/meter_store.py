"""The meter of the rental in the history, with what was served, the days and the plan."""

import math
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from backends.domain.billing.account import (
    CLOCK_STEP_S,
    Account,
    activity,
    on_clock,
    with_stretches,
)
from backends.domain.billing.ledger import (
    Day,
    Ledger,
    Served,
    Stretch,
    changes,
    learnt,
    stretches_between,
    utc_day,
)
from backends.domain.billing.meter import MeterState, Origin, begin_meter, shifted
from backends.domain.billing.shares import Share
from backends.domain.decision.hysteresis import ShownPlan
from backends.domain.facts import ServerFact, Spawned
from backends.domain.session import Session
from backends.domain.stamp import Stamp, in_calendar
from backends.domain.traffic.shape import HourlyProfile
from backends.domain.traffic.totals import TokenTotals
from backends.domain.traffic.windows import Window, open_window
from backends.history.history import History, open_history
from backends.host.boot import boot_id, is_in_container, rental_wall_s
from backends.host.files import read_file, replace_file
from backends.keeper.folder import ServerFolder, read_journal, server_folders
from backends.operations.host import Host
from backends.wire import UnreadableRecord, json_bytes, plain, read_json, typed, with_infinity


def stretches(state_folder: Path, from_s: float, now: Stamp) -> tuple[Stretch, ...]:
    """Return what this host's servers did from an instant, seconds since 1970, until now."""
    done = [
        changes(_on_clock(_lately(folder, from_s), now)) for folder in server_folders(state_folder)
    ]
    return stretches_between(done, from_s, now.wall_s)


def launches(state_folder: Path, now: Stamp) -> tuple[float, ...]:
    """Return when the servers that run were launched; where none does, when the last one was."""
    found = [
        changes(_on_clock(read_journal(folder.journal), now))
        for folder in server_folders(state_folder)
    ]
    begun = [(each[0][0], each[-1][1]) for each in found if each]
    running = tuple(at for at, now in begun if now != "stopped")
    return running or tuple(sorted(at for at, _ in begun)[-1:])


def _lately(folder: ServerFolder, from_s: float) -> list[ServerFact]:
    """Return the facts of all starts that were written to since an instant, and of the last."""
    journals = sorted(folder.starts.glob("*.jsonl"), key=lambda path: path.stat().st_mtime)
    recent = [path for path in journals if path.stat().st_mtime >= from_s]
    return [fact for path in recent or journals[-1:] for fact in read_journal(path)]


def _on_clock(facts: list[ServerFact], now: Stamp) -> list[ServerFact]:
    """Return the facts of this boot as the wall clock dates them now, which may have been set."""
    ahead_s, boot, this_boot = now.wall_s - now.mono_s, "", boot_id()
    dated: list[ServerFact] = []
    for fact in facts:
        boot = fact.boot if isinstance(fact, Spawned) else boot
        wall_s = fact.at.mono_s + ahead_s
        if boot == this_boot and abs(wall_s - fact.at.wall_s) >= CLOCK_STEP_S:
            fact = replace(fact, at=Stamp(fact.at.mono_s, wall_s))  # noqa: PLW2901
        dated.append(fact)
    return dated


HOST_BOOT: Origin = "host_boot"
CONTAINER_START: Origin = "container_start"
SERVER_START: Origin = "server_start"
GIVEN: Origin = "given"

METER = "host"
SERVED = "served"
SHARES = "shares"
DAY = "day:"
PROFILE = "profile:"
WINDOW = "window:"
SHOWN = "plan:"

UNSEEN_S = 5.0
"""A longer stretch without a fact was seen by nobody: journals tell what they can of it."""

LATEST = "record.json"
"""In the state folder; lost with it, the history still holds the minute before."""

WRITE_EVERY_S = 60.0
"""The history holds the meter of the last minute; what is newer stands in the running account."""

SAME_BOOT_S = 30.0
"""The boot time is computed from two clocks, and moves when one of them is set."""

T = TypeVar("T")

Kept = Mapping[str, Any]
"""What the history keeps under each name."""


@dataclass(frozen=True, slots=True)
class ServedInBill:
    """What the servers served in the bill that began at an instant, seconds since 1970."""

    began_s: float
    totals: tuple[tuple[str, TokenTotals, float | None], ...] = ()


@dataclass(frozen=True, slots=True)
class SharesInBill:
    """What each server was charged in the bill that began at an instant, seconds since 1970."""

    began_s: float
    shares: tuple[Share, ...] = ()


@dataclass(frozen=True, slots=True)
class Latest:
    """The account as it stood a second ago, for whoever goes on with it after a crash.

    Attributes:
        boot: which boot its monotonic clock counts from.
    """

    boot: str
    account: Account


@dataclass(frozen=True, slots=True)
class MeterStore:
    """What was kept, brought up to this moment.

    Attributes:
        latest: the account as the process before left it, None where that was another boot.
    """

    meter: MeterState
    ledger: Ledger
    latest: Account | None = None


def open_meter_store(host: Host) -> MeterStore:
    """Return the meter and the ledger: as they were left, or begun with the bill.

    The time since then is told from the keepers' journals as far as they tell: starting and stopped
    are known, what a ready server did is not.

    Raises:
        HistoryUnavailable: the history cannot be read.
    """
    now = host.now()
    now_s = now.wall_s
    with closing(open_history(host.history_file)) as history:
        kept = _kept(history)
        latest, step_s = _latest(host.state_folder, now)
        before = _load(kept, METER, MeterState)
        meter, fresh = _meter(host, shifted(before, step_s) if before else None, now)
        since = utc_day(meter.last_s)
        bill_s = meter.began_s if fresh or before is None else before.began_s
        days = _days(kept, since, utc_day(now_s))
        ledger = Ledger(_served(kept, bill_s), days, _shares(kept, bill_s))
    if latest is not None and latest.meter is not None:
        # The history may be of a minute ago, before the clock was set.
        apart_s = min(
            abs(latest.meter.began_s - meter.began_s), abs(latest.meter.dated_s - meter.dated_s)
        )
        if apart_s < SAME_BOOT_S and latest.meter.last_s > meter.last_s:
            meter, ledger, fresh = latest.meter, latest.ledger, False
    since_s = meter.began_s if fresh else meter.last_s
    account = Account(latest.at if latest else None, meter, ledger)
    if latest is not None and meter is latest.meter and 0 < now_s - since_s <= UNSEEN_S:
        went_on: tuple[Stretch, ...] = (Stretch(since_s, now_s, activity(latest)),)
    else:
        went_on = stretches(host.state_folder, since_s, now)
    account = with_stretches(account, went_on)
    assert account.meter is not None
    return MeterStore(account.meter, account.ledger, latest)


def keep_latest(state_folder: Path, account: Account) -> None:
    """Write the account where whoever goes on with it looks first.

    Raises:
        OSError: the folder takes no file.
    """
    latest = json_bytes(plain(Latest(boot_id(), account)))
    replace_file(state_folder / LATEST, latest, survives_power_cut=False)


def _latest(state_folder: Path, now: Stamp) -> tuple[Account | None, float]:
    """Return the account that was kept last in this boot, as the wall clock dates it now.

    Beside it stands by how much that was set since; None where the account cannot be had.
    """
    try:
        kept = read_json(read_file(state_folder / LATEST), dict)
        latest = typed(with_infinity(kept), Latest)
    except (OSError, UnreadableRecord):
        return None, 0.0  # the history holds what was known a minute before
    if latest.boot != boot_id() or (latest.account.meter and not _can_be(latest.account.meter)):
        return None, 0.0
    account = on_clock(latest.account, now)
    before, after = latest.account.meter, account.meter
    return account, after.began_s - before.began_s if before and after else 0.0


def with_meter_store(session: Session, store: MeterStore) -> Session:
    """Return a session that goes on with what was kept."""
    account = replace(session.account, meter=store.meter, ledger=store.ledger)
    return replace(session, account=account)


def gone_on(account: Account, store: MeterStore) -> Account:
    """Return the account with what was kept, and with the servers of then until they are listed."""
    if not account.servers_seen and store.latest is not None:
        account = replace(
            account,
            servers=store.latest.servers,
            servers_seen=True,
            readings={**store.latest.readings, **account.readings},
        )
    return replace(account, meter=store.meter, ledger=store.ledger)


def write_account(host: Host, account: Account) -> None:
    """Write the meter and the ledger down.

    Raises:
        HistoryUnavailable: the history cannot be written.
    """
    with closing(open_history(host.history_file)) as history:
        save_account(history, account)


def save_account(history: History, account: Account, since_s: float = 0.0) -> None:
    """Write the meter and the ledger down; of the days those that may have changed."""
    meter, ledger = account.meter, account.ledger
    if meter is None:
        return
    totals = tuple((each.server, each.totals, each.read_wall_s) for each in ledger.served)
    _save(history, METER, meter.last_s, meter)
    _save(history, SERVED, meter.last_s, ServedInBill(meter.began_s, totals))
    _save(history, SHARES, meter.last_s, SharesInBill(meter.began_s, ledger.shares))
    for each in ledger.served:
        _save(history, PROFILE + each.server, meter.last_s, each.profile)
        _save(history, WINDOW + each.server, meter.last_s, open_window(each.windows))
    for day in ledger.days:
        if day.day >= utc_day(since_s):
            _save(history, f"{DAY}{day.day}", meter.last_s, day)


def save_plan(history: History, server: str, shown: ShownPlan, at_s: float) -> None:
    """Write down a server's plan as it holds since a window was judged."""
    _save(history, SHOWN + server, at_s, shown)


def spent_usd(host: Host, since_s: float) -> Decimal:
    """Return what inferctl's own tests have cost since an instant, seconds since 1970."""
    with closing(open_history(host.history_file)) as history:
        return history.tests_usd(since_s, math.inf)


def shown_plan(host: Host, server: str) -> ShownPlan:
    """Return the plan of a server as it held when a window was judged last."""
    with closing(open_history(host.history_file)) as history:
        state = history.load_meter(SHOWN + server)
    return _load({SHOWN: state}, SHOWN, ShownPlan) or ShownPlan()


def days_between(history: History, first: date, last: date) -> tuple[Day, ...]:
    """Return the days of a period that were kept, in their order."""
    return _days(_kept(history), first, last)


def _meter(host: Host, kept: MeterState | None, now: Stamp) -> tuple[MeterState, bool]:
    """Return the meter as it was kept, or begun with the bill and then fresh."""
    since = host.settings.billing.since
    if since == "server":
        began_s, origin = _launched_s(host, kept, now), SERVER_START
    elif isinstance(since, datetime):
        began_s, origin = since.timestamp(), GIVEN
    else:
        began_s = rental_wall_s()
        origin = CONTAINER_START if is_in_container() else HOST_BOOT
    if kept is not None:  # what is computed from the boot moves with the clock, a date does not
        by_the_boot = origin in (HOST_BOOT, CONTAINER_START)
        kept_began_s = kept.began_s if by_the_boot else kept.dated_s
        if abs(kept_began_s - began_s) < SAME_BOOT_S:
            return kept, False
    return begin_meter(origin, began_s, began_s), True


def _launched_s(host: Host, kept: MeterState | None, now: Stamp) -> float:
    """Return when the server was launched that runs now, or ran last: the earliest of several."""
    found = launches(host.state_folder, now)
    if found:
        return min(found)
    return kept.began_s if kept is not None and kept.origin == "server_start" else now.wall_s


def _served(states: Kept, began_s: float) -> tuple[Served, ...]:
    kept = _load(states, SERVED, ServedInBill)
    same = kept is not None and abs(kept.began_s - began_s) < SAME_BOOT_S
    totals = {name: (found, read) for name, found, read in kept.totals} if kept and same else {}
    names = {name.removeprefix(PROFILE) for name in states if name.startswith(PROFILE)}
    return tuple(
        Served(
            name,
            totals.get(name, (TokenTotals(), None))[0],
            _profile(states, name),
            read_wall_s=totals.get(name, (None, None))[1],
        )
        for name in sorted(names | totals.keys())
    )


def _shares(states: Kept, began_s: float) -> tuple[Share, ...]:
    kept = _load(states, SHARES, SharesInBill)
    same = kept is not None and abs(kept.began_s - began_s) < SAME_BOOT_S
    return kept.shares if kept is not None and same else ()


def _profile(states: Kept, server: str) -> HourlyProfile:
    """Return what was learnt of a server, with the window that an earlier program left open."""
    profile = _load(states, PROFILE + server, HourlyProfile) or HourlyProfile()
    window = _load(states, WINDOW + server, Window)
    return profile if window is None else learnt(profile, window)


def _days(states: Kept, first: date, last: date) -> tuple[Day, ...]:
    """Return the days from a first to a last one, as far as they were kept, in their order."""
    found = (_load(states, name, Day) for name in states if name.startswith(DAY))
    days = [day for day in found if day is not None and first <= day.day <= last]
    return tuple(sorted(days, key=lambda day: day.day))


def _kept(history: History) -> Kept:
    return {row["name"]: row["state"] for row in history.export("meters")}


def _save(history: History, name: str, wall_s: float, value: object) -> None:
    history.save_meter(name, wall_s, plain(value))


def _load(states: Kept, name: str, kind: type[T]) -> T | None:
    """Return what was kept under a name; None where nothing was, or it was damaged."""
    try:
        found = typed(states[name], kind)
    except (KeyError, UnreadableRecord):
        return None
    return None if isinstance(found, MeterState) and not _can_be(found) else found


def _can_be(meter: MeterState) -> bool:
    return in_calendar(meter.began_s) and in_calendar(meter.last_s)
