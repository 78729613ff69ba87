"""The hour-of-day profile of the traffic, learnt by watching."""

from dataclasses import dataclass, replace
from decimal import Decimal

from backends.domain.decision.scenario_parts import Observed
from backends.domain.traffic.shape import HOURS

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
