"""The account of a host at the last second of each rule."""

from decimal import Decimal

import pytest

from backends.domain.billing.account import (
    Account,
    AccountFact,
    account_after,
    activity,
    on_clock,
    with_stretches,
)
from backends.domain.billing.ledger import (
    Change,
    Ledger,
    Served,
    Stretch,
    stretches_between,
    with_charges,
    with_launch,
)
from backends.domain.billing.meter import (
    STOPPED_STILL_COSTS,
    Activity,
    MeterState,
    Tariff,
    activity_of,
    advance_meter,
    begin_meter,
    read_meter,
)
from backends.domain.billing.shares import with_share
from backends.domain.facts import GpusSampled, HostTicked, MetricsScraped, ServersSeen
from backends.domain.gpu import Gpu, GpuMemory, GpuProcess, GpuSample
from backends.domain.server import Owner, Server, ServerState
from backends.domain.serving import Counters
from backends.domain.stamp import Stamp
from backends.domain.traffic.totals import TokenTotals

GIB = 1 << 30
WALL_S = 1e9
CHAT = Server("chat", Owner.MANAGED, ServerState.READY, pid=10)


def at(mono_s: float) -> Stamp:
    return Stamp(mono_s, WALL_S + mono_s)


def held_by_chat() -> Gpu:
    memory = GpuMemory(80 * GIB, GIB, 0, unified=False, source="made")
    return Gpu(0, "GPU-0", "H100", "nvidia", memory, processes=(GpuProcess(1, "p", 1, "chat"),))


def account_of(*facts: AccountFact, account: Account | None = None) -> Account:
    found = Account() if account is None else account
    for fact in facts:
        found = account_after(found, fact)
    return found


def serving(mono_s: float) -> MetricsScraped:
    return MetricsScraped(at(mono_s), Counters(requests_running=1.0), "chat")


@pytest.mark.parametrize(("later_s", "does"), [(59.9, "serving"), (60.0, "unwatched")])
def test_what_a_server_was_read_to_do_holds_for_less_than_a_minute(
    later_s: float, does: Activity
) -> None:
    seen = account_of(ServersSeen(at(0), (CHAT,)), serving(0), HostTicked(at(later_s)))
    assert activity(seen) == does


@pytest.mark.parametrize(("later_s", "charged"), [(59.9, True), (60.0, False)])
def test_a_sample_of_gpus_holds_for_less_than_a_minute(later_s: float, *, charged: bool) -> None:
    sample = GpuSample((held_by_chat(),))
    account = Account(meter=begin_meter("host_boot", WALL_S, WALL_S))
    seen = account_of(
        ServersSeen(at(0), (CHAT,)),
        GpusSampled(at(0), sample),
        HostTicked(at(later_s)),
        account=account,
    )
    assert bool(seen.ledger.shares) is charged


@pytest.mark.parametrize(("step_s", "moved_s"), [(0.99, 0.0), (1.0, 1.0), (-1.0, -1.0)])
def test_a_wall_clock_is_taken_as_set_from_a_second_on(step_s: float, moved_s: float) -> None:
    account = Account(at=Stamp(10.0, 110.0), meter=begin_meter("host_boot", 100.0, 100.0))
    moved = on_clock(account, Stamp(20.0, 120.0 + step_s))
    assert moved.meter is not None
    assert moved.at is not None
    assert moved.meter.began_s == pytest.approx(100.0 + moved_s)
    assert (moved.at.mono_s, moved.at.wall_s) == pytest.approx((10.0, 110.0 + moved_s))


def test_an_account_does_not_run_backwards_or_twice() -> None:
    account = Account(meter=begin_meter("host_boot", WALL_S, WALL_S))
    ticks = [HostTicked(at(mono_s)) for mono_s in (10, 10, 5)]
    seen = account_of(ServersSeen(at(0), (CHAT,)), *ticks, account=account)
    assert seen.meter is not None
    assert seen.meter.last_s == WALL_S + 10
    assert seen.at == at(10)


@pytest.mark.parametrize(("launched_s", "begun"), [(1.0, False), (1.1, True)])
def test_a_bill_by_the_server_begins_with_a_launch_more_than_a_second_later(
    launched_s: float, *, begun: bool
) -> None:
    account = Account(
        meter=begin_meter("server_start", WALL_S, WALL_S), servers=(), servers_seen=True
    )
    launched = Server(
        "chat", Owner.MANAGED, ServerState.STARTING, pid=10, started_at=WALL_S + launched_s
    )
    seen = account_of(ServersSeen(at(5), (launched,)), account=account)
    assert seen.meter is not None
    assert (seen.meter.began_s == WALL_S + launched_s) is begun


@pytest.mark.parametrize(("launched_s", "known_s"), [(100.0, 50.0), (100.1, None)])
def test_a_launch_after_the_last_reading_has_counters_of_its_own(
    launched_s: float, known_s: float | None
) -> None:
    read = Served("chat", TokenTotals(process_start_s=50.0), read_wall_s=100.0)
    ledger = with_launch(Ledger(served=(read,)), "chat", launched_s)
    assert ledger.of("chat").totals.process_start_s == known_s


def test_no_time_is_charged_to_nobody_and_makes_no_day() -> None:
    assert with_share((), 0.0, {"chat": 1.0}, {}) == ()
    assert with_charges(Ledger(), 5.0, 5.0, {"chat": 1.0}, {}) == Ledger()


def test_what_a_host_did_is_parted_where_a_server_changed_inside_the_time() -> None:
    changes: list[Change] = [(10.0, "starting"), (20.0, "stopped"), (30.0, "starting")]
    found = stretches_between([changes], 10.0, 30.0)
    assert [(each.from_s, each.to_s, each.activity) for each in found] == [
        (10.0, 20.0, "starting"),
        (20.0, 30.0, "stopped"),
    ]
    assert stretches_between([changes], 30.0, 30.0) == ()


def test_a_meter_that_never_stopped_says_nothing_of_stopping() -> None:
    state = MeterState("given", 0.0, 0.0)
    busy, stopped = advance_meter(state, 5.0, "idle"), advance_meter(state, 5.0, "stopped")
    assert read_meter(busy, Tariff(Decimal(1))).note == ""
    assert read_meter(stopped, Tariff(Decimal(1))).note == STOPPED_STILL_COSTS


def test_a_server_is_busy_with_any_part_of_a_request() -> None:
    assert activity_of(ServerState.READY, 0.0) == "idle"
    assert activity_of(ServerState.READY, 0.1) == "serving"


def test_time_that_other_records_tell_is_counted_from_where_the_bill_ends() -> None:
    account = Account(meter=begin_meter("host_boot", WALL_S, WALL_S + 10))
    told = with_stretches(account, (Stretch(WALL_S, WALL_S + 30, "idle"),))
    assert told.meter is not None
    assert (told.meter.idle_s, told.meter.last_s) == (20.0, WALL_S + 30)
    assert sum(each.meter.idle_s for each in told.ledger.days) == 20.0
