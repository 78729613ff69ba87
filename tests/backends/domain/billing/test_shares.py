"""What each server is charged: by the GPUs that it holds, by memory on one that several hold."""

from datetime import date
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.domain.billing.account import Account, AccountFact, account_after
from backends.domain.billing.ledger import Ledger, midnight_after, with_charges, with_time
from backends.domain.billing.meter import begin_meter
from backends.domain.billing.shares import NOBODY, Share, holds_of, with_share
from backends.domain.facts import GpusSampled, HostTicked, ServersSeen
from backends.domain.gpu import Gpu, GpuMemory, GpuProcess, GpuSample
from backends.domain.server import Owner, Server, ServerState
from backends.domain.stamp import Stamp

GIB = 1 << 30
CHAT = Server("chat", Owner.MANAGED, ServerState.READY, pid=10)
BATCH = Server("batch", Owner.EXTERNAL, ServerState.STARTING, pid=20)


def card(index: int, *held: tuple[str, int | None], reason: str = "") -> Gpu:
    listed = tuple(GpuProcess(pid, "p", size, owner) for pid, (owner, size) in enumerate(held, 1))
    memory = GpuMemory(80 * GIB, 60 * GIB, 0, unified=False, source="made")
    return Gpu(
        index,
        f"GPU-{index}",
        "H100",
        "nvidia",
        memory,
        processes=None if reason else listed,
        processes_reason=reason,
    )


@pytest.mark.parametrize(
    ("cards", "expected"),
    [
        ([card(0, ("chat", 1)), card(1, ("batch", 1))], {"chat": 0.5, "batch": 0.5}),
        ([card(0, ("chat", 1)), card(1)], {"chat": 0.5, NOBODY: 0.5}),
        ([card(0, ("chat", 30), ("batch", 10))], {"chat": 0.75, "batch": 0.25}),
        ([card(0, ("chat", 10), ("chat", 20), ("batch", 30))], {"chat": 0.5, "batch": 0.5}),
        ([card(0, ("chat", 1), ("other", 99))], {"chat": 1.0}),
        ([card(0, ("other", 99))], {NOBODY: 1.0}),
        ([card(0, ("chat", None), ("batch", 10))], {}),
        ([card(0, reason="pid namespace"), card(1, ("chat", 1))], {"chat": 0.5}),
        ([], {}),
    ],
)
def test_a_gpu_is_charged_to_who_holds_it(cards: list[Gpu], expected: dict[str, float]) -> None:
    assert holds_of(GpuSample(tuple(cards)), (CHAT, BATCH)) == pytest.approx(expected)


def test_a_server_that_is_alone_is_charged_for_what_cannot_be_seen() -> None:
    hidden = GpuSample((card(0, reason="pid namespace"),))
    assert holds_of(hidden, (CHAT,)) == {"chat": 1.0}
    assert holds_of(GpuSample((), "no driver"), (CHAT,)) == {"chat": 1.0}
    assert holds_of(GpuSample((card(0),)), (CHAT,)) == {NOBODY: 1.0}


def test_slices_of_a_card_are_parts_of_it() -> None:
    sliced = GpuSample((card(0, ("chat", 1)), card(0), card(1, ("batch", 1))))
    assert holds_of(sliced, (CHAT, BATCH)) == {"chat": 0.25, NOBODY: 0.25, "batch": 0.5}


@given(
    st.lists(
        st.tuples(st.floats(0.1, 1e5), st.floats(0, 1), st.sampled_from(["serving", "idle"])),
        max_size=20,
    )
)
def test_the_shares_are_all_the_time_that_was_seen(steps: list[tuple[float, float, str]]) -> None:
    shares: tuple[Share, ...] = ()
    for seconds, part, did in steps:
        holds = {"chat": part, NOBODY: 1 - part}
        shares = with_share(shares, seconds, holds, {"chat": did})  # type: ignore[dict-item]
    total = sum(seconds for seconds, _, _ in steps)
    assert sum(each.charged_s for each in shares) == pytest.approx(total)


def at(second: float) -> Stamp:
    return Stamp(second, 1e9 + second)


def test_an_account_charges_each_server_while_it_holds_its_gpus() -> None:
    both = GpuSample((card(0, ("chat", 30 * GIB), ("batch", 10 * GIB)),))
    one = GpuSample((card(0, ("chat", 30 * GIB)),))
    facts: list[AccountFact] = [
        ServersSeen(at(0), (CHAT, BATCH)),
        GpusSampled(at(0), both),
        HostTicked(at(40)),
        GpusSampled(at(40), one),
        HostTicked(at(50)),
        GpusSampled(at(50), GpuSample((card(0),))),
        HostTicked(at(60)),
        # Nothing was sampled for longer than a sample holds: nobody could see who held it.
        HostTicked(at(200)),
    ]
    account = Account(at(0), begin_meter("given", at(0).wall_s, at(0).wall_s))
    shares = {one.server: one for one in reduce(account_after, facts, account).ledger.shares}
    assert shares["batch"].meter.starting_s == pytest.approx(10)
    # Nobody read what it did, which is no idleness.
    assert shares["chat"].meter.unwatched_s == pytest.approx(30 + 10)
    assert shares[NOBODY].meter.idle_s == pytest.approx(10)
    assert sum(one.charged_s for one in shares.values()) == pytest.approx(60)


def test_a_stretch_over_midnight_is_charged_to_each_of_its_days() -> None:
    midnight_s = midnight_after(date(2026, 3, 1))
    holds = {"a": 0.75, NOBODY: 0.25}
    ledger = with_charges(Ledger(), midnight_s - 40, midnight_s + 60, holds, {"a": "serving"})
    ledger = with_charges(ledger, midnight_s + 60, midnight_s + 100, {"b": 1.0}, {"b": "idle"})
    ledger = with_charges(ledger, midnight_s + 100, midnight_s + 200, {}, {})
    first, second = ledger.days
    assert {one.server: one.charged_s for one in first.shares} == {"a": 30.0, NOBODY: 10.0}
    charged = {one.server: one.charged_s for one in second.shares}
    assert charged == {"a": 45.0, NOBODY: 15.0, "b": 40.0}
    whole = {one.server: one.charged_s for one in ledger.shares}
    assert whole == {"a": 75.0, NOBODY: 25.0, "b": 40.0}
    spent = with_time(ledger, midnight_s, midnight_s + 5, "idle")
    assert spent.days[-1].shares == second.shares


def test_a_server_that_holds_nothing_of_a_gpu_is_charged_nothing_of_it() -> None:
    held = GpuSample((card(0, ("chat", 0), ("batch", 10)),))
    assert holds_of(held, (CHAT, BATCH)) == {"chat": 0.0, "batch": 1.0}
