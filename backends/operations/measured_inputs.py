"""What this host has measured of a plan's inputs, each with where it comes from."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from backends.domain.ab.statistics import RUNS_FOR_P99
from backends.domain.decision.scenario import Scenario
from backends.domain.facts import MetricsScraped
from backends.domain.prices.amounts import STALE_AFTER_DAYS, figure
from backends.domain.serving import Bucket, Histogram
from backends.domain.traffic.latency import first_tokens, p99_against
from backends.history.records import FirstTokens
from backends.operations.capacity import Carries
from backends.operations.ranked_endpoints import RankedEndpoint
from backends.settings.config import Endpoint, Profile, Settings


@dataclass(frozen=True, slots=True)
class Starts:
    """The complete starts of one profile as it stands: how many, and the median of their length."""

    server: str
    n: int
    median_s: float


@dataclass(frozen=True, slots=True)
class Measured:
    """What the history of this host tells a plan."""

    starts: tuple[Starts, ...] = ()
    tails: tuple[FirstTokens, ...] = ()

    def tail(self, endpoint: Endpoint) -> FirstTokens | None:
        """Return what is known of an endpoint with its model of today."""
        wanted = (endpoint.name, endpoint.model)
        return next((each for each in self.tails if (each.endpoint, each.model) == wanted), None)


NOTHING_MEASURED = Measured()


@dataclass(frozen=True, slots=True)
class Input:
    """One input of the scenario; where its value is None, the sentence says what is missing."""

    key: str
    value: Decimal | None
    said: str


def inputs_of(
    settings: Settings,
    profile: Profile | None,
    *,
    carries: Carries,
    readings: Sequence[MetricsScraped],
    ranked: Sequence[RankedEndpoint],
    measured: Measured,
) -> tuple[Input, ...]:
    """Return the inputs that are measured, or would have to be, for a plan with these endpoints."""
    found = (
        *_starts(settings, profile, measured),
        _capacity(carries),
        _gpu_tail(settings, carries, readings),
        _api_tail(settings, ranked[0].endpoint if ranked else None, measured),
    )
    return tuple(each for each in found if each is not None)


def with_inputs(scenario: Scenario, found: Iterable[Input]) -> Scenario:
    """Return a scenario with the inputs that are known."""
    known: dict[str, Any] = {each.key: each.value for each in found if each.value is not None}
    return replace(scenario, **known)


def _starts(settings: Settings, profile: Profile | None, measured: Measured) -> list[Input]:
    """Return how long a start takes, unless the plan says it."""
    if profile is None:
        return []
    starts = next((each for each in measured.starts if each.server == profile.name), None)
    if starts is None:
        return []
    median = _seconds(starts.median_s)
    count = "one start" if starts.n == 1 else f"{starts.n} starts"
    of = f"the median of {count} of {starts.server} on this host, from launch to first token"
    found = []
    if settings.plan.cold_start_s is None:
        said = f"A cold start takes {figure(median)} s: {of}; renting a new host comes on top."
        found.append(Input("cold_start_s", median, f"{said} Say more with cold_start_s in [plan]."))
    if settings.plan.restart_s is None and settings.plan.billed_when_stopped is False:
        said = f"A restart takes {figure(median)} s: {of}; booting the host comes on top."
        found.append(Input("restart_s", median, f"{said} Say more with restart_s in [plan]."))
    return found


def _capacity(carries: Carries) -> Input | None:
    """Return why what was measured is no capacity of these requests, None where it is one."""
    if carries.rps is not None:
        return None
    return Input("capacity_rps", None, f"The capacity is {carries.reason}.")


def _gpu_tail(
    settings: Settings,
    carries: Carries,
    readings: Sequence[MetricsScraped],
) -> Input | None:
    """Return the GPU's p99 TTFT against the limit, None where there is no limit.

    The server's own histogram tells it where the GPU is not asked for more than it carries: what
    waits in an overloaded queue says nothing of a plan with enough GPUs. Otherwise the measured
    step of load does, at the rate that each GPU is planned to carry.
    """
    limit = settings.limits.ttft_p99_s
    if limit is None:
        return None
    seen = first_tokens(readings)
    if seen is not None and carries.rps is not None:
        took_s = readings[-1].at.mono_s - readings[0].at.mono_s
        if seen.counts[-1] <= float(carries.rps) * took_s:
            return _of_histogram(seen, limit)
    if carries.rps is not None and carries.ttft_p99_s is not None:
        value = _seconds(carries.ttft_p99_s)
        said = f"The GPU's p99 TTFT is what inferctl load measured at {figure(carries.rps)} req/s."
        return Input("gpu_ttft_p99_s", value, said)
    return Input(
        "gpu_ttft_p99_s",
        None,
        f"The GPU's p99 TTFT is not known: neither {RUNS_FOR_P99} requests within its capacity nor "
        f"a step of inferctl load with as many tell it.",
    )


def _of_histogram(seen: Histogram, limit_s: float) -> Input:
    """Return what the bucket that holds the p99 tells: it is over the limit, or within, or open."""
    tail = p99_against(seen, limit_s)
    low = tail.bucket.low_s
    n = f"{seen.counts[-1]:.0f} requests in the server's own histogram"
    said = f"The GPU's p99 TTFT {_within(tail.bucket)}, of {n}"
    if tail.broken is None:
        return Input("gpu_ttft_p99_s", None, f"{said}: whether the limit is kept is open.")
    if tail.broken:
        return Input("gpu_ttft_p99_above_s", _seconds(low), f"{said}.")
    return Input("gpu_ttft_p99_s", None, f"{said}: the limit is kept.")


def _within(bucket: Bucket) -> str:
    if bucket.high_s is None:
        return f"is above {bucket.low_s:g} s"
    if bucket.low_s <= 0:
        return f"is at most {bucket.high_s:g} s"
    return f"is between {bucket.low_s:g} and {bucket.high_s:g} s"


def _api_tail(settings: Settings, endpoint: Endpoint | None, measured: Measured) -> Input | None:
    """Return the p99 TTFT of an endpoint as A/B runs had it, None where there is no limit."""
    if settings.limits.ttft_p99_s is None or endpoint is None:
        return None
    tail = measured.tail(endpoint)
    if tail is None or tail.p99_s is None:
        runs = 0 if tail is None else tail.runs
        return Input(
            "api_ttft_p99_s",
            None,
            f"The p99 TTFT of {endpoint.name} takes {RUNS_FOR_P99} A/B runs of the last "
            f"{STALE_AFTER_DAYS} days, there are {runs}.",
        )
    day = datetime.fromtimestamp(tail.since_wall_s, UTC).date()
    failed = f"; {tail.failed} more failed" if tail.failed else ""
    said = f"The p99 TTFT of {endpoint.name} is of {tail.runs} A/B runs since {day}{failed}."
    return Input("api_ttft_p99_s", _seconds(tail.p99_s), said)


def too_slow(settings: Settings, measured: Measured) -> Mapping[str, str]:
    """Return the endpoints whose measured p99 TTFT breaks the limit, each with the reason."""
    return dict(_too_slow(settings, measured))


def _too_slow(settings: Settings, measured: Measured) -> Iterator[tuple[str, str]]:
    limit = settings.limits.ttft_p99_s
    for endpoint in settings.endpoints:
        tail = measured.tail(endpoint)
        if limit is not None and tail and tail.p99_s is not None and tail.p99_s > limit:
            yield endpoint.name, f"its p99 TTFT is {tail.p99_s:.3g} s, the limit is {limit:g} s"


def _seconds(value: float) -> Decimal:
    """Return seconds to the millisecond, below which no start and no tail is known."""
    return Decimal(repr(value)).quantize(Decimal("0.001")).normalize() + 0
