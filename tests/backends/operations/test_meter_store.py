"""The meter goes on over restarts of the console, of servers and of the host."""

import math
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import reduce
from pathlib import Path

import pytest

from backends.domain.billing.account import Account
from backends.domain.billing.meter import begin_meter, shifted
from backends.domain.decision.hysteresis import ShownPlan
from backends.domain.decision.outcome import VerdictKind
from backends.domain.decision.scenario import Scenario
from backends.domain.facts import Fact, HostTicked, Spawned
from backends.domain.session import Session, advance, watching
from backends.history.history import open_history
from backends.history.records import SeriesRecord
from backends.host.boot import boot_id
from backends.keeper.folder import ServerFolder, link_journal, prepare, server_folder
from backends.operations import decision, meter_store
from backends.operations.billing import bill_of
from backends.operations.context import Context
from backends.operations.host import Host
from backends.operations.meter_store import (
    keep_latest,
    open_meter_store,
    spent_usd,
    with_meter_store,
    write_account,
)
from backends.settings.config import Billing, Settings
from backends.wire import encode_fact
from tests.backends.domain.journals import BOOT_WALL_S, at, ready, spawned, stopped, with_lists
from tests.console import sessions
from tests.console.sessions import SETTINGS, run, scrape
from tests.console.stage import host_in
from tests.console.tui.test_cost_pictures import CAPACITY

BEGAN = datetime.fromtimestamp(BOOT_WALL_S, UTC)


def host(folder: Path, now_s: float, settings: Settings = SETTINGS, **billing: object) -> Host:
    """Return a machine whose clock stands still, on a bill since the beginning of its journals."""
    rented = replace(Billing(since=BEGAN), **billing)  # type: ignore[arg-type]
    return replace(host_in(folder, replace(settings, billing=rented)), now=lambda: at(now_s))


def journal(folder: Path, facts: list[Fact], start_id: str = "start-1") -> None:
    """Leave a journal as a keeper does."""
    server = ServerFolder(server_folder(folder / "state", "chat"))
    prepare(server)
    path = link_journal(server, start_id)
    path.write_bytes(b"".join(encode_fact(fact) + b"\n" for fact in facts))


def of_this_boot(facts: Iterable[Fact]) -> list[Fact]:
    return [replace(each, boot=boot_id()) if isinstance(each, Spawned) else each for each in facts]


def session_of(made_host: Host, *facts: Fact) -> Session:
    opened = with_meter_store(Session(made_host.now()), open_meter_store(made_host))
    return reduce(advance, with_lists(facts), watching(opened, "chat", "org/model"))


def test_a_bill_begins_unwatched(tmp_path: Path) -> None:
    store = open_meter_store(host(tmp_path, 3600.0))
    assert (store.meter.origin, store.meter.began_s) == ("given", BOOT_WALL_S)
    assert store.meter.unwatched_s == 3600.0


def test_the_time_before_the_console_is_told_by_the_journals(tmp_path: Path) -> None:
    journal(tmp_path, list(stopped()))
    meter = open_meter_store(host(tmp_path, 300.0)).meter
    assert (meter.starting_s, meter.stopped_s, meter.unwatched_s) == (50.0, 97.0, 153.0)


def test_what_was_served_goes_on_where_it_stood(tmp_path: Path) -> None:
    journal(tmp_path, list(ready()))
    first = session_of(host(tmp_path, 200.0), *ready(), scrape(200, 10), scrape(260, 70))
    write_account(host(tmp_path, 260.0), first.account)
    again = session_of(host(tmp_path, 900.0), *ready(), scrape(901, 500))
    assert again.totals.requests == 500
    assert again.meter is not None
    assert again.meter.serving_s == 60.0
    assert again.meter.last_s == at(901).wall_s
    served = sum(day.totals.requests or 0 for day in again.ledger.days)
    assert served == 500


def test_a_server_that_was_restarted_while_nobody_watched_adds_up(tmp_path: Path) -> None:
    first = session_of(host(tmp_path, 200.0), *ready(), scrape(200, 10), scrape(260, 70))
    write_account(host(tmp_path, 260.0), first.account)
    begun_anew = replace(spawned(500.0), start_id="start-2")
    reading = scrape(901, 500)
    fresh = replace(reading, counters=replace(reading.counters, process_start_s=at(501).wall_s))
    again = session_of(host(tmp_path, 900.0), begun_anew, fresh)
    assert again.totals.requests == 570


@pytest.mark.parametrize("step_s", [3 * 3600.0, -86400.0, 40.0, 5.0])
@pytest.mark.parametrize("since", ["boot", BEGAN, "server"])
def test_a_wall_clock_that_is_set_while_nobody_watches_changes_no_bill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, since: object, step_s: float
) -> None:
    def clock_set_by(moved_s: float) -> None:
        monkeypatch.setattr(meter_store, "rental_wall_s", lambda: BOOT_WALL_S + moved_s)

    clock_set_by(0.0)
    journal(tmp_path, list(ready()))
    before = host(tmp_path, 200.0, since=since)
    first = session_of(before, *ready(), scrape(200, 10), scrape(260, 70)).account
    meter_store.keep_latest(before.state_folder, first)
    write_account(before, first)
    clock_set_by(step_s)
    later = replace(before, now=lambda: at(900.0, BOOT_WALL_S + step_s))
    store = open_meter_store(later)
    assert first.meter is not None
    begun_s = at(100.0 if since == "server" else 0.0).wall_s
    assert store.meter.last_s - store.meter.began_s == pytest.approx(at(900.0).wall_s - begun_s)
    assert store.meter.serving_s == first.meter.serving_s == 60.0
    assert store.meter.starting_s == pytest.approx(first.meter.starting_s)
    assert [each.totals for each in store.ledger.served] == [
        each.totals for each in first.ledger.served
    ]
    write_account(later, replace(first, meter=store.meter, ledger=store.ledger))
    assert store.latest is not None
    meter_store.keep_latest(later.state_folder, replace(store.latest, meter=store.meter))
    again = open_meter_store(replace(later, now=lambda: at(960.0, BOOT_WALL_S + step_s)))
    assert again.meter.last_s - again.meter.began_s == pytest.approx(at(960.0).wall_s - begun_s)
    assert again.meter.serving_s == 60.0


@pytest.mark.parametrize(
    "broken",
    [
        "{",
        "17",
        "{}",
        '{"origin": "evil"}',
        '{"origin": "given", "began_s": 1e300, "last_s": 1e300}',
        '{"origin": "given", "began_s": 1e9, "last_s": -1e15}',
    ],
)
def test_a_damaged_state_costs_what_it_held_and_nothing_else(tmp_path: Path, broken: str) -> None:
    first = session_of(host(tmp_path, 200.0), *ready(), scrape(200, 10), scrape(260, 70))
    write_account(host(tmp_path, 260.0), first.account)
    file = host(tmp_path, 260.0).history_file
    with closing(sqlite3.connect(file)) as connection:
        kept = dict(connection.execute("SELECT name, state FROM meters"))
    assert len(kept) >= 4
    kept["plan:chat"] = "{}"
    for name, state in kept.items():
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute("REPLACE INTO meters VALUES (?, 1, ?)", (name, broken))
        store = open_meter_store(host(tmp_path, 300.0))
        assert store.meter.last_s == at(300).wall_s
        assert meter_store.shown_plan(host(tmp_path, 300.0), "chat") == ShownPlan()
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute("REPLACE INTO meters VALUES (?, 1, ?)", (name, state))


def test_a_kept_account_with_impossible_instants_is_not_gone_on_with(tmp_path: Path) -> None:
    first = session_of(host(tmp_path, 200.0), *ready(), scrape(200, 10), scrape(260, 70)).account
    assert first.meter is not None
    keep_latest(
        host(tmp_path, 260.0).state_folder, replace(first, meter=replace(first.meter, last_s=1e300))
    )
    store = open_meter_store(host(tmp_path, 300.0))
    assert store.latest is None
    assert store.meter.last_s == at(300).wall_s


def test_another_bill_begins_with_nothing_served(tmp_path: Path) -> None:
    first = session_of(host(tmp_path, 200.0), *ready(), scrape(200, 10), scrape(260, 70))
    write_account(host(tmp_path, 260.0), first.account)
    later = datetime.fromtimestamp(BOOT_WALL_S + 5000, UTC)
    store = open_meter_store(host(tmp_path, 6000.0, since=later))
    assert store.meter.began_s == BOOT_WALL_S + 5000
    assert all(each.totals.requests is None for each in store.ledger.served)


def test_a_bill_since_the_server_begins_with_its_launch(tmp_path: Path) -> None:
    journal(tmp_path, list(ready()))
    made_host = host(tmp_path, 300.0, since="server")
    store = open_meter_store(made_host)
    assert (store.meter.origin, store.meter.began_s) == ("server_start", at(100).wall_s)
    assert (store.meter.starting_s, store.meter.unwatched_s) == (50.0, 150.0)
    session = session_of(made_host, *ready(), scrape(310, 5))
    relaunched = with_lists([replace(spawned(400.0), start_id="start-2")])
    after = reduce(advance, [*relaunched, HostTicked(at(460))], session)
    assert after.meter is not None
    assert (after.meter.began_s, after.meter.starting_s) == (at(400).wall_s, 60.0)
    assert after.totals.requests is None


@pytest.mark.parametrize("step_s", [3600.0, -3600.0])
def test_a_clock_that_was_set_meanwhile_dates_the_bill_and_changes_no_second(
    tmp_path: Path, step_s: float
) -> None:
    facts = of_this_boot(ready())
    journal(tmp_path, facts)
    before = host(tmp_path, 300.0, since="server")
    kept = session_of(before, *facts, scrape(300, 10), scrape(301, 10)).account
    keep_latest(before.state_folder, kept)
    later = at(302.0)
    after = replace(before, now=lambda: replace(later, wall_s=later.wall_s + step_s))
    meter = open_meter_store(after).meter
    assert meter.began_s == at(100.0).wall_s + step_s
    assert meter.last_s - meter.began_s == 202.0
    assert (meter.starting_s, meter.serving_s) == (50.0, 2.0)


@pytest.mark.parametrize("step_s", [3600.0, -3600.0])
def test_a_clock_that_was_set_before_anybody_kept_a_bill(tmp_path: Path, step_s: float) -> None:
    journal(tmp_path, of_this_boot([spawned(100.0)]))
    later = at(130.0)
    made_host = replace(
        host(tmp_path, 0.0, since="server"),
        now=lambda: replace(later, wall_s=later.wall_s + step_s),
    )
    meter = open_meter_store(made_host).meter
    assert meter.began_s == at(100.0).wall_s + step_s
    assert meter.starting_s == 30.0


def test_two_servers_are_billed_once_and_the_busier_names_the_time(tmp_path: Path) -> None:
    made_host = host(tmp_path, 200.0)
    session = session_of(made_host, *ready())
    beside = replace(scrape(201, 50), server="batch")
    session = reduce(advance, [scrape(200.5, 3), beside], session)
    assert session.totals.requests == 53
    assert {each.server for each in session.ledger.served} == {"batch", "chat"}


def test_own_tests_are_counted_since_the_bill_began(tmp_path: Path) -> None:
    made_host = host(tmp_path, 5000.0)
    targets: tuple[tuple[str, str], ...] = (("a", "chat"), ("b", "api"))
    with closing(open_history(made_host.history_file)) as history:
        for series_id, began_s in (("old", BOOT_WALL_S - 10), ("new", BOOT_WALL_S + 10)):
            history.add_series(SeriesRecord(series_id, began_s, targets, "", {}))  # type: ignore[arg-type]
            history.add_run(series_id, run("a", 0, 0.2))
            history.add_run(series_id, run("b", 0, 0.5, cost_usd="0.000162"))
            history.add_run(series_id, run("b", 1, 0.5, cost_usd="0.000162"))
        assert history.tests_usd(BOOT_WALL_S - 100, math.inf) == Decimal("0.000648")
    assert spent_usd(made_host, BOOT_WALL_S) == Decimal("0.000324")


def windows(count: int, rps: float, first_s: float) -> list[Fact]:
    """Return readings of each minute of windows of ten minutes, with a steady rate."""
    return [scrape(first_s + 60 * n, 1000 + 60 * rps * n) for n in range(10 * count + 1)]


def judged_over(session: Session, context: Context, facts: list[Fact]) -> tuple[Session, Context]:
    for fact in facts:
        session = advance(session, fact)
        context = replace(context, shown=decision.judged(session, context))
    return session, context


FIRST_S = 1200.0 - BOOT_WALL_S % 600


def test_the_plan_rests_on_all_that_was_seen_and_no_busy_hour_turns_it_over() -> None:
    context = replace(sessions.DESK, capacities=(CAPACITY,))
    session, context = judged_over(opened(), context, windows(2, 2.0, FIRST_S))
    assert context.shown.kind is VerdictKind.API_CHEAPER
    assert context.shown.regret_usd == pytest.approx(
        Decimal(20) / 60 * (Decimal("1.88") - Decimal("1.1664")), rel=Decimal("0.001")
    )
    _, context = judged_over(session, context, windows(6, 4.3, FIRST_S + 1200))
    assert context.shown.kind is VerdictKind.API_CHEAPER


def test_an_idle_window_decides_nothing_and_is_regretted_in_full() -> None:
    _, context = judged_over(opened(), sessions.DESK, windows(1, 0.0, FIRST_S))
    assert context.shown.kind is None
    assert context.shown.regret_usd == pytest.approx(Decimal("1.88") / 6)


def opened() -> Session:
    facts: list[Fact] = [*ready()]
    return reduce(advance, facts, watching(Session(at(90.0)), "chat", "org/model"))


def test_hours_that_the_plan_supposes_are_not_those_of_a_window() -> None:
    plan = Scenario(hours_per_day=Decimal(6), ops_usd_per_month=Decimal(730))
    settings = replace(sessions.DESK.settings, plan=plan)
    context = replace(sessions.DESK, settings=settings, capacities=(CAPACITY,))
    _, context = judged_over(opened(), context, windows(1, 2.0, FIRST_S))
    staying, api = Decimal("1.88") + 1, Decimal("1.1664")
    assert context.shown.regret_usd == pytest.approx((staying - api) / 6, rel=Decimal("0.001"))


@pytest.mark.parametrize("step_s", [3 * 3600.0, -86_400.0])
def test_a_clock_that_is_set_loses_no_test_of_the_bill(tmp_path: Path, step_s: float) -> None:
    made_host = host(tmp_path, 5000.0)
    with closing(open_history(made_host.history_file)) as history:
        history.add_series(
            SeriesRecord("s", BOOT_WALL_S + 10, (("a", "chat"), ("b", "api")), "", {})
        )
        history.add_run("s", run("b", 0, 0.5, cost_usd="0.000162"))
    bill = shifted(begin_meter("given", BOOT_WALL_S, at(5000.0).wall_s), step_s)
    session = replace(Session(at(5000.0)), account=Account(at(5000.0), bill))
    assert bill_of(made_host, session).tests_usd == Decimal("0.000162")
