"""``cost`` says what the last month would have cost each way, from the ledger that a host keeps."""

import time

import pytest

from backends.domain.billing.account import Account
from backends.domain.billing.ledger import Ledger, Served
from backends.domain.billing.meter import begin_meter
from backends.domain.traffic.bins import Bin
from backends.domain.traffic.shape import HourlyProfile
from backends.operations.host import this_host
from backends.operations.meter_store import write_account
from tests.backends.domain.journals import at
from tests.console.cli.conftest import Cli, configure
from tests.console.cli.test_recorded_traffic import CONFIGURATION

EACH_USD = (80 * 0.10 + 220 * 0.70) / 1e6
DAYS, RPS = 20, 2.0


def test_the_last_month_at_each_way_of_serving(cli: Cli) -> None:
    configure(CONFIGURATION)
    began_s = time.time() // 3600 * 3600 - DAYS * 86_400
    n = RPS * 3600
    bins = tuple(
        Bin(began_s + 3600 * hour, 3600.0, n, n, 80 * n, 220 * n) for hour in range(24 * DAYS)
    )
    served = Served("chat", profile=HourlyProfile(bins=bins, model="org/model"))
    account = Account(at(90.0), begin_meter("host_boot", began_s, began_s), Ledger((served,)))
    write_account(this_host(), account)
    told = cli("cost", "--json").json()["last_month"]
    usd = {option["name"]: float(option["usd"]) for option in told["options"]}
    hours = DAYS * 24
    assert (told["watched_hours"], told["requests"]) == (hours, n * hours)
    assert usd["api"] == pytest.approx(n * hours * EACH_USD)
    assert usd["on_demand"] == pytest.approx(1.88 * hours)
    assert next(iter(usd)) == "api"
    printed = cli("cost").out
    assert f"{n * hours:,.0f} requests in {hours} h observed" in printed
    assert f"the API: ${usd['api']:,.2f}" in printed
