"""The traffic that a decision is about, wherever it was read: how much, of which tokens, when."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from statistics import fmean, variance
from typing import TYPE_CHECKING

from backends.domain.durations import DAY_S, HOUR_S, MINUTE_S
from backends.domain.serving import Histogram
from backends.domain.traffic.bins import Bin, by_identity, days_seen, in_steps
from backends.domain.traffic.bursts import bursts_of
from backends.domain.traffic.estimate import unknown_errors
from backends.domain.traffic.rates import grown_histogram, restarted
from backends.domain.traffic.requests import Observed, RequestKind
from backends.domain.traffic.series import TrafficSeries
from backends.domain.traffic.shape import EVEN, HourlyProfile, Shares, learn
from backends.domain.traffic.totals import TokenTotals
from backends.domain.traffic.week import WEEK_DAYS, estimate

if TYPE_CHECKING:
    from backends.domain.facts import MetricsScraped


@dataclass(frozen=True, slots=True)
class Moments:
    """Number, mean and standard deviation of what a histogram counted."""

    n: float
    mean: float
    sd: float


def observed_between(
    earlier: "MetricsScraped", later: "MetricsScraped", dispersion: float = 1.0
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


def bin_between(earlier: "MetricsScraped", later: "MetricsScraped") -> Bin | None:
    """Return what finished between two readings; None where that is not counted."""
    old, new = earlier.counters, later.counters
    seconds = later.at.mono_s - earlier.at.mono_s
    before, after = old.requests_finished, new.requests_finished
    if seconds <= 0 or before is None or after is None or restarted(old, new):
        return None
    into = grown_histogram(old.request_input_tokens, new.request_input_tokens)
    out = grown_histogram(old.request_output_tokens, new.request_output_tokens)
    if into is None or out is None or not into.counts or not out.counts:
        return Bin(earlier.at.wall_s, seconds, after - before)
    counted = min(into.counts[-1], out.counts[-1])
    return Bin(earlier.at.wall_s, seconds, after - before, counted, into.sum, out.sum)


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


@dataclass(frozen=True, slots=True)
class Horizon:
    """What an answer speaks for: the time that was seen, or a week like those that were learnt.

    Attributes:
        seen_s: how long was watched, in seconds.
        week: whether a whole week was.
    """

    seen_s: float
    week: bool = False

    @property
    def missing_s(self) -> float:
        """How much longer must be watched until a week is known, in seconds."""
        return 0.0 if self.week else max(0.0, WEEK_DAYS * DAY_S - self.seen_s)


@dataclass(frozen=True, slots=True)
class Demand:
    """Traffic as it was seen.

    Attributes:
        seen: requests and their tokens; ``n`` is 0 where none was seen.
        cached_input_share: of the input tokens, 0 to 1; None where it is not counted.
        profile: by hour of the day in UTC, None where the source has none.
        source: where it was read, as the end of a sentence.
        totals: all requests and tokens of the stretch.
        replicas: how many servers served it, None where the source does not tell.
        week_rps: by hour of the week in UTC, Monday midnight first; empty where none is learnt.
        bursts: how far short stretches lie above and below the mean of their hour.
        trend_per_day: by which share the rate grows each day; None where no trend is sure.
        series: the same by steps of time, None where the source has only sums.
        kinds: the same by lengths of prompts that are priced alike; empty where all are, or single
            prompts are not known.
        kinds_ends: the same with the fewest and with the most long prompts that there may be;
            empty where they are known.
        prompts: the lengths of prompts, where the source has no more of them than a histogram.
    """

    seen: Observed
    source: str
    cached_input_share: Decimal | None = None
    profile: HourlyProfile | None = None
    totals: TokenTotals = field(default_factory=TokenTotals)
    replicas: int | None = None
    week_rps: tuple[Decimal, ...] = ()
    bursts: Shares = EVEN
    trend_per_day: float | None = None
    series: TrafficSeries | None = None
    kinds: tuple[RequestKind, ...] = ()
    kinds_ends: tuple[tuple[RequestKind, ...], ...] = ()
    prompts: Histogram | None = None

    @property
    def horizon(self) -> Horizon | None:
        """What an answer on this traffic speaks for; None where it is not known how long it was."""
        seen_s = self.seen.window_s
        return None if seen_s is None else Horizon(float(seen_s), bool(self.week_rps))

    @property
    def rate_rps(self) -> Decimal | None:
        """Requests per second over the whole window; None where it is not known how long.

        Of a learnt week it is that of the week to come.
        """
        if self.week_rps:
            return sum(self.week_rps, Decimal(0)) / len(self.week_rps)
        return self.seen.n / self.seen.window_s if self.seen.window_s else None


@by_identity
def demand_of(bins: tuple[Bin, ...], source: str) -> Demand:
    """Return the traffic of some stretches: of the week to come where one is learnt, else of them.

    Args:
        bins: in order of time.
        source: where it was read, as the end of a sentence.
    """
    return studied(Demand(Observed(n=Decimal(0)), source), bins)


def studied(demand: Demand, bins: tuple[Bin, ...]) -> Demand:
    """Return traffic with what its stretches tell: rate, lengths, errors, week, trend and bursts.

    Whatever else is known of it stays.

    Args:
        demand: what is known beside its stretches.
        bins: in order of time; short ones tell of bursts.
    """
    wide_s = HOUR_S if days_seen(bins) > DAYS_BY_THE_MINUTE else MINUTE_S
    wide = in_steps(bins, wide_s) if bins and bins[0].seconds < wide_s else bins
    found = estimate(wide)
    if found is None:
        return demand
    seen = replace(
        demand.seen,
        n=_decimal(found.requests),
        input_tokens_mean=None if found.input_tokens is None else _decimal(found.input_tokens),
        output_tokens_mean=None if found.output_tokens is None else _decimal(found.output_tokens),
        window_s=_decimal(found.seconds),
        tokens_n=_decimal(found.counted),
        errors=found.errors,
    )
    return replace(
        demand,
        seen=seen,
        week_rps=tuple(_decimal(rate) for rate in found.week_rps),
        bursts=bursts_of(in_steps(bins, BURST_S) if bins[0].seconds < BURST_S else bins),
        trend_per_day=found.trend_per_day,
    )


BURST_S = 15.0
"""What is shorter a queue takes up: a second's burst waits for little more than a second."""
DAYS_BY_THE_MINUTE = 2.0
"""From more days on hours tell as much."""

NOTHING = Demand(Observed(n=Decimal(0)), "no server's counters")


def demand_between(readings: "Sequence[MetricsScraped]", profile: HourlyProfile) -> Demand:
    """Return the traffic from the first to the last of some readings of one server.

    The readings between tell how unevenly the requests came.
    """
    if len(readings) < 2:
        return NOTHING
    first, last = readings[0], readings[-1]
    seen = observed_between(first, last, dispersion_of(_steps(readings)))
    if seen is None or seen.window_s is None:
        return NOTHING
    bins = [bin_between(old, new) for old, new in pairwise(readings)]
    # By the minute, as all that is recorded: what comes in bursts looks even for less than that.
    found = estimate(in_steps((each for each in bins if each is not None), MINUTE_S))
    errors = found.errors if found is not None else None
    seen = replace(seen, errors=errors or unknown_errors(float(seen.n)))
    source = f"the server's counters over the last {seen.window_s:.0f} s"
    return Demand(seen, source, _cached_share(first, last), profile)


def cached_share_of(totals: TokenTotals) -> Decimal | None:
    """Return which share of the input came from the cache, None where it was not counted."""
    if not totals.input_tokens or totals.cached_input_tokens is None:
        return None
    share = Decimal(repr(totals.cached_input_tokens)) / Decimal(repr(totals.input_tokens))
    return min(Decimal(1), max(Decimal(0), share))


def spread_over_hours(profile: HourlyProfile, from_s: float, to_s: float) -> HourlyProfile:
    """Return a profile that has also watched a stretch of time in which no request came."""
    while from_s < to_s:
        until_s = min(to_s, (from_s // HOUR_S + 1) * HOUR_S)
        profile = learn(profile, hour_of(from_s), 0.0, until_s - from_s)
        from_s = until_s
    return profile


def hour_of(wall_s: float) -> int:
    """Return the hour of the day in UTC."""
    return datetime.fromtimestamp(wall_s, UTC).hour


def _steps(readings: "Sequence[MetricsScraped]") -> list[int]:
    counts = [each.counters.requests_finished for each in readings]
    pairs = pairwise(counts)
    return [round(new - old) for old, new in pairs if old is not None and new is not None]


def _cached_share(first: "MetricsScraped", last: "MetricsScraped") -> Decimal | None:
    old, new = first.counters, last.counters
    cached = (old.cached_prompt_tokens, new.cached_prompt_tokens)
    whole = (old.prompt_tokens, new.prompt_tokens)
    if None in cached or None in whole:
        return None
    grown = TokenTotals(
        input_tokens=(whole[1] or 0.0) - (whole[0] or 0.0),
        cached_input_tokens=(cached[1] or 0.0) - (cached[0] or 0.0),
    )
    return cached_share_of(grown)
