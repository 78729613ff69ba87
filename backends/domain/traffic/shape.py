"""The shape of traffic: at which rates requests come, and for which share of the day."""

from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Decimal
from typing import Self

from backends.domain.traffic.requests import Observed

ZERO = Decimal(0)
HOURS = 24


@dataclass(frozen=True, slots=True)
class Load:
    """Requests per second by share of the day.

    Attributes:
        levels: share of the day and mean rate in req/s; the shares add up to one.
        starts_per_day: how often traffic begins again after a level of zero.
        burst: how much higher than its mean each level peaks. A level is taken as bursts at that
            peak with nothing between: overflow over a capacity is convex in the rate, so no other
            traffic with this mean and peak sends more of it elsewhere.
    """

    levels: tuple[tuple[Decimal, Decimal], ...]
    starts_per_day: Decimal = ZERO
    burst: Decimal = Decimal(1)

    @property
    def mean_rps(self) -> Decimal:
        """The average over the whole day."""
        return sum((share * rate for share, rate in self.levels), ZERO)

    @property
    def peak_rps(self) -> Decimal:
        """The highest rate of all."""
        return max(rate for _, rate in self.levels) * self.burst

    @property
    def active_share(self) -> Decimal:
        """The share of the day with any traffic; the moments between bursts belong to it."""
        return sum((share for share, rate in self.levels if rate > 0), ZERO)

    @property
    def bursts(self) -> tuple[tuple[Decimal, Decimal], ...]:
        """Share of the day and rate of the bursts of each level."""
        return tuple((share / self.burst, rate * self.burst) for share, rate in self.levels)

    def scaled(self, factor: Decimal) -> Self:
        """Return the same shape with every rate multiplied."""
        return replace(self, levels=tuple((share, rate * factor) for share, rate in self.levels))

    def between(self, floor_rps: Decimal, ceiling_rps: Decimal) -> Decimal:
        """Return the mean rate, in req/s, of what lies between two rates."""
        width = ceiling_rps - floor_rps
        slices = (share * min(width, max(ZERO, rate - floor_rps)) for share, rate in self.bursts)
        return sum(slices, ZERO)

    def above(self, capacity_rps: Decimal) -> Decimal:
        """Return the mean rate, in req/s, of what exceeds a capacity."""
        slices = (share * max(ZERO, rate - capacity_rps) for share, rate in self.bursts)
        return sum(slices, ZERO)

    def replicas(self, capacity_rps: Decimal) -> int:
        """Return how many replicas hold the peak; at least one."""
        return max(1, ceiling(self.peak_rps / capacity_rps))


def steady(rate_rps: Decimal, hours_per_day: Decimal | None, starts: Decimal | None) -> Load:
    """Return a rate that holds for some hours of each day and is zero outside them."""
    if hours_per_day is None or hours_per_day >= HOURS:
        return Load(((Decimal(1), rate_rps),), starts or ZERO)
    share = hours_per_day / HOURS
    return Load(((share, rate_rps), (1 - share, ZERO)), Decimal(1) if starts is None else starts)


def daily(profile_rps: tuple[Decimal, ...], starts: Decimal | None) -> Load:
    """Return the load of hourly rates over one day that repeats."""
    share = Decimal(1) / len(profile_rps)
    begins = sum(
        1 for hour, rate in enumerate(profile_rps) if rate > 0 and profile_rps[hour - 1] == 0
    )
    levels = tuple((share, rate) for rate in profile_rps)
    return Load(levels, Decimal(begins) if starts is None else starts)


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
    """Requests and watched seconds of each hour of the day, midnight first; all their tokens."""

    requests: tuple[float, ...] = (0.0,) * 24
    seconds: tuple[float, ...] = (0.0,) * 24
    tokens: TokenSums = TokenSums()


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
