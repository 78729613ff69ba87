"""Views of the widgets about money."""

from dataclasses import replace
from decimal import Decimal

from widgets.cost_chart import CostChartView
from widgets.cost_panel import CostView, EndpointCost
from widgets.crossover_bar import CrossoverBar
from widgets.options_bars import OptionBar, OptionsView
from widgets.verdict_line import VerdictView

METER = CostView(
    spent_usd=Decimal("12.34"),
    usd_per_hour=Decimal("1.88"),
    serving_usd=Decimal("8.00"),
    idle_usd=Decimal("3.94"),
    starting_usd=Decimal("0.40"),
    priced_on="2026-11-01",
    api_equivalent=(
        EndpointCost("serverless", Decimal("3.21")),
        EndpointCost("second/gpt-oss-120b", Decimal("14.00")),
        EndpointCost("third", None, "no price set"),
    ),
    tokens="1.2M in, 340k out",
)
COST = {
    "unknown": CostView(reason="no price for this GPU: inferctl prices set"),
    "meter": METER,
    "near": replace(METER, budget="near", budget_usd=Decimal(15)),
    "over-stale": replace(
        METER, budget="over", budget_usd=Decimal(12), stale=True, stale_reason="120 days old"
    ),
}

_SENTENCE = "At 2.1 req/s the GPU costs $1.88/h and the endpoint $0.94/h."
VERDICT = {
    "none": VerdictView(sentence="no price for the endpoint"),
    "self-host": VerdictView(
        "self_host", "SELF-HOST CHEAPER", _SENTENCE, "API wins below 4.2 req/s"
    ),
    "api": VerdictView("api", "API CHEAPER", _SENTENCE, "GPU wins above 4.2 req/s"),
    "hybrid": VerdictView("hybrid", "HYBRID CHEAPER (2)", _SENTENCE, "third GPU above 54 req/s"),
    "too-close": VerdictView("too_close", "TOO CLOSE", _SENTENCE, "decided outside 3.6 to 4.9"),
    "impossible": VerdictView("impossible", "NO CROSSOVER", _SENTENCE, "capacity of 14.2 req/s"),
}
_API = VERDICT["api"]
CROSSOVERS = {
    "capacity": replace(_API, crossover=CrossoverBar(2.1, 4.2, (3.6, 4.9), 12.5)),
    "no-capacity": replace(
        _API,
        crossover=CrossoverBar(2.1, 4.2, (3.6, 4.9), capacity_reason="not measured: inferctl load"),
    ),
    "impossible": replace(_API, crossover=CrossoverBar(2.1, 14.2, (13.6, 14.9), 12.5)),
    "unknown": VerdictView(sentence="no price for the endpoint", crossover=CrossoverBar()),
}

CHART = {
    "none": CostChartView(reason="no price for the endpoint"),
    "crossing": CostChartView(
        self_hosted=(
            (0.0, Decimal("1.88")),
            (12.5, Decimal("1.88")),
            (12.5, Decimal("3.76")),
            (20.0, Decimal("3.76")),
        ),
        serverless=((0.0, Decimal(0)), (20.0, Decimal("8.95"))),
        now_rps=2.1,
        break_even_rps=4.2,
        break_even_interval_rps=(3.6, 4.9),
        capacity_rps=12.5,
    ),
}
OPTIONS = {
    "none": OptionsView(),
    "ranked": OptionsView(
        (
            OptionBar("serverless", Decimal("320.10")),
            OptionBar("hybrid, 1 GPU", Decimal(900), 1),
            OptionBar("self-host on demand", Decimal("1372.40"), 1, current=True),
            OptionBar("reserved", None, 1),
            OptionBar(
                "scale to zero",
                Decimal(200),
                None,
                "p99 TTFT over the limit: 51 % of requests meet a cold start",
            ),
        )
    ),
}
