"""What is measured enters the plan and says where it comes from; what is not says what it takes."""

from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from functools import reduce
from pathlib import Path

import pytest

from backends.domain.ab.run import Run
from backends.domain.billing.ledger import midnight_after
from backends.domain.decision.outcome import VerdictKind
from backends.domain.decision.routing import NowKind
from backends.domain.decision.scenario import Scenario
from backends.domain.decision.wording import excluded_because, now_reason, reason
from backends.domain.facts import MetricsScraped
from backends.domain.prices.cost import Tier
from backends.domain.serving import Histogram
from backends.domain.session import Session, advance
from backends.domain.start import Outcome, Start
from backends.domain.traffic.demand import Demand
from backends.domain.traffic.requests import Observed
from backends.history.history import open_history
from backends.history.records import FirstTokens, SeriesRecord, StartRecord
from backends.operations.context import Context
from backends.operations.decision import Decision, decide_all, decision_document
from backends.operations.records import measured_here
from backends.operations.scenario import Measured, Starts, host_scenario
from backends.settings.config import Billing, Endpoint, Settings
from tests.backends.domain.journals import at
from tests.console.sessions import DAY, PROFILE, READY, SERVERLESS, SETTINGS, scrape
from tests.console.stage import host_in
from tests.console.tui.test_cost_pictures import CAPACITY, DEAR

STARTED = Measured(starts=(Starts("chat", 3, 61.5),))
SINCE_S = midnight_after(DAY) - 7 * 86_400
SLOW = FirstTokens("serverless", "org/model", 312, 2, 3.14159, SINCE_S)
QUICK = replace(SLOW, p99_s=0.7)
FEW = replace(SLOW, runs=40, p99_s=None)


def decided(
    measured: Measured = STARTED,
    *,
    plan: Scenario | None = None,
    settings: Settings = SETTINGS,
    session: Session = READY,
    capacity: object = CAPACITY,
) -> Decision:
    settings = replace(settings, plan=plan or Scenario(hours_per_day=Decimal(10)))
    capacities = (capacity,) if capacity else ()
    context = Context(settings, capacities=capacities, measured=measured)  # type: ignore[arg-type]
    return decide_all(session, context, DAY)


def said(found: Decision) -> str:
    return " ".join(found.plan.assumptions)


def options(found: Decision) -> dict[str, str]:
    return {
        option.name: excluded_because(option.exclusion, found.plan.remedies)
        for option in found.plan.options
    }


def test_a_cold_start_is_the_median_of_this_hosts_own_and_says_so() -> None:
    found = decided()
    assert found.scenario.cold_start_s == Decimal("61.5")
    assert "A cold start takes 61.5 s: the median of 3 starts of chat on this host" in said(found)
    assert options(found)["destroyed_when_idle"] == ""


def test_without_a_finished_start_it_stays_unknown() -> None:
    found = decided(Measured(starts=(Starts("other", 3, 61.5),)))
    assert found.scenario.cold_start_s is None
    assert "cold start" not in said(found)
    assert options(found)["destroyed_when_idle"].startswith("UNPRICED: cold_start_s is missing")


def test_the_plan_knows_better_what_a_new_host_takes() -> None:
    found = decided(plan=Scenario(cold_start_s=Decimal(400), hours_per_day=Decimal(10)))
    assert found.scenario.cold_start_s == 400
    assert "median" not in said(found)


def test_a_restart_is_measured_only_where_stopping_ends_the_bill() -> None:
    assert decided().scenario.restart_s is None
    plan = Scenario(hours_per_day=Decimal(10), billed_when_stopped=False)
    found = decided(plan=plan)
    assert found.scenario.restart_s == Decimal("61.5")
    assert "A restart takes 61.5 s" in said(found)
    assert options(found)["stopped_when_idle"] == ""


def test_rentals_are_rounded_as_billing_says() -> None:
    hourly = replace(SETTINGS, billing=Billing(granularity_s=3600, min_charge_s=7200))
    costs = [
        next(each.usd_per_hour for each in found.plan.options if each.name == "destroyed_when_idle")
        for found in (decided(), decided(settings=hourly))
    ]
    assert costs == [
        pytest.approx(Decimal("1.88") * (36_000 + 62) / 86_400),
        pytest.approx(Decimal("1.88") * 11 / 24),
    ]
    assert "Each rental is billed in steps of 3600 s, for 7200 s at least." in said(
        decided(settings=hourly)
    )


def test_the_share_of_cached_input_is_that_of_the_counters() -> None:
    assert decided().scenario.cached_input_share == Decimal("0.25")


def test_an_api_that_is_too_slow_is_ruled_out_before_its_cost_counts() -> None:
    found = decided(Measured(tails=(SLOW,)))
    assert found.scenario.api_ttft_p99_s == Decimal("3.142")
    assert options(found)["api"].startswith("SLO_EXCLUDES: the API's p99 TTFT is 3.142 s")
    assert "p99 TTFT of serverless is of 312 A/B runs since 2026-09-15; 2 more failed." in said(
        found
    )


def test_a_dearer_api_that_keeps_the_limit_takes_its_place() -> None:
    settings = replace(SETTINGS, endpoints=(SERVERLESS, DEAR))
    found = decided(Measured(tails=(SLOW,)), settings=settings)
    assert [rival.endpoint.name for rival in found.ranked] == ["dear", "serverless"]
    assert found.scenario.output_usd_per_mtok == Decimal("0.9")
    assert options(found)["api"] == ""
    assert "serverless is excluded: its p99 TTFT is 3.14 s, the limit is 1 s." in said(found)
    assert "The API is dear." in said(found)
    (_, slow) = decision_document(found)["endpoints"]
    assert (slow["endpoint"], "3.14 s" in slow["excluded_because"]) == ("serverless", True)


def test_an_api_within_the_limit_stays() -> None:
    found = decided(Measured(tails=(QUICK,)))
    assert (found.scenario.api_ttft_p99_s, options(found)["api"]) == (Decimal("0.7"), "")


@pytest.mark.parametrize(
    ("tails", "runs"), [((), 0), ((FEW,), 40), ((replace(SLOW, model="org/former"),), 0)]
)
def test_too_few_runs_leave_it_unknown_and_say_so(
    tails: tuple[FirstTokens, ...], runs: int
) -> None:
    found = decided(Measured(tails=tails))
    assert (found.scenario.api_ttft_p99_s, options(found)["api"]) == (None, "")
    assert f"takes 300 A/B runs of the last 45 days, there are {runs}." in said(found)


def test_without_a_limit_nothing_is_said_of_tails() -> None:
    found = decided(
        Measured(tails=(SLOW,)), settings=replace(SETTINGS, limits=type(SETTINGS.limits)())
    )
    assert "p99" not in said(found)


def served(
    slow_share: float, per_reading: int = 30, edges: tuple[float, ...] = (1.0, 2.5)
) -> Session:
    """Return the session after ten minutes in which a share of the requests was slow."""
    session = replace(READY, traffic=(), scraped=None)
    return reduce(advance, _readings(slow_share, per_reading, edges), session)


def _readings(
    slow_share: float, per_reading: int, edges: tuple[float, ...]
) -> list[MetricsScraped]:
    found = []
    for step in range(40):
        requests = float(per_reading * step)
        quick = requests * (1 - slow_share)
        ttft = Histogram((*edges, float("inf")), (quick, requests, requests), 0.0)
        made = scrape(400 + 15 * step, requests)
        found.append(replace(made, counters=replace(made.counters, ttft=ttft)))
    return found


def test_a_gpu_that_is_too_slow_within_its_capacity_is_ruled_out() -> None:
    found = decided(session=served(0.05))
    scenario = found.scenario
    assert (scenario.gpu_ttft_p99_s, scenario.gpu_ttft_p99_above_s) == (None, Decimal(1))
    assert options(found)["on_demand"] == (
        "SLO_EXCLUDES: the GPU's p99 TTFT is above 1 s, the limit is 1 s"
    )
    assert (
        "The GPU's p99 TTFT is between 1 and 2.5 s, of 1170 requests in the server's own histogram."
    ) in said(found)
    assert "is above 1 s now, over the limit of 1 s" in now_reason(found.now)
    assert found.now.kind is NowKind.SPILL_TO_API


def test_a_gpu_whose_bucket_ends_at_the_limit_keeps_it() -> None:
    found = decided(session=served(0.001))
    scenario = found.scenario
    assert (scenario.gpu_ttft_p99_s, scenario.gpu_ttft_p99_above_s) == (None, None)
    assert options(found)["on_demand"] == ""
    assert "is at most 1 s, of 1170 requests" in said(found)
    assert "histogram: the limit is kept." in said(found)
    assert found.now.kind is NowKind.KEEP_ON_GPU


def test_a_limit_between_two_edges_leaves_it_open() -> None:
    found = decided(session=served(0.05, edges=(0.5, 2.5)))
    assert found.scenario.gpu_ttft_p99_s is None
    assert options(found)["on_demand"] == ""
    assert "is between 0.5 and 2.5 s, of 1170 requests" in said(found)


def test_an_overloaded_gpu_says_nothing_of_a_plan_with_enough_of_them() -> None:
    found = decided(session=served(0.5, per_reading=90))
    assert found.scenario.gpu_ttft_p99_s is None
    assert options(found)["on_demand"] == ""
    assert "The GPU's p99 TTFT is not known" in said(found)


def test_the_measured_step_of_load_tells_it_otherwise() -> None:
    found = decided(capacity=replace(CAPACITY, ttft_p99_s=0.85), session=served(0.5, 90))
    assert found.scenario.gpu_ttft_p99_s == Decimal("0.85")
    assert "is what inferctl load measured at 4.5 req/s." in said(found)


def test_now_does_not_spill_for_a_handful_of_slow_requests() -> None:
    assert decided(session=served(0.5, per_reading=2)).now.kind is NowKind.KEEP_ON_GPU


def test_the_history_tells_starts_and_runs(tmp_path: Path) -> None:
    host = replace(host_in(tmp_path, SETTINGS))
    now_s = host.now().wall_s
    with closing(open_history(host.history_file)) as history:
        for number, (took_s, outcome) in enumerate(
            [(50.0, Outcome.READY), (70.0, Outcome.READY), (900.0, Outcome.FAILED)]
        ):
            start = Start(f"s{number}", outcome=outcome, total_s=took_s, first_token_s=took_s)
            history.add_start(StartRecord("chat", "org/model", (), now_s - number, start))
        other = Start("o", outcome=Outcome.READY, total_s=9.0, first_token_s=9.0)
        history.add_start(StartRecord("chat", "org/model", ("--seed", "2"), now_s, other))
        for series_id, age_days in (("old", 46), ("new", 1)):
            targets = (("b", "serverless"),)
            report = {"targets": {"b": {"model": "org/model"}}}
            began_s = now_s - age_days * 86_400
            history.add_series(SeriesRecord(series_id, began_s, targets, "", report))  # type: ignore[arg-type]
            history.add_run(series_id, Run("b", 0, ttft_s=0.5))
    found = measured_here(host)
    assert found.starts == (Starts("chat", 2, 60.0),)
    tail = found.tail(SERVERLESS)
    assert tail is not None
    assert (tail.runs, tail.p99_s) == (1, None)
    assert found.tail(Endpoint("serverless", SERVERLESS.base_url, "org/other")) is None


CHEAP = replace(SETTINGS, servers=(replace(PROFILE, gpu_usd_per_hour=Decimal("0.3")),))


def test_a_capacity_of_other_requests_says_which_and_how_to_measure_these() -> None:
    found = decided(settings=CHEAP, capacity=replace(CAPACITY, output_tokens=20))
    assert found.plan.kind is VerdictKind.CAPACITY_UNKNOWN
    assert "The capacity is not measured for replies of 220 tokens, only for 20: " in said(found)
    assert "inferctl load chat --max-tokens 220." in said(found)


def test_the_command_that_measures_names_the_server() -> None:
    found = decided(settings=CHEAP, capacity=None)
    assert reason(found.plan).endswith("Measure it: inferctl load chat")
    assert options(found)["on_demand"].endswith("run: inferctl load chat")
    assert "The capacity is not measured: inferctl load chat." in said(found)
    assert sum(each.startswith("The capacity") for each in found.plan.assumptions) == 1


def tiered(prompts: Histogram) -> Decision:
    """Decide on an API that is six times as dear for prompts above 100 tokens."""
    dear = Tier(Decimal(100), Decimal("0.60"), Decimal("4.20"))
    prices = replace(SERVERLESS.prices, tiers=(dear,))
    settings = replace(SETTINGS, endpoints=(replace(SERVERLESS, prices=prices),))
    ledger, server = READY.ledger, READY.life.server.name if READY.life else ""
    served, scraped = ledger.of(server), READY.scraped
    assert scraped is not None
    counters = replace(scraped.counters, request_input_tokens=prompts)
    windows = replace(served.windows, minute=replace(scraped, counters=counters))
    ledger = replace(ledger, served=(replace(served, windows=windows),))
    account = replace(READY.account, ledger=ledger)
    return decided(settings=settings, session=replace(READY, account=account))


def test_prompts_of_unknown_length_hold_the_verdict_for_all_that_their_mean_allows() -> None:
    dear = Tier(Decimal(100), Decimal("0.60"), Decimal("4.20"))
    prices = replace(SERVERLESS.prices, tiers=(dear,))
    seen = Observed(Decimal(9000), Decimal(80), Decimal(220), window_s=Decimal(9000))
    settings = Settings((PROFILE,), (replace(SERVERLESS, prices=prices),))
    found = host_scenario(Session(at(0.0)), settings, DAY, Demand(seen, "a stopped server"))
    low, high = found.scenario.api_price_range
    assert low == 1
    assert float(high) == pytest.approx(1 + 0.8 * 5, rel=0.3)


def test_live_prompts_are_charged_at_the_tier_of_their_own_length() -> None:
    edges = (50.0, 100.0, 200.0, 500.0, float("inf"))
    short = tiered(Histogram(edges, (0.0, *(1000.0,) * 4), 80_000.0))
    mixed = tiered(Histogram(edges, (500.0, 700.0, 900.0, 1000.0, 1000.0), 80_000.0))
    costs = [found.plan.usd_per_request for found in (short, mixed)]
    assert costs[0] is not None
    assert costs[1] is not None
    # Three of ten prompts are in the tier that is six times as dear.
    assert costs[1] > costs[0] * 2
    assert "The tier of each prompt follows from the histogram" in said(mixed)
    assert "The mean prompt decides the tier" not in said(mixed)
    sure = (Decimal(1), Decimal(1))
    assert mixed.scenario.api_price_range == short.scenario.api_price_range == sure


def test_a_tier_that_a_bucket_leaves_open_widens_the_price() -> None:
    edges = (50.0, 200.0, 500.0, float("inf"))
    found = tiered(Histogram(edges, (500.0, 900.0, 1000.0, 1000.0), 80_000.0))
    low, high = found.scenario.api_price_range
    assert low < 1 < high
    assert "how many reach a tier is open" in said(found)
