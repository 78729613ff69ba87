"""Qwen3-32B on a dedicated H100 against an API, published by GMI Cloud on 2026-06-25."""

from decimal import Decimal
from functools import partial

from backends.domain.decision.scenario import Scenario
from backends.scenarios.published.claims import MTOK, Claim, even_mtok, even_percent, month
from backends.scenarios.reading import shipped_scenario

_claim = partial(Claim, "GMI Cloud: H100 or API")
SECONDS_PER_MONTH = 730 * 3600
_PLAIN = "h100-qwen3-32b"


def _mtok_served(name: str) -> Decimal:
    """Return the million output tokens a month of a scenario's rate."""
    asked: Scenario = shipped_scenario(name)
    return (
        (asked.rate_rps or Decimal(0))
        * (asked.output_tokens or Decimal(0))
        * SECONDS_PER_MONTH
        / MTOK
    )


def _usd_per_mtok(name: str) -> Decimal:
    return month(name, "on_demand") / _mtok_served(name)


CLAIMS = (
    _claim(
        "H100 at $3.95 an hour around the clock",
        "~$2,900/mo",
        Decimal(2850),
        Decimal(2950),
        lambda: month("h100-qwen3-32b-at-70-percent", "on_demand"),
        "$",
        scenario="h100-qwen3-32b-at-70-percent",
    ),
    _claim(
        "2,000 tokens/s at 70 %, a month",
        "~2.7 B tokens",
        Decimal(2650),
        Decimal(2750),
        lambda: _mtok_served("h100-qwen3-32b-at-2000"),
        "M tokens",
        "2.7 B a month is 1,468 tokens/s at 70 %, less than the article says one gives",
        "h100-qwen3-32b-at-2000",
    ),
    _claim(
        "3,000 tokens/s at 70 %, a month",
        "~2.7 B tokens",
        Decimal(2650),
        Decimal(2750),
        lambda: _mtok_served("h100-qwen3-32b-at-3000"),
        "M tokens",
        "twice what is printed",
        "h100-qwen3-32b-at-3000",
    ),
    _claim(
        "utilisation from which dedicated wins, 2,000 tokens/s",
        "40-50 %",
        Decimal(40),
        Decimal(50),
        lambda: even_percent("h100-qwen3-32b-at-2000"),
        "%",
        "$3.95 an hour buys 6.58 M tokens at $0.60, which is 1,829 tokens/s",
        "h100-qwen3-32b-at-2000",
    ),
    _claim(
        "the same, 2,500 tokens/s",
        "40-50 %",
        Decimal(40),
        Decimal(50),
        lambda: even_percent(_PLAIN),
        "%",
        "as above",
        _PLAIN,
    ),
    _claim(
        "the same, 3,000 tokens/s",
        "40-50 %",
        Decimal(40),
        Decimal(50),
        lambda: even_percent("h100-qwen3-32b-at-3000"),
        "%",
        "as above; even the most that one gives leaves it above 50 %",
        "h100-qwen3-32b-at-3000",
    ),
    _claim(
        "API over dedicated at 70 % of 2,500 tokens/s",
        "crosses the break-even",
        Decimal(1),
        Decimal(10),
        lambda: (
            month("h100-qwen3-32b-at-70-percent", "api")
            / month("h100-qwen3-32b-at-70-percent", "on_demand")
        ),
        "x",
        "the API is still cheaper; 70 % crosses only from 2,612 tokens/s on",
        "h100-qwen3-32b-at-70-percent",
    ),
    _claim(
        "crossover, output tokens a month",
        "80-200 M",
        Decimal(80),
        Decimal(200),
        lambda: even_mtok(_PLAIN, 500),
        "M tokens",
        "80 to 200 M take an API at $14 to $36 per million; the article's own has $0.60",
        _PLAIN,
    ),
    _claim(
        "dedicated at 70 % of 2,000 tokens/s",
        "$0.15-0.28/M",
        Decimal("0.15"),
        Decimal("0.28"),
        lambda: _usd_per_mtok("h100-qwen3-32b-at-2000"),
        "$",
        "takes 5,600 to 10,450 tokens/s of a 70B model, several times the 32B model's",
        "h100-qwen3-32b-at-2000",
    ),
    _claim(
        "dedicated at 70 % of 3,000 tokens/s",
        "$0.15-0.28/M",
        Decimal("0.15"),
        Decimal("0.28"),
        lambda: _usd_per_mtok("h100-qwen3-32b-at-3000"),
        "$",
        "as above",
        "h100-qwen3-32b-at-3000",
    ),
)
