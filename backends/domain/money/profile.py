"""The hour-of-day profile of the traffic, learnt by watching."""

from dataclasses import dataclass
from decimal import Decimal

from backends.domain.money.shape import HOURS

LEAST_WATCHED_S = 1800.0
"""Every hour of the day must have been watched this long before the profile speaks for a day."""


@dataclass(frozen=True, slots=True)
class HourlyProfile:
    """Requests and watched seconds of each hour of the day, midnight first."""

    requests: tuple[float, ...] = (0.0,) * 24
    seconds: tuple[float, ...] = (0.0,) * 24


def learn(profile: HourlyProfile, hour: int, requests: float, seconds: float) -> HourlyProfile:
    """Return the profile with what one window of this hour saw."""

    def added(values: tuple[float, ...], more: float) -> tuple[float, ...]:
        return (*values[:hour], values[hour] + more, *values[hour + 1 :])

    return HourlyProfile(added(profile.requests, requests), added(profile.seconds, seconds))


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
