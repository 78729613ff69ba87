"""How many requests come and of which length, as estimated from stretches of traffic, with errors.

What was seen speaks for itself alone; `week` has what speaks for the week to come.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from backends.domain.traffic.bins import Bin, merged
from backends.domain.traffic.requests import Errors
from backends.domain.traffic.scales import LEAST_BLOCKS, covariance, long_run


@dataclass(frozen=True, slots=True)
class Estimate:
    """What stretches of traffic tell.

    Attributes:
        requests: how many were seen, over `seconds` that were watched; the tokens of `counted` of
            them are known.
        rate_rps: their mean rate; of a learnt week that of the week to come.
        input_tokens, output_tokens: mean of one request; None where none was counted.
        week_rps: by hour of the week, Monday midnight first; empty where no week is learnt.
        trend_per_day: by which share the rate grows each day; None where none is sure.
        level_since_s: since when the level holds that the estimate is of; None for the beginning.
    """

    requests: float
    counted: float
    seconds: float
    rate_rps: float
    input_tokens: float | None
    output_tokens: float | None
    errors: Errors | None
    week_rps: tuple[float, ...] = ()
    trend_per_day: float | None = None
    level_since_s: float | None = None


def of_stretch(bins: Sequence[Bin]) -> Estimate | None:
    """Return what was seen, of that stretch alone; None where no time was watched."""
    whole = merged(bins)
    if whole.seconds <= 0:
        return None
    rate = whole.requests / whole.seconds
    equal = _equal(bins)
    into, out = _means(whole)
    rate_parts = [each.requests - rate * each.seconds for each in equal]
    errors = None
    if whole.requests > 0:
        errors = unknown_errors(whole.requests)
    if len(equal) >= LEAST_BLOCKS and whole.requests > 0:
        errors = errors_of(
            rate_parts,
            _token_parts(equal, into, out),
            (whole.requests, whole.input_tokens, whole.output_tokens),
        )
    return Estimate(whole.requests, whole.counted, whole.seconds, rate, into, out, errors)


def unknown_errors(requests: float) -> Errors:
    """Return what is known of means of too few stretches: nothing but that chance is in them."""
    return Errors(requests**-0.5, 1.0, 1.0, freedom=0.0, tokens_freedom=0.0)


def _equal(bins: Sequence[Bin]) -> Sequence[Bin]:
    """Return stretches of about one length: one shorter than half of the longest takes the next.

    The last takes what is left over.
    """
    longest_s = max(each.seconds for each in bins)
    found: list[Bin] = []
    short: list[Bin] = []
    short_s = 0.0
    for each in bins:
        short.append(each)
        short_s += each.seconds
        if short_s >= longest_s / 2:
            found.append(merged(short))
            short, short_s = [], 0.0
    if short and found:
        found[-1] = merged((found[-1], *short))
    return found or [merged(short)]


def _means(whole: Bin) -> tuple[float | None, float | None]:
    if whole.counted <= 0:
        return None, None
    return whole.input_tokens / whole.counted, whole.output_tokens / whole.counted


def _token_parts(
    bins: Sequence[Bin], into: float | None, out: float | None
) -> tuple[list[float], list[float]]:
    into, out = into or 0.0, out or 0.0
    return (
        [each.input_tokens - into * each.counted for each in bins],
        [each.output_tokens - out * each.counted for each in bins],
    )


def errors_of(
    rates: Sequence[float],
    tokens: tuple[Sequence[float], Sequence[float]],
    sums: tuple[float, float, float],
    fitted: int = 1,
    poisson: float | None = None,
) -> Errors | None:
    """Return the relative errors of rate and token means, from blocks of all sizes.

    Args:
        rates: residuals of the requests.
        tokens: residuals of the input and of the output tokens.
        sums: requests, input and output tokens that the residuals belong to.
        fitted: how many means were taken off.
        poisson: the variance of a Poisson stream's count, which is the least there is.
    """
    n = len(rates)
    rate, into, out = (long_run(each, fitted) for each in (rates, *tokens))
    if rate is None or into is None or out is None:
        return None
    least = (sums[0] if poisson is None else poisson) / n
    variances = (max(rate.variance, least), into.variance, out.variance)
    level = max(into.level, out.level)
    both = covariance(*tokens, level)
    mixed = [covariance(rates, each, max(level, rate.level)) for each in tokens]
    errors = [
        (value * n) ** 0.5 / whole if whole > 0 else 0.0
        for value, whole in zip(variances, sums, strict=True)
    ]

    return Errors(
        errors[0],
        errors[1],
        errors[2],
        tokens_correlation=_correlation(both, *variances[1:]),
        rate_correlations=(
            max(0.0, _correlation(mixed[0], variances[0], variances[1])),
            max(0.0, _correlation(mixed[1], variances[0], variances[2])),
        ),
        freedom=rate.freedom,
        tokens_freedom=min(into.freedom, out.freedom),
    )


def _correlation(covariance_of_both: float, one: float, other: float) -> float:
    deviation = (one * other) ** 0.5
    return float(max(-1.0, min(1.0, covariance_of_both / deviation))) if deviation > 0 else 0.0
