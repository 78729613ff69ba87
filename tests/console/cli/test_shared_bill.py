"""Several servers of one host: what each is charged, and a verdict for each."""

from dataclasses import replace

import pytest

from backends.domain.billing.account import Account
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
