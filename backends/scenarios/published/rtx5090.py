"""A dedicated RTX 5090 by the month against serverless GPUs and APIs, published by its host."""

from decimal import Decimal
from functools import partial

from backends.scenarios.published.claims import Claim, even_hours, even_percent, hour, month

_claim = partial(Claim, "RTX 5090 host: month or second")
USD_PER_POUND = Decimal("1.289")
"""What the article's own sums imply: $2,514 are £1,950."""
TOKENS_PER_DAY = 100_000 * 256
_CARD = "rtx5090-month-or-second"


def _pounds(name: str, option: str) -> Decimal:
    return month(name, option) / USD_PER_POUND


def _busy_tokens_per_s(pounds: int, usd_per_second: str) -> Decimal:
    """Return the output tokens/s of a GPU by the second that serves this traffic for that sum."""
    seconds_per_day = pounds * USD_PER_POUND / Decimal(usd_per_second) / 30
    return TOKENS_PER_DAY / seconds_per_day


CLAIMS = (
    _claim(
        "seconds in a month",
        "2,592,000",
        Decimal(2_592_000),
        Decimal(2_592_000),
        lambda: Decimal(30) * 86_400,
    ),
    _claim(
        "serverless at 100 %",
        "$2,514",
        Decimal("2513.5"),
        Decimal("2514.5"),
        lambda: month("rtx5090-second-around-the-clock", "serverless_gpu"),
        "$",
        scenario="rtx5090-second-around-the-clock",
    ),
    _claim(
        "the same in pounds",
        "£1,950",
        Decimal(1945),
        Decimal(1955),
        lambda: _pounds("rtx5090-second-around-the-clock", "serverless_gpu"),
        "£",
        "takes 1.289 dollars to the pound, which the article does not say",
        "rtx5090-second-around-the-clock",
    ),
    _claim(
        "break-even utilisation",
        "~6.5 %",
        Decimal("6.45"),
        Decimal("6.55"),
        lambda: even_percent(_CARD),
        "%",
        "its own quotient, £399 / £1,950, is 20.5 %",
        _CARD,
    ),
    _claim(
        "break-even, hours a day",
        "roughly 2 h",
        Decimal("1.5"),
        Decimal("2.5"),
        lambda: even_hours(_CARD),
        "h",
        "20.5 % of a day; at 2 h the serverless GPU costs 41 % of the dedicated one",
        _CARD,
    ),
    _claim(
        "break-even, GPU hours a month",
        "roughly 30 h",
        Decimal(25),
        Decimal(35),
        lambda: even_hours(_CARD) * 30,
        "h",
        "30 h is 4.2 % of a month",
        _CARD,
    ),
    _claim(
        "utilisation from which dedicated wins",
        ">30 %",
        Decimal(29),
        Decimal(31),
        lambda: even_percent(_CARD),
        "%",
        "the fourth threshold of one article; none is the one that its prices give",
        _CARD,
    ),
    _claim(
        "API bill from which dedicated wins",
        "£1,500/mo",
        Decimal(1450),
        Decimal(1550),
        lambda: _pounds(_CARD, "reserved"),
        "£",
        "any bill above the price of the GPU is dearer, where one GPU carries the load",
        _CARD,
    ),
    _claim(
        "dedicated RTX 5090",
        "£399/mo",
        Decimal("398.5"),
        Decimal("399.5"),
        lambda: _pounds("rtx5090-or-gpt-4o-mini", "reserved"),
        "£",
        scenario="rtx5090-or-gpt-4o-mini",
    ),
    _claim(
        "RunPod RTX 5090",
        "~£700/mo",
        Decimal(695),
        Decimal(705),
        lambda: _pounds("rtx5090-runpod", "serverless_gpu"),
        "£",
        "takes 825 tokens/s while busy, 35.9 % of the time, which the article does not say",
        "rtx5090-runpod",
    ),
    _claim(
        "Modal H100",
        "~£900/mo",
        Decimal(895),
        Decimal(905),
        lambda: _pounds("rtx5090-or-modal-h100", "serverless_gpu"),
        "£",
        "takes 331 tokens/s while busy, 89.5 % of the time, which the article does not say",
        "rtx5090-or-modal-h100",
    ),
    _claim(
        "Modal's rate over RunPod's",
        "higher per-second",
        Decimal(1),
        Decimal(10),
        lambda: (
            hour("rtx5090-or-modal-h100", "serverless_gpu")
            / Decimal("21.5")
            / (hour("rtx5090-runpod", "serverless_gpu") / Decimal("8.62"))
        ),
        "x",
        "$0.0005 is less than $0.00097; another published list has $0.002319 for that GPU",
        "rtx5090-or-modal-h100",
    ),
    _claim(
        "Modal's throughput over RunPod's",
        "higher throughput",
        Decimal(1),
        Decimal(10),
        lambda: _busy_tokens_per_s(900, "0.0005") / _busy_tokens_per_s(700, "0.00097"),
        "x",
        "what the sums take is 331 tokens/s on the H100, 825 on the RTX 5090",
        "rtx5090-or-modal-h100",
    ),
    _claim(
        "gpt-4o-mini",
        "~£600/mo",
        Decimal(595),
        Decimal(605),
        lambda: _pounds("rtx5090-or-gpt-4o-mini", "api"),
        "£",
        "takes 695 input tokens a request, which the article does not say",
        "rtx5090-or-gpt-4o-mini",
    ),
    _claim(
        "Together Llama 3 70B",
        "~£420/mo",
        Decimal(415),
        Decimal(425),
        lambda: _pounds("rtx5090-or-llama-70b-api", "api"),
        "£",
        "£420 pays for 205 tokens a request, fewer than the 256 that come out",
        "rtx5090-or-llama-70b-api",
    ),
)
