"""The one number that would flip a verdict."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from itertools import accumulate, pairwise
from operator import mul
from typing import Any, Literal

from backends.domain.decision.break_even import Crossover, needed_capacity_rps
from backends.domain.decision.option import (
    Option,
    Point,
    api_prices_given,
    gpu_usd_per_hour,
    tokens_of,
    usd_per_request,
)
from backends.domain.decision.options import options
from backends.domain.decision.outcome import VerdictKind, competing, lead, outcome
from backends.domain.decision.scenario import Scenario
from backends.domain.decision.schedule import MOST_GPUS
from backends.domain.decision.uncertainty import centre, load_of
from backends.domain.durations import HOUR_S
from backends.domain.traffic.shape import Load

_NEAR, _FAR = Decimal("1.25"), Decimal(2)
_FACTORS = tuple(accumulate((Decimal(1), *(_NEAR,) * 10, *(_FAR,) * 10), mul))
"""Loads from a ten-thousandth of the present one to ten thousand times as much are searched."""
_KNOWN_TO = Decimal("1e-10")
"""To so much of it an edge is searched: more digits than are shown."""
_A_STEP_BEYOND = Decimal("1.000001")
_HALF = Decimal("0.5")

OptionsAt = Callable[[Decimal], tuple[Option, ...]]
"""The options by the factor on one figure."""


FlipQuantity = Literal[
    "rate_rps",
    "capacity_rps",
    "hours_per_day",
    "ttft_slo_s",
    "observed.n",
    "api_input_tokens",
    "gpu_usd_per_hour",
    "gpu_usd_per_month",
    "usd_per_request",
    "spot_usd_per_hour",
    "serverless_usd_per_second",
    "input_usd_per_mtok",
    "output_usd_per_mtok",
    "provisioned_unit_usd_per_hour",
    "batch_multiplier",
]
"""What may flip a verdict, by its key in the scenario."""


@dataclass(frozen=True, slots=True)
class Flip:
    """The value of one quantity at which the verdict changes.

    Attributes:
        quantity: its key in the scenario, such as ``rate_rps``.
        now: its present value, None where it is not known.
        to: the verdict beyond it, None where that depends on what is not known.
    """

    quantity: FlipQuantity
    value: Decimal
    now: Decimal | None
    to: VerdictKind | None = None


def flip_of(scenario: Scenario, load: Load | None, kind: VerdictKind, at: Crossover) -> Flip | None:
    """Return what would change the verdict, None where nothing that is known would."""
    if kind in {VerdictKind.NO_CROSSOVER, VerdictKind.CAPACITY_UNKNOWN}:
        needed = needed_capacity_rps(scenario)
        return None if needed is None else Flip("capacity_rps", needed, scenario.capacity_rps)
    if kind is VerdictKind.SLO_EXCLUDES:
        return _limit(scenario)
    if at.break_even_rps is None and at.hours_per_day is not None and scenario.rate_rps is None:
        return _hours(scenario, at.hours_per_day)
    if load is None or load.mean_rps == 0:
        even = at.break_even_rps
        now = None if load is None else load.mean_rps
        return None if even is None else Flip("rate_rps", even, now)
    return _by_search(scenario, load)


def _hours(scenario: Scenario, even: Decimal) -> Flip:
    """Return the busy hours that decide between a GPU around the clock and one by the second."""
    now = scenario.hours_per_day
    if now is None:
        return Flip("hours_per_day", even, now)
    by_month = scenario.gpu_usd_per_hour is None and scenario.gpu_usd_per_month is not None
    always = VerdictKind.RESERVED_CHEAPER if by_month else VerdictKind.SELF_HOST_CHEAPER
    beyond = VerdictKind.SERVERLESS_GPU_CHEAPER if now > even else always
    return Flip("hours_per_day", even, now, beyond)


def needed_for(scenario: Scenario, kind: VerdictKind, least_requests: int) -> Flip | None:
    """Return the number that decides where nothing is decided; None where no one number does.

    Of an unpriced side it is the price at which both cost the same.
    """
    seen, tokens, load = scenario.observed, tokens_of(scenario), load_of(scenario)
    if kind is VerdictKind.NOT_COMPARABLE and tokens and scenario.api_input_tokens is not None:
        return Flip("api_input_tokens", tokens[0], scenario.api_input_tokens)
    if kind is VerdictKind.INSUFFICIENT_DATA and seen is not None:
        few = min(seen.n, seen.counted)
        return Flip("observed.n", Decimal(least_requests), few) if few < least_requests else None
    if kind is not VerdictKind.UNPRICED or load is None or load.mean_rps == 0:
        return None
    gpu, request = gpu_usd_per_hour(scenario), usd_per_request(scenario)
    if gpu is None and request is not None:
        return Flip("gpu_usd_per_hour", HOUR_S * request * load.mean_rps, None)
    if gpu is not None and request is None:
        return Flip("usd_per_request", gpu / (HOUR_S * load.mean_rps), None)
    return None


def _by_search(scenario: Scenario, load: Load) -> Flip | None:
    """Return the nearest rate that changes the outcome; else the nearest capacity, else a price.

    No rate helps where peaks grow with it, but a faster GPU may; and where one contract is dearer
    than another at any rate, only its price decides.
    """
    capacity, usd = scenario.capacity_rps, usd_per_request(scenario)
    # Of very many GPUs the last one decides between them and a hybrid, again and again.
    many = capacity is not None and load.replicas(capacity) > MOST_GPUS
    change = (
        None
        if many
        else _nearest_change(lambda times: options(scenario, Point(usd, load.scaled(times))))
    )
    if change is not None:
        now = load.mean_rps if scenario.rate_rps is None else scenario.rate_rps
        return Flip("rate_rps", now * change[0], now, change[1])
    return next(_flips(scenario, load, _OTHERS), None)


def price_flips(scenario: Scenario) -> tuple[Flip, ...]:
    """Return of each price the value at which it alone would change the verdict, where one does."""
    load = load_of(scenario)
    return () if load is None or not load.mean_rps else tuple(_flips(scenario, load, _PRICES))


def _flips(scenario: Scenario, load: Load, keys: Iterable[FlipQuantity]) -> Iterator[Flip]:
    for key in keys:
        now = getattr(scenario, key)
        change = None if not now else _nearest_change(_with(scenario, load, key, now))
        if change is not None:
            yield Flip(key, now * change[0], now, change[1])


_OTHERS: tuple[FlipQuantity, ...] = (
    "capacity_rps",
    "gpu_usd_per_hour",
    "gpu_usd_per_month",
    "serverless_usd_per_second",
    "output_usd_per_mtok",
    "provisioned_unit_usd_per_hour",
)


_PRICES: tuple[FlipQuantity, ...] = (
    "gpu_usd_per_hour",
    "gpu_usd_per_month",
    "spot_usd_per_hour",
    "serverless_usd_per_second",
    "provisioned_unit_usd_per_hour",
    "input_usd_per_mtok",
    "output_usd_per_mtok",
    "usd_per_request",
)


def _with(scenario: Scenario, load: Load, key: str, now: Decimal) -> OptionsAt:
    """Return the options by the factor on one figure, all others as they are."""

    def found(times: Decimal) -> tuple[Option, ...]:
        changed: dict[str, Any] = {key: now * times}
        other = replace(scenario, **changed)
        return options(other, centre(other, load))

    return found


def _limit(scenario: Scenario) -> Flip | None:
    waits = (scenario.api_ttft_p99_s, scenario.gpu_ttft_p99_s, scenario.cold_start_s)
    limit = scenario.ttft_slo_s
    beyond = [wait for wait in waits if wait is not None and limit is not None and wait > limit]
    if beyond:
        return Flip("ttft_slo_s", min(beyond), limit)
    batch = scenario.batch_multiplier
    return None if batch is None or batch >= 1 else Flip("batch_multiplier", Decimal(1), batch)


def _nearest_change(found: OptionsAt) -> tuple[Decimal, VerdictKind] | None:
    """Return the nearer factor, up or down, at which the outcome changes, and to what."""
    at = cache(found)
    here = outcome(at(Decimal(1)))
    for near, far in pairwise(_FACTORS):
        for inside, outside, beyond in (
            (near, far, _A_STEP_BEYOND),
            (1 / near, 1 / far, 1 / _A_STEP_BEYOND),
        ):
            if outcome(at(outside)) is not here:
                edge = _boundary(inside, outside, at, here)
                to = outcome(at(edge * beyond))  # where no tie is left
                # With very many GPUs the outcome changes back within a step: that is no change.
                return None if to is here else (edge, to)
    return None


def _boundary(inside: Decimal, outside: Decimal, at: OptionsAt, here: VerdictKind) -> Decimal:
    """Return where an outcome ends: by the secant of its lead, by halving where that is no help."""
    tried, halve = [inside, outside], False
    while (width := abs(outside - inside)) > inside * _KNOWN_TO:
        guess = None if halve else _secant(tried, outside, at, here)
        low, high = sorted((inside, outside))
        least = inside * _KNOWN_TO / 2
        if guess is None or not low - least < guess < high + least:
            guess = (low + high) / 2
        middle = max(low + least, min(high - least, guess))
        if outcome(at(middle)) is here:
            inside = middle
        else:
            outside = middle
        tried.append(middle)
        halve = abs(outside - inside) > width / 2
    return (inside + outside) / 2


def _secant(
    tried: list[Decimal], outside: Decimal, at: OptionsAt, here: VerdictKind
) -> Decimal | None:
    """Return where two ways cost the same, by the last two factors that were tried.

    They are the ways that decide beyond the edge. Inside it the second may not be worth its start,
    and is no option at all: None then.
    """
    ways, last = competing(at(outside), here), tried[-1]
    now = None if ways is None else lead(at(last), *ways)
    if ways is None or now is None:
        return None
    for first in reversed(tried[:-1]):
        was = lead(at(first), *ways)
        if was is not None:
            return None if now == was else last - now * (last - first) / (now - was)
    return None


def without_rate(scenario: Scenario) -> Scenario:
    """Return a scenario of busy hours in units of one GPU's capacity, where no rate is known.

    An always-on GPU against the same GPU billed by the second needs no rate: what counts is the
    share of the day that it is busy.
    """
    traffic = (scenario.rate_rps, scenario.profile_rps, scenario.service_s, scenario.observed)
    busy = scenario.hours_per_day is not None and scenario.serverless_usd_per_second is not None
    if api_prices_given(scenario) or not busy or any(item is not None for item in traffic):
        return scenario
    return replace(scenario, rate_rps=Decimal(1), capacity_rps=Decimal(1))
