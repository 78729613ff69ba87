"""Several servers of one host: what each is charged, and a verdict for each."""

from dataclasses import replace
from datetime import date

import pytest

from backends.domain.billing.account import Account
from backends.domain.billing.ledger import Day
from backends.domain.billing.meter import MeterState
from backends.domain.billing.shares import NOBODY, Share
from backends.operations.host import this_host
from backends.operations.meter_store import open_meter_store, write_account
from tests.console.cli.conftest import Cli, configure

CONFIGURATION = """
[server.chat]
model = "org/chat"
port = 1
gpu_usd_per_hour = "3.60"

[server.batch]
model = "org/batch"
port = 2
gpu_usd_per_hour = "3.60"
"""


def charge(server: str, *, serving: float = 0.0, idle: float = 0.0, starting: float = 0.0) -> Share:
    state = MeterState("given", 0.0, 0.0, serving_s=serving, idle_s=idle, starting_s=starting)
    return Share(server, state)


@pytest.fixture
def charged() -> None:
    """A host that two servers have shared, and that stood idle for a while."""
    configure(CONFIGURATION)
    host = this_host()
    store = open_meter_store(host)
    shares = (
        charge(NOBODY, idle=10.0),
        charge("batch", starting=20.0),
        charge("chat", serving=30.0, idle=30.0),
    )
    write_account(host, Account(None, store.meter, replace(store.ledger, shares=shares)))


@pytest.mark.usefixtures("charged")
def test_each_server_is_charged_by_what_it_held_and_idle_gpus_apart(cli: Cli) -> None:
    told = cli("cost").out.splitlines()
    chat = next(line for line in told if line.strip().startswith("chat:"))
    assert "$0.06" in chat
    assert "$0.03 serving, $0.03 idle" in chat
    assert any("GPUs that no server held: $0.01" in line for line in told)
    assert any("nobody could see who held the GPUs" in line for line in told)


@pytest.mark.usefixtures("charged")
def test_the_charges_are_all_of_the_bill(cli: Cli) -> None:
    document = cli("cost", "--json").json()
    named = {one["server"]: one for one in document["charges"]}
    assert float(named["batch"]["usd"]) == pytest.approx(0.02)
    assert (named["chat"]["serving_s"], named["chat"]["idle_s"]) == (30.0, 30.0)
    rest = document["not_charged"]
    assert float(rest["held_by_no_server"]["usd"]) == pytest.approx(0.01)
    shares = [*named.values(), rest["held_by_no_server"], rest["not_seen"]]
    assert sum(one["share"] for one in shares) == pytest.approx(1.0)


def test_a_server_that_no_gpu_was_seen_of_is_charged_nothing_known(cli: Cli) -> None:
    configure(CONFIGURATION)
    rest = cli("cost", "--json").json()["not_charged"]
    assert rest["held_by_no_server"]["usd"] is None
    assert rest["held_by_no_server"]["reason"]
    assert rest["not_seen"]["share"] == 1.0


def test_the_verdict_of_a_server_is_asked_for_by_its_name(cli: Cli) -> None:
    configure(CONFIGURATION)
    assert cli("verdict", "batch", "--json").code == 0
    unknown = cli("verdict", "nobody")
    assert unknown.code == 3
    assert "no server is called nobody" in unknown.err
    both = cli("verdict", "batch", "--scenario", "mi300x-short")
    assert (both.code, "the server" in both.err) == (2, True)


def test_a_period_and_each_of_its_days_are_charged_by_what_was_held_then(cli: Cli) -> None:
    configure(CONFIGURATION)
    host = this_host()
    store = open_meter_store(host)
    days = (
        day_of(1, charge("batch", starting=20.0), charge("chat", serving=60.0), whole_s=100.0),
        day_of(2, charge("chat", idle=100.0), whole_s=100.0),
        day_of(3, charge("batch", serving=50.0), whole_s=50.0),
    )
    write_account(host, Account(None, store.meter, replace(store.ledger, days=days)))
    told = cli("cost", "--since", "2026-03-01", "--until", "2026-03-02", "--json").json()
    named = {one["server"]: one for one in told["charges"]}
    assert (named["chat"]["serving_s"], named["chat"]["idle_s"]) == (60.0, 100.0)
    assert (named["chat"]["share"], named["batch"]["share"]) == (0.8, 0.1)
    assert told["not_charged"]["not_seen"]["share"] == pytest.approx(0.1)
    first, second = told["days"]
    assert {one["server"]: one["share"] for one in first["charges"]} == {"batch": 0.2, "chat": 0.6}
    assert [one["server"] for one in second["charges"]] == ["chat"]
    text = cli("cost", "--since", "2026-03-01", "--until", "2026-03-02").out
    assert "chat: $0.16, 80%" in text


def day_of(number: int, *shares: Share, whole_s: float) -> Day:
    used = MeterState("given", 0.0, 0.0, serving_s=whole_s)
    return Day(date(2026, 3, number), used, shares=shares)
