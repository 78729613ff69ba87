"""``verdict`` and the report judge on what was recorded, never on the second that they see."""

import random
import time
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from backends.domain.billing.account import Account
from backends.domain.billing.ledger import Ledger, Served
from backends.domain.billing.recorded_demand import recorded_demand
from backends.domain.decision.uncertainty import request_band
from backends.domain.server import Owner, Server, ServerState
from backends.domain.serving import Counters
from backends.domain.session import Session, advance, watching
from backends.domain.traffic.demand import Demand
from backends.domain.traffic.shape import HourlyProfile
from backends.domain.traffic.totals import TokenTotals
from backends.domain.traffic.windows import Windows
from backends.history.history import open_history
from backends.operations import scenario, snapshot
from backends.operations.host import this_host
from backends.operations.meter_store import open_meter_store, with_meter_store, write_account
from backends.settings.config import Settings
from backends.settings.paths import history_file
from tests.backends.domain.journals import at
from tests.console.cli.conftest import Cli, configure
from tests.console.sessions import DAY, SETTINGS, decided, scrape

TODAY = time.strftime("%Y-%m-%d", time.gmtime())
CONFIGURATION = f"""
[server.chat]
model = "org/model"
gpu_usd_per_hour = "1.88"
gpu_price_as_of = {TODAY}
[endpoint.serverless]
base_url = "http://127.0.0.1:9/v1"
model = "m"
input_usd_per_mtok = "0.10"
output_usd_per_mtok = "0.70"
price_as_of = {TODAY}
"""
MONTH = 9_796_664.0
SERVER = Server(
    "chat", Owner.MANAGED, ServerState.READY, base_url="http://127.0.0.1:9/v1", model="org/model"
)


@pytest.fixture
def traffic(monkeypatch: pytest.MonkeyPatch) -> None:
    """Serve a few requests of any length between two readings, other ones at every call."""
    source, served = random.Random(7), [0.0, 0.0, 0.0]

    def counters(_: str) -> Counters:
        more = source.choice((1, 8, 40))
        length = source.choice((20, 900))
        served[:] = [served[0] + more, served[1] + more * 80, served[2] + more * length]
        plain = scrape(0, MONTH + served[0]).counters
        lengths = plain.request_output_tokens
        return Counters(
            process_start_s=time.time() - 3_000_000,
            requests_running=1.0,
            requests_finished=MONTH + served[0],
            prompt_tokens=MONTH * 80 + served[1],
            generation_tokens=MONTH * 220 + served[2],
            request_input_tokens=plain.request_input_tokens,
            request_output_tokens=lengths and replace(lengths, sum=MONTH * 220 + served[2]),
        )

    monkeypatch.setattr(snapshot, "APART_S", 0.001)
    monkeypatch.setattr(snapshot, "list_servers", lambda _: (SERVER,))
    monkeypatch.setattr(snapshot, "scrape", counters)


def a_month_was_watched() -> None:
    """Leave a meter as a console of an earlier version did: a learnt day, and counts in all."""
    began_s = time.time() - 3_000_000
    states: dict[str, Any] = {
        "host": {"origin": "given", "began_s": began_s, "last_s": time.time()},
        "served": {
            "began_s": began_s,
            "totals": [
                [
                    "chat",
                    {
                        "requests": MONTH,
                        "input_tokens": MONTH * 80,
                        "output_tokens": MONTH * 220,
                        "last": [
                            {
                                "engine": "",
                                "requests_finished": MONTH,
                                "prompt_tokens": MONTH * 80,
                                "generation_tokens": MONTH * 220,
                            }
                        ],
                        "process_start_s": began_s,
                    },
                    time.time(),
                ]
            ],
        },
        "profile:chat": {"requests": [MONTH / 24] * 24, "seconds": [MONTH / 24 / 3] * 24},
    }
    with closing(open_history(history_file())) as history:
        for name, state in states.items():
            history.save_meter(name, time.time(), state)
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began_s))
    configure(f"{CONFIGURATION}[billing]\nsince = {since}\n")


@pytest.mark.usefixtures("traffic")
def test_a_dozen_verdicts_in_a_row_are_one_and_rest_on_what_was_counted(cli: Cli) -> None:
    a_month_was_watched()
    told = [cli("verdict", "--json").json() for _ in range(12)]
    assert {each["verdict"] for each in told} == {"API_CHEAPER"}
    for each in told:
        assert each["break_even_rps"] == pytest.approx(3.2236, rel=0.001)
        assert each["traffic"]["requests"] == pytest.approx(MONTH, rel=0.001)


@pytest.mark.usefixtures("traffic")
def test_the_report_rests_on_the_same_traffic(cli: Cli, tmp_path: Path) -> None:
    a_month_was_watched()
    report = tmp_path / "november.md"
    assert cli("cost", "--output", str(report)).code == 0
    assert "break-even 3.2" in report.with_name("november-load.svg").read_text().lower()
    assert "80 input and 220 output tokens per request" in report.read_text()


@pytest.mark.usefixtures("traffic")
def test_nothing_is_decided_on_the_second_that_a_verb_sees(cli: Cli) -> None:
    configure(CONFIGURATION)
    for _ in range(4):
        told = cli("verdict", "--json").json()
        assert told["verdict"] == "INSUFFICIENT_DATA"
        assert "0 of 30 requests" in told["reason"]


def test_a_window_under_way_counts_for_the_verb_that_follows(tmp_path: Path) -> None:
    configure(CONFIGURATION)
    made_host = this_host()
    store = open_meter_store(made_host)
    session = watching(with_meter_store(Session(at(200.0)), store), "chat", "org/model")
    session = advance(advance(session, scrape(200, 0)), scrape(500, 600))
    write_account(made_host, session.account)
    again = watching(
        with_meter_store(Session(at(501.0)), open_meter_store(made_host)), "chat", "org/model"
    )
    asked = scenario.recorded(advance(again, scrape(520, 640)), SETTINGS).seen
    assert (asked.n, asked.window_s, asked.tokens_n) == tuple(map(Decimal, (600, 300, 600)))
    write_account(made_host, again.account)
    assert open_meter_store(made_host).ledger.of("chat").profile.tokens.requests == 600


def test_windows_keep_the_tokens_of_their_requests_with_their_own_number() -> None:
    day = HourlyProfile(requests=(3600.0,) * 24, seconds=(1800.0,) * 24)
    served = Served(
        "chat", TokenTotals(), day, windows=Windows(scrape(200, 0), latest=scrape(320, 100))
    )
    asked = recorded_demand(served)
    assert (asked.seen.n, asked.seen.tokens_n) == (Decimal(24 * 3600 + 100), Decimal(100))
    assert asked.seen.output_tokens_mean == 220


def test_a_learnt_day_lends_its_number_to_no_mean_of_ten_minutes() -> None:
    day = HourlyProfile(requests=(360_000.0,) * 24, seconds=(180_000.0,) * 24)
    session = watching(Session(at(200.0)), "chat", "org/model")
    session = advance(advance(session, scrape(200, 0)), scrape(320, 100))
    live = scenario.live_demand(session)
    few, month = (
        scenario.host_scenario(session, SETTINGS, DAY, asked).scenario
        for asked in (live, Demand(live.seen, "a day", profile=day))
    )
    own, lent = request_band(few), request_band(month)
    assert own is not None
    assert lent is not None
    assert (lent.low, lent.high) == (own.low, own.high)
    assert month.observed is not None
    assert month.observed.n == 24 * 360_000


def test_the_console_takes_a_learnt_days_tokens_from_all_that_was_watched() -> None:
    day = HourlyProfile(requests=(360_000.0,) * 24, seconds=(180_000.0,) * 24)
    session = watching(Session(at(200.0)), "chat", "org/model")
    totals = TokenTotals(1_000_000.0, 80e6, None, 220e6)
    ledger = Ledger((Served("chat", totals, day),))
    session = replace(session, account=Account(ledger=ledger))
    found = decided(session, Settings(SETTINGS.servers, SETTINGS.endpoints)).scenario
    assert (found.input_tokens, found.output_tokens) == (Decimal(80), Decimal(220))
    assert found.observed is not None
    assert found.observed.tokens_n == Decimal(1_000_000)
