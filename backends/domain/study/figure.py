"""One figure of a study: its value, its interval and the samples that it is of."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from backends.domain.ab.run import TargetName
from backends.domain.study.intervals import Interval, of_mean, of_median

Unit = Literal["s", "tokens/s", "req/s", "GiB", "USD", "tokens", "requests at once"]
Method = Literal[
    "mean, Student's interval",
    "median, interval of order statistics",
    "Hodges-Lehmann shift and interval",
    "bracket of tested rates",
    "interval of the observed traffic",
    "range",
    "reading",
    "sum",
    "quotient",
]
SIDES: tuple[tuple[str, TargetName], ...] = (("server", "a"), ("endpoint", "b"))
NO_GPU_PRICE = "UNPRICED: the server has no gpu_usd_per_hour"
NO_API_PRICE = "UNPRICED: the endpoint has no price, or sends no usage"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a study.

    Attributes:
        key: what it is found by in every study, words joined by dots.
        value: money as Decimal; None with the reason where it is not known.
        low: with `high` the ends of its interval of 95 %, or of its bracket; None where so few
            samples give none, or where there is no end on that side.
        n: how many samples it is of.
        better: which way is an improvement; empty where neither is.
        samples: what it is computed from, where that is one number each.
    """

    key: str
    title: str
    unit: Unit
    value: Decimal | float | None
    low: Decimal | float | None = None
    high: Decimal | float | None = None
    n: int = 1
    method: Method = "reading"
    better: Literal["lower", "higher", ""] = "lower"
    reason: str = ""
    samples: tuple[float, ...] = ()


def figure_of_mean(key: str, title: str, unit: Unit, samples: Sequence[float]) -> Figure:
    """Return the mean of samples as a figure; there must be one at least."""
    found = of_mean(samples)
    if found.low is not None and min(samples) >= 0:
        found = replace(found, low=max(0.0, found.low))  # neither times nor counts are below
    return _sampled((key, title, unit), samples, found, "mean, Student's interval")


def figure_of_usd(key: str, title: str, amounts: Sequence[float], unpriced: str) -> Figure:
    """Return the mean of amounts of US dollars; None with the reason where there is none."""
    if not amounts:
        return Figure(key, title, "USD", None, n=0, reason=unpriced)
    found = figure_of_mean(key, title, "USD", amounts)
    value, low, high = (
        None if end is None else Decimal(repr(end)) for end in (found.value, found.low, found.high)
    )
    return replace(found, value=value, low=low, high=high)


def figure_of_median(key: str, title: str, unit: Unit, samples: Sequence[float]) -> Figure:
    """Return the median of samples as a figure; there must be one at least."""
    method: Method = "median, interval of order statistics"
    return _sampled((key, title, unit), samples, of_median(samples), method)


def _sampled(
    named: tuple[str, str, Unit], samples: Sequence[float], found: Interval, method: Method
) -> Figure:
    return Figure(
        *named,
        found.value,
        low=found.low,
        high=found.high,
        n=len(samples),
        method=method,
        better="higher" if named[2] == "tokens/s" else "lower",
        samples=tuple(samples),
    )
