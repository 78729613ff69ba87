"""What two readings of the server's counters tell of its requests, with how sure that is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import fmean, variance

from backends.domain.decision.scenario import Observed
from backends.domain.facts import MetricsScraped
from backends.domain.serving import Histogram
from backends.domain.traffic.rates import grown_histogram, restarted


@dataclass(frozen=True, slots=True)
class Moments:
    """Number, mean and standard deviation of what a histogram counted."""

    n: float
    mean: float
    sd: float


def observed_between(
    earlier: MetricsScraped, later: MetricsScraped, dispersion: float = 1.0
) -> Observed | None:
    """Return the requests that finished between two readings, as a scenario takes them.

    The server's histograms do not tell how input and output go together, so the covariance is the
    largest that can be: both move as one. None without a request, or across a restart.
    """
    old, new = earlier.counters, later.counters
    window_s = later.at.mono_s - earlier.at.mono_s
    if window_s <= 0 or restarted(old, new):
        return None
    return observed_in(
        grown_histogram(old.request_input_tokens, new.request_input_tokens),
        grown_histogram(old.request_output_tokens, new.request_output_tokens),
        window_s,
        dispersion,
    )


def observed_in(
    input_tokens: Histogram | None,
    output_tokens: Histogram | None,
    window_s: float,
    dispersion: float = 1.0,
) -> Observed | None:
    """Return the requests that two histograms of their tokens counted in a window."""
    into, out = moments(input_tokens), moments(output_tokens)
    if into is None or out is None:
        return None
    return Observed(
        n=_decimal(min(into.n, out.n)),
        input_tokens_mean=_decimal(into.mean),
        output_tokens_mean=_decimal(out.mean),
        input_tokens_sd=_decimal(into.sd),
        output_tokens_sd=_decimal(out.sd),
        covariance=_decimal(into.sd * out.sd),
        window_s=_decimal(window_s),
        dispersion=_decimal(dispersion),
    )


def moments(histogram: Histogram | None) -> Moments | None:
    """Return mean and standard deviation of a histogram; None without counts.

    The mean is exact, from the sum. The deviation takes each bucket as evenly filled, which is more
    than the truth where buckets are wide, and the one without an end as lying at its beginning.
    """
    if histogram is None or not histogram.counts or histogram.counts[-1] <= 0:
        return None
    n = histogram.counts[-1]
    mean = histogram.sum / n
    spread, low, below = 0.0, 0.0, 0.0
    for edge, count in zip(histogram.edges, histogram.counts, strict=True):
        high = low if edge == float("inf") else edge
        middle, width = (low + high) / 2, high - low
        spread += (count - below) * ((middle - mean) ** 2 + width**2 / 12)
        low, below = high, count
    return Moments(n, mean, (spread / n) ** 0.5)


def dispersion_of(requests: Sequence[int]) -> float:
    """Return variance over mean of the requests of equal windows; at least 1, a Poisson stream.

    Traffic in bursts has more, and its rate is known less surely.
    """
    if len(requests) < 2 or sum(requests) == 0:
        return 1.0
    return max(1.0, variance(requests) / fmean(requests))


def dispersion_within(groups: Iterable[Sequence[float]]) -> float:
    """Return the dispersion of the counts of equal windows inside their groups, such as hours.

    What repeats every day is the profile's; only what is uneven within an hour is left to chance.
    """
    squares, freedom, total, number = 0.0, 0, 0.0, 0
    for counts in groups:
        mean = fmean(counts) if counts else 0.0
        squares += sum((count - mean) ** 2 for count in counts)
        freedom += max(0, len(counts) - 1)
        total, number = total + sum(counts), number + len(counts)
    if freedom == 0 or total <= 0:
        return 1.0
    return max(1.0, squares / freedom / (total / number))


def _decimal(value: float) -> Decimal:
    return Decimal(repr(value))
