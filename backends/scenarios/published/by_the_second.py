"""GPUs billed by the second, and from how many hours a day one by the month is cheaper."""

from collections.abc import Iterator
from decimal import Decimal
from functools import partial

from backends.scenarios.published.claims import Claim, even_hours, even_percent, hour, month

_costhawk = partial(Claim, "CostHawk: GPUs by the second")
_thesis = partial(Claim, "MBF Media: 18 hours a day")
RATES = (
    ("replicate-a40", "Replicate A40", "2.07"),
    ("replicate-a100", "Replicate A100", "5.04"),
    ("modal-a100", "Modal A100", "3.93"),
    ("modal-h100", "Modal H100", "8.35"),
)


def _rates() -> Iterator[Claim]:
    """Yield the published price list: each rate by the second as one by the hour."""
    for name, words, printed in RATES:
        scenario = f"{name}-by-the-second"
        yield _costhawk(
            f"{words}, an hour",
            f"${printed}",
            Decimal(printed) - Decimal("0.005"),
            Decimal(printed) + Decimal("0.005"),
            partial(hour, scenario, "serverless_gpu"),
            "$",
            scenario=scenario,
        )


def _threshold(name: str, words: str) -> Claim:
    return _costhawk(
        f"utilisation below which {words} is cheaper",
        "<40 %",
        Decimal("39.5"),
        Decimal("40.5"),
        partial(even_percent, name),
        "%",
        "$929 a month over its own rate around the clock",
        name,
    )


def _eighteen(name: str, words: str, note: str) -> Claim:
    return _thesis(
        f"hours a day from which reserved wins, {words}",
        "18 h",
        Decimal("17.5"),
        Decimal("18.5"),
        partial(even_hours, name),
        "h",
        note,
        name,
        "it depends",
    )


def _sweet_spot(name: str, words: str) -> Claim:
    return _thesis(
        f"serverless up to so many hours a day, {words}",
        "under 4-6 h",
        Decimal("3.5"),
        Decimal("6.5"),
        partial(even_hours, name),
        "h",
        "contradicts its own 18 h; between 6 and 18 h the article says nothing",
        name,
    )


_RTX = "rtx5090-month-or-second"
_A100 = "replicate-a100-by-the-second"
COLD = "a100-cold-starts"

CLAIMS = (
    *_rates(),
    _costhawk(
        "one cold start of 60 s",
        "$0.084",
        Decimal("0.0835"),
        Decimal("0.0845"),
        lambda: hour(COLD, "serverless_gpu") * 24 / 100,
        "$",
        scenario=COLD,
    ),
    _costhawk(
        "100 cold starts a day",
        "$8.40/day",
        Decimal("8.395"),
        Decimal("8.405"),
        lambda: hour(COLD, "serverless_gpu") * 24,
        "$",
        scenario=COLD,
    ),
    _costhawk(
        "the same in 30 days",
        "$252/mo",
        Decimal("251.5"),
        Decimal("252.5"),
        lambda: month(COLD, "serverless_gpu"),
        "$",
        scenario=COLD,
    ),
    _costhawk(
        "140 GB of weights at 10 GB/s",
        "14 s",
        Decimal("13.5"),
        Decimal("14.5"),
        lambda: Decimal(140) / Decimal(10),
        "s",
    ),
    _costhawk(
        "cost per token at 20 % utilisation",
        "5x",
        Decimal("4.95"),
        Decimal("5.05"),
        lambda: 1 / Decimal("0.20"),
        "x",
    ),
    _threshold(_A100, "Replicate's A100"),
    _threshold("modal-a100-by-the-second", "Modal's A100"),
    _eighteen(
        "reserved-from-18-hours",
        "at a price ratio of 4 to 3",
        "only at that ratio, which the article does not say",
    ),
    _eighteen(_RTX, "RTX 5090", "by the second costs 4.9 times as much as by the month"),
    _eighteen(_A100, "A100", "by the second costs 3.9 times as much as by the month"),
    _sweet_spot(_RTX, "RTX 5090"),
    _sweet_spot(_A100, "A100"),
)
