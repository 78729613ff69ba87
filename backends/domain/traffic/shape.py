"""The shape of traffic: at which rates requests come, and for which share of the day."""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Decimal
from itertools import accumulate
from operator import itemgetter, neg
from typing import Self

from backends.domain.traffic.bins import Bin, by_identity
from backends.domain.traffic.requests import Observed

ZERO = Decimal(0)
HOURS = 24


Shares = tuple[tuple[Decimal, Decimal], ...]
"""Shares of a whole, each with its value: a rate, or a factor on one."""

EVEN: Shares = ((Decimal(1), Decimal(1)),)


@by_identity
def floats(shares: Shares) -> tuple[tuple[float, float], ...]:
    """Return shares with their values as binary numbers, where thousands of them are summed."""
    return tuple((float(share), float(value)) for share, value in shares)


@dataclass(frozen=True, slots=True)
class _Levels:
    """All rates from the highest on, with sums over those that are at least as high."""

    rates: tuple[Decimal, ...]
    shares: tuple[Decimal, ...]
    volumes: tuple[Decimal, ...]
    active_share: Decimal

    def above(self, rate_rps: Decimal) -> Decimal:
        """Return the mean rate of what exceeds a rate."""
        at = bisect_left(self.rates, -rate_rps, key=neg)
        return self.volumes[at - 1] - rate_rps * self.shares[at - 1] if at else ZERO


@by_identity
def _levels_of(cells: Shares, bursts: Shares) -> _Levels:
    pairs = sorted(
        ((rate * factor, share * part) for share, rate in cells for part, factor in bursts),
        key=itemgetter(0),
        reverse=True,
    )
    shares = tuple(accumulate(share for _, share in pairs))
    volumes = tuple(accumulate(rate * share for rate, share in pairs))
    active = sum((share for share, rate in cells if rate > 0), ZERO)
    return _Levels(tuple(rate for rate, _ in pairs), shares, volumes, active)


@dataclass(frozen=True, slots=True)
class Load:
    """Requests per second by share of the time.

    Attributes:
        cells: hours of one rate, the busiest first: share of the time and mean rate in req/s; the
            shares add up to one.
        starts_per_day: how often traffic begins again after a rate of zero.
        bursts: how the rates inside a cell lie around its mean: share of its time and factor on
            the mean, the same for all cells.
        times: a factor on all rates.
        order: the cell of each hour, in order of time; empty where only shares are known.
    """

    cells: Shares
    starts_per_day: Decimal = ZERO
    bursts: Shares = EVEN
    times: Decimal = Decimal(1)
    order: tuple[int, ...] = ()

    @property
    def mean_rps(self) -> Decimal:
        """The average over the whole time."""
        return self.times * _levels_of(self.cells, self.bursts).volumes[-1]

    @property
    def peak_rps(self) -> Decimal:
        """The highest rate of all."""
        return self.times * _levels_of(self.cells, self.bursts).rates[0]

    @property
    def active_share(self) -> Decimal:
        """The share of the time with any traffic; the moments between bursts belong to it."""
        return _levels_of(self.cells, self.bursts).active_share

    def scaled(self, factor: Decimal) -> Self:
        """Return the same shape with every rate multiplied."""
        return replace(self, times=self.times * factor)

    def between(self, floor_rps: Decimal, ceiling_rps: Decimal) -> Decimal:
        """Return the mean rate, in req/s, of what lies between two rates."""
        return self.above(floor_rps) - self.above(ceiling_rps)

    def above(self, capacity_rps: Decimal) -> Decimal:
        """Return the mean rate, in req/s, of what exceeds a capacity."""
        if not self.times:
            return ZERO
        found = _levels_of(self.cells, self.bursts)
        return self.times * found.above(capacity_rps / self.times)

    @by_identity
    def replicas(self, capacity_rps: Decimal) -> int:
        """Return how many replicas hold the peak; at least one."""
        return max(1, ceiling(self.peak_rps / capacity_rps))


def bursts_of_peak(peak_over_average: Decimal | None) -> Shares:
    """Return bursts at a peak with nothing between.

    Overflow over a capacity is convex in the rate, so no other traffic with this mean and peak
    sends more of it elsewhere.
    """
    if peak_over_average is None or peak_over_average == 1:
        return EVEN
    share = 1 / peak_over_average
    return (share, peak_over_average), (1 - share, ZERO)


def steady(rate_rps: Decimal, hours_per_day: Decimal | None, starts: Decimal | None) -> Load:
    """Return a rate that holds for some hours of each day and is zero outside them."""
    if hours_per_day is None or hours_per_day >= HOURS:
        return Load(((Decimal(1), rate_rps),), starts or ZERO)
    share = hours_per_day / HOURS
    begins = Decimal(1) if starts is None else starts
    cells = ((share, rate_rps), (1 - share, ZERO))
    return Load(cells, begins)


@by_identity
def hourly(profile_rps: tuple[Decimal, ...], starts: Decimal | None) -> Load:
    """Return the load of hourly rates over a day, or a week, that repeats."""
    counts = Counter(profile_rps)
    rates = sorted(counts, reverse=True)
    hours = len(profile_rps)
    cells = tuple((Decimal(counts[rate]) / hours, rate) for rate in rates)
    rank = {rate: at for at, rate in enumerate(rates)}
    ranks = [rank[rate] for rate in profile_rps]
    begins = sum(1 for hour, rate in enumerate(profile_rps) if rate > 0 == profile_rps[hour - 1])
    counted = Decimal(begins) * HOURS / hours
    return Load(cells, counted if starts is None else starts, order=tuple(ranks))


def ceiling(value: Decimal) -> int:
    """Return the smallest whole number that is not below a value."""
    return int(value.to_integral_value(rounding=ROUND_CEILING))


LEAST_WATCHED_S = 1800.0
"""Every hour of the day must have been watched this long before the profile speaks for a day."""


@dataclass(frozen=True, slots=True)
class TokenSums:
    """The tokens of requests as sums, from which their means and spread follow.

    Attributes:
        requests: how many they are of.
        input_squares: the squares of each request's tokens, summed; of the output likewise.
    """

    requests: float = 0.0
    input_tokens: float = 0.0
    output_tokens: float = 0.0
    input_squares: float = 0.0
    output_squares: float = 0.0


@dataclass(frozen=True, slots=True)
class HourlyProfile:
    """What was learnt of a server's traffic.

    Attributes:
        requests: of each hour of the day in UTC, midnight first, since ever; like `seconds`, that
            each was watched.
        tokens: of all requests.
        bins: the traffic of the last eight weeks; older programs have left none.
        model: whose traffic it is; empty where older programs left it.
    """

    requests: tuple[float, ...] = (0.0,) * 24
    seconds: tuple[float, ...] = (0.0,) * 24
    tokens: TokenSums = TokenSums()
    bins: tuple[Bin, ...] = ()
    model: str = ""


def learn(profile: HourlyProfile, hour: int, requests: float, seconds: float) -> HourlyProfile:
    """Return the profile with what one window of this hour saw."""

    def added(values: tuple[float, ...], more: float) -> tuple[float, ...]:
        return (*values[:hour], values[hour] + more, *values[hour + 1 :])

    return replace(
        profile,
        requests=added(profile.requests, requests),
        seconds=added(profile.seconds, seconds),
    )


def learn_tokens(profile: HourlyProfile, seen: Observed | None) -> HourlyProfile:
    """Return the profile with the tokens of the requests that one window saw, if it saw any."""
    if seen is None or seen.input_tokens_mean is None or seen.output_tokens_mean is None:
        return profile
    n, sums = float(seen.n), profile.tokens
    into, out = float(seen.input_tokens_mean), float(seen.output_tokens_mean)
    sums = TokenSums(
        sums.requests + n,
        sums.input_tokens + n * into,
        sums.output_tokens + n * out,
        sums.input_squares + n * (into**2 + float(seen.input_tokens_sd) ** 2),
        sums.output_squares + n * (out**2 + float(seen.output_tokens_sd) ** 2),
    )
    return replace(profile, tokens=sums)


def profile_rps(profile: HourlyProfile) -> tuple[float | None, ...]:
    """Return the mean rate of each hour, None for an hour that was never watched."""
    pairs = zip(profile.requests, profile.seconds, strict=True)
    return tuple(requests / seconds if seconds > 0 else None for requests, seconds in pairs)


def hours_known(profile: HourlyProfile) -> int:
    """Return how many hours of the day were watched for long enough."""
    return sum(1 for seconds in profile.seconds if seconds >= LEAST_WATCHED_S)


def learnt_rps(profile: HourlyProfile) -> tuple[Decimal, ...] | None:
    """Return 24 hourly rates for a scenario, None until every hour was watched for long enough."""
    if hours_known(profile) < HOURS:
        return None
    rates = profile_rps(profile)
    return tuple(Decimal(repr(rate)) for rate in rates if rate is not None)
